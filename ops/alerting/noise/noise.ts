/** Which rules wake people for something, and which only make noise: a function of the event log. */
import type { EventKind, EventLog, LoggedEvent } from '../../core/event-log/event.ts';
import type { RuleDrill } from '../catalogue/drills.ts';

export interface RuleNoise {
  readonly rule: string;
  /** How often it began to fire, load runs and drills not counted. */
  readonly firings: number;
  /** Of those: followed by somebody's doing, a silence not counted. */
  readonly actedOn: number;
  /** `actedOn / firings`; undefined where it never fired. */
  readonly actionRatio: number | undefined;
  /** Followed by a silence and nothing else. */
  readonly silenced: number;
  /** Median length, of those that ended. */
  readonly medianDurationMs: number | undefined;
  /** Since its last drill; undefined where it was never drilled. */
  readonly sinceDrillMs: number | undefined;
  /** What did not hold in that drill, as far as it was written down. */
  readonly drillProblem?: string | undefined;
}

/** What is known beside the event log. */
export interface KnownRules {
  /** Names of all alerts that are loaded. */
  readonly rules: readonly string[];
  /** Of `alerts/drills.json`. */
  readonly drills: readonly RuleDrill[];
}

/** Kinds of events the report is made of. */
export const noiseKinds = ['alert', 'ack', 'runbook-step', 'deploy', 'config', 'incident', 'silence', 'fault'] as const satisfies readonly EventKind[];

/** How long after the end of an alert somebody's doing still counts as an answer to it. */
const answerMs = 30 * 60_000;

interface Firing {
  readonly rule: string;
  readonly fingerprint: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly fromMs: number;
  toMs: number | undefined;
}

/**
 * The report, the noisiest rule first. An acknowledgement answers the alerts it names; a runbook step, deploy,
 * configuration change or note in an incident answers whatever fired then, or had ended in the 30 min before.
 * All rules that are loaded are in it, and those that fired or were drilled. The last drill is the later of what is written
 * down and of the log's: fault events whose `drillId` ends with the rule's name, as in `2026-11-21/CrashLoop`, or is it.
 * @param events in order of sequence
 */
export function noiseReport(events: readonly LoggedEvent[], nowMs: number, known: KnownRules = { rules: [], drills: [] }): RuleNoise[] {
  const firings = findFirings(events);
  const drills = findDrills(events, new Set([...known.rules, ...events.flatMap(({ details }) => (details.kind === 'alert' ? [details.rule] : []))]));
  const acts = events.filter(isAct);
  const silences = events.filter(({ details }) => details.kind === 'silence' && details.phase === 'created');
  const written = new Map(known.drills.map((drill) => [drill.alert, drill]));
  const rules = [...new Set([...known.rules, ...firings.map(({ rule }) => rule), ...drills.keys()])];
  return rules
    .map((rule): RuleNoise => {
      const own = firings.filter((firing) => firing.rule === rule);
      const actedOn = own.filter((firing) => acts.some((act) => answers(act, firing, nowMs))).length;
      const silenced = own.filter((firing) => !acts.some((act) => answers(act, firing, nowMs)) && silences.some((silence) => isDuring(silence.atMs, firing, nowMs, 0) && covers(silence, firing))).length;
      const lengths = own.flatMap(({ fromMs, toMs }) => (toMs === undefined ? [] : [toMs - fromMs])).sort((one, other) => one - other);
      const drill = written.get(rule);
      const drilledMs = Math.max(drills.get(rule) ?? -1, drill?.atMs ?? -1);
      return {
        rule, firings: own.length, actedOn, actionRatio: own.length === 0 ? undefined : actedOn / own.length, silenced,
        medianDurationMs: lengths[Math.floor((lengths.length - 1) / 2)], sinceDrillMs: drilledMs < 0 ? undefined : nowMs - drilledMs,
        ...(drill?.problem !== undefined && drill.atMs === drilledMs ? { drillProblem: drill.problem } : {}),
      };
    })
    .sort((one, other) => other.firings - other.actedOn - (one.firings - one.actedOn) || other.firings - one.firings || (one.rule < other.rule ? -1 : 1));
}

function findFirings(events: readonly LoggedEvent[]): Firing[] {
  const all: Firing[] = [];
  const open = new Map<string, Firing>();
  for (const { atMs, details } of events) {
    if (details.kind !== 'alert') continue;
    const key = `${details.group} ${details.rule} ${details.fingerprint}`;
    if (details.to === 'firing' && details.from !== 'firing') {
      // What a drill causes is meant to fire, and is no noise; the dead man's switch is meant to fire always.
      if (details.labels['sora_rehearsal'] !== undefined || details.rule === 'DeadMansSwitch') continue;
      const firing: Firing = { rule: details.rule, fingerprint: details.fingerprint, labels: details.labels, fromMs: atMs, toMs: undefined };
      all.push(firing);
      open.set(key, firing);
    } else if (details.from === 'firing') {
      const firing = open.get(key);
      if (firing !== undefined) firing.toMs = atMs;
      open.delete(key);
    }
  }
  return all;
}

function isAct({ details }: LoggedEvent): boolean {
  if (details.kind === 'incident') return details.phase === 'note' || details.phase === 'mitigated';
  return details.kind === 'ack' || details.kind === 'runbook-step' || details.kind === 'deploy' || (details.kind === 'config' && details.isFirst !== true);
}

const isDuring = (atMs: number, { fromMs, toMs }: Firing, nowMs: number, afterMs: number): boolean => atMs >= fromMs && atMs <= (toMs ?? nowMs) + afterMs;

function answers({ atMs, details }: LoggedEvent, firing: Firing, nowMs: number): boolean {
  if (details.kind === 'ack') return details.fingerprints.includes(firing.fingerprint) && isDuring(atMs, firing, nowMs, 0);
  return isDuring(atMs, firing, nowMs, answerMs);
}

/** Whether a silence names the alert; by its equalities alone, as they are written in the log. */
function covers({ details }: LoggedEvent, { labels }: Firing): boolean {
  if (details.kind !== 'silence') return false;
  const equalities = details.matchers.flatMap((matcher) => [/^([^=!~]+)="(.*)"$/s.exec(matcher)].filter((found) => found !== null));
  return equalities.length > 0 && equalities.every(([, name = '', value]) => labels[name] === value);
}

function findDrills(events: readonly LoggedEvent[], rules: ReadonlySet<string>): Map<string, number> {
  const drills = new Map<string, number>();
  for (const { atMs, details } of events) {
    if (details.kind !== 'fault' || details.phase !== 'started' || details.drillId === undefined) continue;
    const named = details.drillId.split(/[/:]/).at(-1) ?? '';
    const found = [named, details.fault].find((name) => rules.has(name)) ?? named;
    drills.set(found, Math.max(atMs, drills.get(found) ?? 0));
  }
  return drills;
}

/** Events read at most, the newest; the report says nothing of what is older. */
const eventsMax = 100_000;

/** All events of the report's kinds, in order, and how many of the oldest were left out. */
export async function readNoiseEvents(log: EventLog): Promise<{ readonly events: LoggedEvent[]; readonly cutEvents: number }> {
  const events: LoggedEvent[] = [];
  let cutEvents = 0;
  for (let afterSequence = 0; ; ) {
    const page = await log.read({ kinds: noiseKinds, afterSequence });
    events.push(...page);
    if (events.length > eventsMax) cutEvents += events.splice(0, events.length - eventsMax).length;
    const last = page.at(-1);
    if (last === undefined || page.length < 10_000) return { events, cutEvents };
    afterSequence = last.sequence;
  }
}
