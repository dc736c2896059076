import { z } from 'zod';
import { apiPrefix } from '../../../ops/control/client.ts';
import { messageOf } from '../../../ops/core/error.ts';
import type { Fault, Undo, World } from './fault.ts';
import type { Message } from './receiver.ts';

/** What became of one alert of one cause. Times in ms; undefined where it did not come. */
export interface AlertOutcome {
  readonly alert: string;
  readonly fault: string;
  readonly what: string;
  readonly severity: string;
  /** As the message told it: the value with its limit. */
  readonly measured: string;
  readonly conditionAfterMs: number;
  readonly toFiringMs: number | undefined;
  readonly firingToMessageMs: number | undefined;
  /** From the cause, or from when its condition could hold, to the message. */
  readonly toMessageMs: number | undefined;
  /** From the removal of the cause to the message that it is over. */
  readonly toResolvedMs: number | undefined;
  readonly problem: string | undefined;
  /** How its runbook was followed; undefined where it was not. */
  readonly runbook?: string | undefined;
}

const patienceMs = 120_000;
const lookMs = 200;
/** An alert of before has its `startsAt` before the cause; clocks are one. */
const slackMs = 50;

interface Found {
  readonly message: Message;
  readonly fingerprint: string;
  readonly startsAtMs: number;
  readonly severity: string;
  readonly measured: string;
}

/** Tells the control plane of the fault, brings it about, waits for every alert, removes it, and waits for the end of each. */
export async function runFault(world: World, fault: Fault): Promise<AlertOutcome[]> {
  const { host } = world;
  const faultId = `${fault.name}-${host.clock.nowMs().toString(36)}`;
  // One event for each rule: the noise report finds the last drill of a rule by the end of its id.
  const tell = (phase: 'started' | 'ended'): Promise<unknown> => world.control.post(`${apiPrefix}/events`, {
    events: fault.alerts.map((alert) => ({ details: { kind: 'fault', phase, faultId: `${faultId}-${alert}`, fault: fault.name, target: fault.target, drillId: `${faultId}/${alert}` } })),
  }, z.unknown());
  await tell('started');
  const causedAtMs = host.clock.nowMs();
  let undo: Undo | undefined;
  let problem: string | undefined;
  const found = new Map<string, Found>();
  try {
    world.say(`${fault.name}: ${fault.what}`);
    undo = await fault.begin(world);
    await Promise.all(fault.alerts.map(async (alert) => {
      const hit = await waitFor(world, patienceOf(fault), () => findFiring(world, alert, causedAtMs));
      if (hit !== undefined) found.set(alert, hit);
    }));
  } catch (error) {
    problem = messageOf(error);
  } finally {
    await undo?.().catch((error: unknown) => {
      problem ??= `the cause could not be removed: ${messageOf(error)}`;
    });
    await tell('ended').catch(() => undefined);
  }
  const removedAtMs = host.clock.nowMs();
  return await Promise.all(fault.alerts.map((alert) => outcomeOf(world, fault, alert, found.get(alert), { causedAtMs, removedAtMs, problem })));
}

const patienceOf = (fault: Fault): number => (fault.patienceMs ?? patienceMs) + (fault.conditionAfterMs ?? 0);

interface Times {
  readonly causedAtMs: number;
  readonly removedAtMs: number;
  readonly problem: string | undefined;
}

async function outcomeOf(world: World, fault: Fault, alert: string, hit: Found | undefined, { causedAtMs, removedAtMs, problem }: Times): Promise<AlertOutcome> {
  const conditionAfterMs = fault.conditionAfterMs ?? 0;
  const base = { alert, fault: fault.name, what: fault.what, conditionAfterMs, severity: hit?.severity ?? '', measured: hit?.measured ?? '' };
  if (hit === undefined) {
    world.say(`  ✗ ${alert}: no message`);
    return { ...base, toFiringMs: undefined, firingToMessageMs: undefined, toMessageMs: undefined, toResolvedMs: undefined, problem: problem ?? 'no message came' };
  }
  const resolved = await waitFor(world, patienceOf(fault), () => world.receiver.messages.find(({ atMs, payload }) =>
    atMs >= hit.message.atMs && payload.alerts.some(({ fingerprint, status }) => fingerprint === hit.fingerprint && status === 'resolved')));
  const outcome = {
    ...base,
    toFiringMs: Math.max(0, hit.startsAtMs - causedAtMs - conditionAfterMs),
    firingToMessageMs: hit.message.atMs - hit.startsAtMs,
    toMessageMs: Math.max(0, hit.message.atMs - causedAtMs - conditionAfterMs),
    // Conditions that end by themselves may be over before the cause is taken away.
    toResolvedMs: resolved === undefined ? undefined : Math.max(0, resolved.atMs - removedAtMs),
    problem: problem ?? (resolved === undefined ? 'no message said that it is over' : undefined),
  };
  world.say(`  ${outcome.problem === undefined ? '✓' : '✗'} ${alert}: message after ${(outcome.toMessageMs / 1_000).toFixed(1)} s, over ${resolved === undefined ? 'never told' : `${((outcome.toResolvedMs ?? 0) / 1_000).toFixed(1)} s after the cause`}`);
  return outcome;
}

function findFiring({ receiver }: World, alert: string, causedAtMs: number): Found | undefined {
  for (const message of receiver.messages) {
    if (message.atMs < causedAtMs) continue;
    const hit = message.payload.alerts.find(({ labels, status, startsAt }) => labels['alertname'] === alert && status === 'firing' && Date.parse(startsAt) >= causedAtMs - slackMs);
    if (hit !== undefined) return { message, fingerprint: hit.fingerprint, startsAtMs: Date.parse(hit.startsAt), severity: hit.labels['severity'] ?? '', measured: hit.measured };
  }
  return undefined;
}

async function waitFor<Result>({ host, signal }: World, forMs: number, look: () => Result | undefined): Promise<Result | undefined> {
  const endMs = host.clock.monotonicMs() + forMs;
  for (;;) {
    const result = look();
    if (result !== undefined || host.clock.monotonicMs() > endMs) return result;
    await host.timers.sleep(lookMs, signal);
  }
}
