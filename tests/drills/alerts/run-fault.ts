import { z } from 'zod';
import { apiPrefix } from '../../../ops/control/client.ts';
import { messageOf } from '../../../ops/core/error.ts';
import type { Fault, Undo, World } from './fault.ts';
import type { Message } from './receiver.ts';
import { summarise } from './runbook.ts';
import type { CommandOutcome, FollowedRunbook, FollowedSection, RunbookFollower, RunbookNotes } from './runbook.ts';

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
  /** How its runbook was followed; undefined where it should not be. */
  readonly runbook?: FollowedRunbook | undefined;
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

/** How runbooks are followed, and which is whose. */
export interface Guide extends RunbookFollower {
  readonly runbookOf: (alert: string) => string;
}

/** A fault that is there, and what came of it so far. */
interface Present {
  readonly fault: Fault;
  readonly faultId: string;
  readonly causedAtMs: number;
  readonly undo: Undo | undefined;
  problem: string | undefined;
  readonly found: ReadonlyMap<string, Found>;
  readonly notes: RunbookNotes;
  /** By runbook. */
  readonly commands: Map<string, CommandOutcome[]>;
}

/**
 * Brings faults about together and waits for every alert, then removes them and waits for the end of each. Runbooks are
 * followed when nothing is being timed: the checks when all messages have come, the proofs when all have said that it is over.
 */
export async function runRound(world: World, faults: readonly Fault[], guide?: Guide): Promise<AlertOutcome[]> {
  await waitForCalm(world, new Set(faults.flatMap(({ alerts }) => alerts)));
  const present = await Promise.all(faults.map((fault) => bringAbout(world, fault)));
  try {
    if (guide !== undefined) for (const one of present) await follow(world, guide, one, 'First checks');
  } catch (error) {
    for (const one of present) one.problem ??= messageOf(error);
  }
  const rounds = await Promise.all(present.map(async (one) => {
    const isMitigated = guide !== undefined && (await mitigate(world, guide, one));
    if (!isMitigated) await undo(one);
    await tell(world, one, 'ended').catch(() => undefined);
    const removedAtMs = world.host.clock.nowMs();
    const outcomes = await Promise.all(one.fault.alerts.map((alert) => outcomeOf(world, one, alert, removedAtMs)));
    if (isMitigated && outcomes.some(({ toResolvedMs }) => toResolvedMs === undefined)) await undo(one);
    return outcomes;
  }));
  if (guide === undefined) return rounds.flat();
  for (const one of present) await follow(world, guide, one, 'Proof of recovery');
  return present.flatMap((one, index) => (rounds[index] ?? []).map((outcome) => {
    const path = guide.runbookOf(outcome.alert);
    return { ...outcome, runbook: summarise(path, one.commands.get(path) ?? []) };
  }));
}

/** What a round before still makes fire sends no message anew; how long it may take is bounded. */
async function waitForCalm(world: World, alerts: ReadonlySet<string>): Promise<void> {
  const isCalm = await waitFor(world, patienceMs, () => {
    const last = new Map(world.receiver.messages.flatMap(({ payload }) => payload.alerts.flatMap(({ labels, fingerprint, status }) => (alerts.has(labels['alertname'] ?? '') ? [[fingerprint, status]] : []))));
    return [...last.values()].includes('firing') ? undefined : true;
  });
  if (isCalm === undefined) world.say('some of the alerts that are due fire from before');
}

/** Tells the control plane of the fault, brings it about, and waits for its messages. Never throws: what others brought about must be removed. */
async function bringAbout(world: World, fault: Fault): Promise<Present> {
  const { host } = world;
  const faultId = `${fault.name}-${host.clock.nowMs().toString(36)}`;
  const found = new Map<string, Found>();
  let causedAtMs = host.clock.nowMs();
  let undo: Undo | undefined;
  let problem: string | undefined;
  let notes: RunbookNotes = {};
  try {
    await tell(world, { fault, faultId }, 'started');
    causedAtMs = host.clock.nowMs();
    world.say(`${fault.name}: ${fault.what}`);
    undo = await fault.begin(world);
    await Promise.all(fault.alerts.map(async (alert) => {
      const hit = await waitFor(world, patienceOf(fault), () => findFiring(world, alert, causedAtMs));
      if (hit !== undefined) found.set(alert, hit);
    }));
    notes = (await fault.notes?.(world)) ?? {};
  } catch (error) {
    problem = messageOf(error);
  }
  return { fault, faultId, causedAtMs, undo, problem, found, notes, commands: new Map() };
}

/** One event for each rule: the noise report finds the last drill of a rule by the end of its id. */
function tell(world: World, { fault, faultId }: Pick<Present, 'fault' | 'faultId'>, phase: 'started' | 'ended'): Promise<unknown> {
  return world.control.post(`${apiPrefix}/events`, {
    events: fault.alerts.map((alert) => ({ details: { kind: 'fault', phase, faultId: `${faultId}-${alert}`, fault: fault.name, target: fault.target, drillId: `${faultId}/${alert}` } })),
  }, z.unknown());
}

/** Each runbook of alerts that came, once. */
async function follow({ signal }: World, guide: Guide, { fault, found, notes, commands }: Present, section: FollowedSection, only?: readonly string[]): Promise<CommandOutcome[]> {
  const made: CommandOutcome[] = [];
  for (const path of new Set(fault.alerts.filter((alert) => found.has(alert)).map(guide.runbookOf))) {
    if (signal.aborted) break;
    const outcomes = await guide.follow(path, section, notes, only);
    commands.set(path, [...(commands.get(path) ?? []), ...outcomes]);
    made.push(...outcomes);
  }
  return made;
}

/** Ends the fault as its runbook says. @returns whether that was done, and every command went well */
async function mitigate(world: World, guide: Guide, one: Present): Promise<boolean> {
  if (one.fault.mitigation === undefined) return false;
  const made = await follow(world, guide, one, 'Mitigation', one.fault.mitigation).catch(() => []);
  return made.length > 0 && made.every(({ problem }) => problem === undefined);
}

async function undo(one: Present): Promise<void> {
  await one.undo?.().catch((error: unknown) => {
    one.problem ??= `the cause could not be removed: ${messageOf(error)}`;
  });
}

const patienceOf = (fault: Fault): number => (fault.patienceMs ?? patienceMs) + (fault.conditionAfterMs ?? 0);

async function outcomeOf(world: World, one: Present, alert: string, removedAtMs: number): Promise<AlertOutcome> {
  const { fault, causedAtMs, problem } = one;
  const hit = one.found.get(alert);
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
