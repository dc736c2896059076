/** Tells the control plane of a load run, so that alerts it causes are rehearsals and messages name it as a change. */
import { z } from 'zod';
import { apiPrefix, controlClient } from '../control/client.ts';
import type { ClientContext } from '../control/client.ts';
import { SoraError, messageOf } from '../core/error.ts';

export interface AnnouncedRun {
  readonly runId: string;
  readonly scenario: string;
  /** Such as `run, 10,000 users`. */
  readonly summary: string;
  /** How long it should take with all that belongs to it; an alert tells of a run that goes on for longer. */
  readonly plannedMs: number;
}

/** A run does not wait longer for a control plane that hangs. */
const waitMs = 3_000;
/** Well below the lease of 2 min (ops/alerting/rules/rehearsal.ts), so that one lost renewal ends nothing. */
const renewMs = 30_000;
/** Pauses before the end is told again; what is lost all the same costs the rest of a lease. */
const retriesMs = [1_000, 2_000] as const;

type Phase = 'started' | 'renewed' | 'ended';
interface Told {
  readonly run: AnnouncedRun;
  readonly phase: Phase;
  readonly plannedEndMs: number;
  /** Of the renewal. */
  readonly turn?: number;
}

/**
 * Announces the start, does the work, goes on saying that it lasts, announces the end. Without a control plane nothing is
 * said; one that cannot be told is a warning, for a run is worth more than its announcement.
 */
export async function announced<Result>(context: ClientContext, run: AnnouncedRun, work: () => Promise<Result>): Promise<Result> {
  const { host } = context;
  const plannedEndMs = host.clock.nowMs() + run.plannedMs;
  await announce(context, { run, phase: 'started', plannedEndMs });
  let turn = 0;
  let renewing: Promise<void> = Promise.resolve();
  const renewals = host.timers.every(renewMs, () => {
    turn += 1;
    renewing = announce(context, { run, phase: 'renewed', plannedEndMs, turn });
  });
  try {
    return await work();
  } finally {
    renewals.cancel();
    // One that came after the end would begin the rehearsal again.
    await renewing;
    await announce(context, { run, phase: 'ended', plannedEndMs }, retriesMs);
  }
}

async function announce(context: ClientContext, told: Told, [pauseMs, ...pausesMs]: readonly number[] = []): Promise<void> {
  try {
    await tell(context, told);
  } catch (error) {
    // No control plane runs: nobody wants to know.
    if (error instanceof SoraError && error.code === 'invalid_config') return;
    const isRefused = error instanceof SoraError && error.status !== undefined && error.status < 500;
    if (pauseMs !== undefined && !isRefused) {
      await context.host.timers.sleep(pauseMs);
      return await announce(context, told, pausesMs);
    }
    context.host.stderr.write(`the control plane was not told that the run ${told.phase === 'renewed' ? 'goes on' : `has ${told.phase}`}: ${messageOf(error)}\n`);
  }
}

/** @throws where it was not told within 3 s */
async function tell(context: ClientContext, { run: { runId, scenario, summary }, phase, plannedEndMs, turn }: Told): Promise<void> {
  const { host } = context;
  const details = { kind: 'load-run', phase, runId, scenario: scenario.slice(0, 200), summary: summary.slice(0, 4_000), plannedEndMs };
  const key = `load-run:${runId}:${phase}${turn === undefined ? '' : `:${turn}`}`;
  const done = new AbortController();
  const late = host.timers.sleep(waitMs, done.signal).then(() => {
    throw new Error(`no reply within ${waitMs} ms`);
  });
  late.catch(() => undefined);
  try {
    await Promise.race([controlClient(context).post(`${apiPrefix}/events`, { events: [{ atMs: host.clock.nowMs(), details, key }] }, z.unknown()), late]);
  } finally {
    done.abort();
  }
}
