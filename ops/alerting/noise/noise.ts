/** Which rules wake people for something, and which only make noise: a function of the event log. */
import type { EventKind, EventLog, LoggedEvent } from '../../core/event-log/event.ts';
import { incidentsOf } from '../../incidents/fold.ts';
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
  /** Name of its runbook's file; empty where it has none. */
  readonly runbook: string;
  readonly fromMs: number;
  toMs: number | undefined;
}

/**
 * The report, the noisiest rule first. An acknowledgement answers the alerts it names. What else somebody does answers
 * an alert that fires then, or had ended in the 30 min before, and that it is about: a mark in an incident (a note,
 * mitigated, resolved) the alerts of that incident, a step of a runbook those it is for, a deploy or a change of
 * configuration those of that service (labels `service` and `job`) or rule. Changes that the control plane finds at its start name none.
 * All rules that are loaded are in it, and those that fired or were drilled. The last drill is the later of what is written
 * down and of the log's: fault events whose `drillId` ends with the rule's name, as in `2026-11-21/CrashLoop`, or is it.
 * @param events in order of sequence
 */
export function noiseReport(events: readonly LoggedEvent[], nowMs: number, known: KnownRules = { rules: [], drills: [] }): RuleNoise[] {
  const firings = findFirings(events);
  const drills = findDrills(events, new Set([...known.rules, ...events.flatMap(({ details }) => (details.kind === 'alert' ? [details.rule] : []))]));
  const answers = answersOf(events, nowMs);
  const written = new Map(known.drills.map((drill) => [drill.alert, drill]));
  const byRule = new Map<string, Firing[]>([...known.rules, ...drills.keys()].map((rule) => [rule, []]));
  for (const firing of firings) byRule.set(firing.rule, byRule.get(firing.rule) ?? []).get(firing.rule)?.push(firing);
  return [...byRule]
    .map(([rule, own]): RuleNoise => {
      const unanswered = own.filter((firing) => !isAnswered(answers, firing, nowMs));
      const actedOn = own.length - unanswered.length;
      const silenced = unanswered.filter((firing) => isSilenced(answers, firing, nowMs)).length;
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
      const firing: Firing = { rule: details.rule, fingerprint: details.fingerprint, labels: details.labels, runbook: nameOfRunbook(details.annotations['runbook'] ?? ''), fromMs: atMs, toMs: undefined };
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

/** Who did what, in order of time: thousands of firings are held against it. */
interface Answers {
  /** When alerts were acknowledged, by fingerprint. */
  readonly acksMs: ReadonlyMap<string, readonly number[]>;
  /** When something was done, by what it is about; see `aboutOf` and `keysOf`. */
  readonly actsMs: ReadonlyMap<string, readonly number[]>;
  readonly silences: readonly { readonly atMs: number; readonly equalities: readonly (readonly [string, string])[] }[];
}

function answersOf(events: readonly LoggedEvent[], nowMs: number): Answers {
  const acksMs = new Map<string, number[]>();
  const actsMs = new Map<string, number[]>();
  const silences: Answers['silences'][number][] = [];
  const alertsOf = new Map(incidentsOf(events, nowMs).map(({ id, alerts }) => [id, alerts.map(({ fingerprint }) => fingerprint)]));
  const put = (times: Map<string, number[]>, key: string, atMs: number): void => void times.set(key, times.get(key) ?? []).get(key)?.push(atMs);
  for (const event of events.toSorted((one, other) => one.atMs - other.atMs)) {
    const { atMs, details } = event;
    if (details.kind === 'ack') for (const fingerprint of details.fingerprints) put(acksMs, fingerprint, atMs);
    else if (details.kind === 'silence' && details.phase === 'created') silences.push({ atMs, equalities: equalitiesOf(details.matchers) });
    else for (const key of aboutOf(event, alertsOf)) put(actsMs, key, atMs);
  }
  return { acksMs, actsMs, silences };
}

/** What somebody's doing is about. The control plane itself never writes that an incident was mitigated or resolved. */
function aboutOf({ details }: LoggedEvent, alertsOf: ReadonlyMap<string, readonly string[]>): string[] {
  switch (details.kind) {
    case 'incident': return details.phase === 'joined' ? [] : (alertsOf.get(details.incidentId) ?? []).map((fingerprint) => `alert ${fingerprint}`);
    case 'runbook-step': return [`runbook ${nameOfRunbook(details.runbook)}`];
    case 'deploy': return [`subject ${details.service}`];
    case 'config': return details.isFirst === true ? [] : [`subject ${details.subject}`];
    default: return [];
  }
}

/** What a doing must be about to answer it. */
function keysOf({ rule, fingerprint, labels, runbook }: Firing): string[] {
  const subjects = [labels['service'], labels['job'], rule].flatMap((subject) => (subject === undefined ? [] : [`subject ${subject}`]));
  return [`alert ${fingerprint}`, ...subjects, ...(runbook === '' ? [] : [`runbook ${runbook}`])];
}

/** `crash-loop` of `runbooks/crash-loop.md` and of a URL. */
const nameOfRunbook = (path: string): string => path.replace(/[?#].*$/s, '').split('/').at(-1)?.replace(/\.md$/, '') ?? '';

function isAnswered({ acksMs, actsMs }: Answers, firing: Firing, nowMs: number): boolean {
  const { fingerprint, fromMs } = firing;
  const endMs = firing.toMs ?? nowMs;
  return isBetween(acksMs.get(fingerprint) ?? [], fromMs, endMs) || keysOf(firing).some((key) => isBetween(actsMs.get(key) ?? [], fromMs, endMs + answerMs));
}

/** Whether one of the times, which are in order, lies in the span. */
function isBetween(timesMs: readonly number[], fromMs: number, toMs: number): boolean {
  return (timesMs[firstFrom(timesMs, (atMs) => atMs, fromMs)] ?? Infinity) <= toMs;
}

/** Index of the first that is not before that time; their number where none is. */
function firstFrom<Item>(items: readonly Item[], timeOf: (item: Item) => number, fromMs: number): number {
  let low = 0;
  for (let high = items.length; low < high; ) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && timeOf(item) < fromMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether a silence that was created while it fired names the alert; by its equalities alone, as they are written in the log. */
function isSilenced({ silences }: Answers, { labels, fromMs, toMs }: Firing, nowMs: number): boolean {
  const endMs = toMs ?? nowMs;
  for (let index = firstFrom(silences, ({ atMs }) => atMs, fromMs); ; index++) {
    const silence = silences[index];
    if (silence === undefined || silence.atMs > endMs) return false;
    if (silence.equalities.length > 0 && silence.equalities.every(([name, value]) => labels[name] === value)) return true;
  }
}

const equalitiesOf = (matchers: readonly string[]): [string, string][] =>
  matchers.flatMap((matcher) => [/^([^=!~]+)="(.*)"$/s.exec(matcher)].flatMap((found): [string, string][] => (found === null ? [] : [[found[1] ?? '', found[2] ?? '']])));

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

export interface NoiseReading {
  readonly rules: RuleNoise[];
  /** Of the oldest events: how many were left out. */
  readonly cutEvents: number;
}

/** Reads the log and makes the report of it. */
export async function readNoise(log: EventLog, nowMs: number, known?: KnownRules): Promise<NoiseReading> {
  const events: LoggedEvent[] = [];
  let cutEvents = 0;
  for (let afterSequence = 0; ; ) {
    const page = await log.read({ kinds: noiseKinds, afterSequence });
    for (const event of page) events.push(event);
    if (events.length > eventsMax) cutEvents += events.splice(0, events.length - eventsMax).length;
    const last = page.at(-1);
    if (last === undefined || page.length < 10_000) return { rules: noiseReport(events, nowMs, known), cutEvents };
    afterSequence = last.sequence;
  }
}
