import type { RuleHealth } from '../alerting/alert.ts';

/** What is known of the groups of rules. */
export interface EvaluatedGroup {
  readonly group: { readonly name: string };
  readonly intervalMs: number;
  readonly evaluatedAtMs: number | undefined;
  readonly rules: readonly { readonly state: { readonly health: RuleHealth; readonly error?: string | undefined } }[];
}

/** What is known of the way from a rule to a message. */
export interface Observation {
  readonly groups: readonly EvaluatedGroup[];
  /** Since when changes wait to be saved; undefined while none do. */
  readonly unsavedSinceMs: number | undefined;
  /** Since when routing has been asked for a decision that is not written yet; undefined while there is none. */
  readonly undecidedSinceMs: number | undefined;
  /** Since when an outside Alertmanager, where there is one, has not taken the alerts it was asked to take; undefined while it has. */
  readonly unpostedSinceMs: number | undefined;
  /** When the sender last saw what waits in the outbox. */
  readonly outboxReadAtMs: number | undefined;
}

/** Evaluations that may be late before something is wrong. */
const lateMax = 4;

/**
 * Why an alert that fires now might not be told; undefined where it would be. A group was not evaluated for four times
 * its interval; more than half of the rules fail, as when the samples cannot be read; or what was found cannot be saved,
 * routed or read from the outbox, as when the database is away, or is not taken by the outside Alertmanager. All of it is
 * of the whole way: rules that are evaluated in memory prove nothing where nobody can be told.
 * @param limits.sinceMs when evaluating began
 * @param limits.patienceMs what a database or Alertmanager may be away, and a group of any interval late
 */
export function findProblem(observed: Observation, limits: { readonly sinceMs: number; readonly patienceMs: number }, nowMs: number): string | undefined {
  return findLate(observed.groups, limits, nowMs) ?? findStuck(observed, limits, nowMs) ?? findFailing(observed.groups);
}

function findLate(groups: readonly EvaluatedGroup[], { sinceMs, patienceMs }: { readonly sinceMs: number; readonly patienceMs: number }, nowMs: number): string | undefined {
  for (const { group, intervalMs, evaluatedAtMs, rules } of groups) {
    const silentMs = nowMs - Math.max(sinceMs, evaluatedAtMs ?? 0);
    if (rules.length > 0 && silentMs > Math.max(patienceMs, lateMax * intervalMs)) return `no rule of the group ${group.name} was evaluated for ${seconds(silentMs)}`;
  }
  return undefined;
}

function findStuck({ unsavedSinceMs = Infinity, undecidedSinceMs = Infinity, unpostedSinceMs = Infinity, outboxReadAtMs }: Observation, { sinceMs, patienceMs }: { readonly sinceMs: number; readonly patienceMs: number }, nowMs: number): string | undefined {
  const readAtMs = Math.max(sinceMs, outboxReadAtMs ?? 0);
  if (nowMs - unsavedSinceMs > patienceMs) return `the state of alerts could not be saved for ${seconds(nowMs - unsavedSinceMs)}`;
  if (nowMs - undecidedSinceMs > patienceMs) return `nothing could be routed for ${seconds(nowMs - undecidedSinceMs)}`;
  if (nowMs - unpostedSinceMs > patienceMs) return `Alertmanager has taken no alerts for ${seconds(nowMs - unpostedSinceMs)}`;
  return nowMs - readAtMs > patienceMs ? `the outbox could not be read for ${seconds(nowMs - readAtMs)}` : undefined;
}

function findFailing(groups: readonly EvaluatedGroup[]): string | undefined {
  const states = groups.flatMap(({ rules }) => rules.map(({ state }) => state));
  const failing = states.filter(({ health }) => health === 'error');
  if (failing.length * 2 <= states.length) return undefined;
  return `${failing.length} of ${states.length} rules fail, the first with: ${failing[0]?.error ?? 'no word'}`;
}

const seconds = (durationMs: number): string => `${Math.round(durationMs / 1_000)} s`;
