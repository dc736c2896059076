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
}

/** A run does not wait longer for a control plane that hangs. */
const waitMs = 3_000;

/**
 * Announces the start, does the work, announces the end. Without a control plane nothing is said; one that cannot be
 * told is a warning, for a run is worth more than its announcement.
 */
export async function announced<Result>(context: ClientContext, run: AnnouncedRun, work: () => Promise<Result>): Promise<Result> {
  await announce(context, run, 'started');
  try {
    return await work();
  } finally {
    await announce(context, run, 'ended');
  }
}

async function announce(context: ClientContext, { runId, scenario, summary }: AnnouncedRun, phase: 'started' | 'ended'): Promise<void> {
  const { host } = context;
  const details = { kind: 'load-run', phase, runId, scenario: scenario.slice(0, 200), summary: summary.slice(0, 4_000) };
  const done = new AbortController();
  const late = host.timers.sleep(waitMs, done.signal).then(() => {
    throw new Error(`no reply within ${waitMs} ms`);
  });
  late.catch(() => undefined);
  try {
    await Promise.race([controlClient(context).post(`${apiPrefix}/events`, { events: [{ atMs: host.clock.nowMs(), details, key: `load-run:${runId}:${phase}` }] }, z.unknown()), late]);
  } catch (error) {
    // No control plane runs: nobody wants to know.
    if (error instanceof SoraError && error.code === 'invalid_config') return;
    host.stderr.write(`the control plane was not told that the run has ${phase}: ${messageOf(error)}\n`);
  } finally {
    done.abort();
  }
}
