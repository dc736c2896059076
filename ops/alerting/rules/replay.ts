/**
 * Plays a recording again: the same rules at the same times over the same samples give the same transitions, or the
 * first that differs is told. It proves that the live history follows from the samples and from nothing else.
 */
import { fingerprintOf, rehearsalLabel } from '../alert.ts';
import type { AlertInstance, AlertTransition } from '../alert.ts';
import { SoraError } from '../../core/error.ts';
import { resolvedRetentionMs } from '../lifecycle/advance.ts';
import { samplesOf } from '../lifecycle/samples.ts';
import { emptyState } from '../lifecycle/state.ts';
import { GroupRun } from './group-run.ts';
import { rehearsalsAt, trackMoment } from './rehearsal.ts';
import type { OpenRuns } from './rehearsal.ts';
import { decodeValue } from './recording-file.ts';
import type { RecordedTransition, RuleRecording } from './recording-file.ts';
import { ReplaySource } from './replay-source.ts';
import type { AlertRule, Rule, RuleGroup } from './rule.ts';
import { renderProblem } from './rule.ts';
import { parseRuleFile } from './rule-file.ts';

export interface Replay {
  /** From `fromMs` of the recording on. */
  readonly transitions: readonly AlertTransition[];
  readonly evaluations: number;
}

/** @throws SoraError `bad_recording` where its rules cannot be read */
export async function replayRules(recording: RuleRecording): Promise<Replay> {
  const groups = readGroups(recording);
  const recorded = new Set(groups.flatMap(({ rules }) => rules.flatMap((rule) => (rule.kind === 'record' ? [rule.name] : []))));
  const source = new ReplaySource({ recording, isMade: (name) => name === 'ALERTS' || name === 'ALERTS_FOR_STATE' || recorded.has(name) });
  const runs = new Map(groups.map((group) => {
    const run = new GroupRun(group, group.intervalMs ?? recording.intervalMs);
    for (const each of run.rules) each.state = { ...emptyState, ...standing(recording, group, each.rule) };
    return [run.key, run];
  }));
  const transitions: AlertTransition[] = [];
  const evaluations = recording.evaluations.filter(({ atMs }) => atMs >= recording.replayFromMs).toSorted((a, b) => a.startedAtMs - b.startedAtMs || a.atMs - b.atMs);
  for (const { group, atMs, startedAtMs } of evaluations) {
    const run = runs.get(group);
    if (run === undefined) continue;
    source.moveTo(atMs, startedAtMs);
    const rehearsals = rehearsalsAt(openRuns(recording, atMs), atMs);
    const { externalLabels, externalUrl, intervalMs } = recording;
    const world = { source, externalLabels, externalUrl, query: { subqueryStepMs: intervalMs }, rehearsals };
    const change = await run.evaluate(world, atMs, (samples) => source.append(samples), () => 0);
    transitions.push(...change.transitions);
  }
  return { transitions: transitions.filter(({ atMs }) => atMs >= recording.fromMs), evaluations: evaluations.length };
}

function readGroups({ groups }: RuleRecording): RuleGroup[] {
  return groups.flatMap(({ file, group }) => {
    // JSON is YAML.
    const parsed = parseRuleFile(file, JSON.stringify({ groups: [group] }));
    if (parsed.problems.length > 0) throw new SoraError('bad_recording', `the recorded rules cannot be read: ${parsed.problems.map(renderProblem).join('; ')}`, { exitCode: 104 });
    return parsed.groups;
  });
}

function openRuns({ runs }: RuleRecording, atMs: number): OpenRuns {
  return runs.filter((run) => run.atMs <= atMs).reduce<OpenRuns>(trackMoment, []);
}

/** Alerts of a rule as their last transitions before the replay left them. */
function standing({ transitions, replayFromMs }: RuleRecording, group: RuleGroup, rule: Rule): { alerts: readonly AlertInstance[]; series: readonly Readonly<Record<string, string>>[] } {
  if (rule.kind === 'record') return { alerts: [], series: [] };
  const alerts = new Map<string, AlertInstance>();
  for (const each of transitions) {
    if (each.atMs >= replayFromMs || each.group !== group.name || each.rule !== rule.name || !isOf(rule, each)) continue;
    // By its own labels: one that has left its rehearsal is another to whoever is told, and the same one here.
    const { [rehearsalLabel]: _, ...own } = each.labels;
    const key = fingerprintOf(own);
    const alert = after(alerts.get(key), each);
    if (alert === undefined) alerts.delete(key);
    else alerts.set(key, alert);
  }
  const kept = [...alerts.values()].filter(({ state, resolvedAtMs }) => state !== 'resolved' || replayFromMs - (resolvedAtMs ?? 0) <= resolvedRetentionMs);
  const ordered = kept.toSorted((a, b) => (fingerprintOf(a.labels) < fingerprintOf(b.labels) ? -1 : 1));
  return { alerts: ordered, series: samplesOf(rule, ordered.filter(({ state }) => state !== 'resolved'), replayFromMs).map(({ labels }) => labels) };
}

/** Rules of one name differ by their labels. */
const isOf = (rule: AlertRule, { labels }: RecordedTransition): boolean =>
  Object.entries(rule.labels).every(([name, value]) => value.includes('{{') || labels[name] === value || (value === '' && labels[name] === undefined));

function after(before: AlertInstance | undefined, { to, atMs, labels, annotations, value, activeAtMs }: RecordedTransition): AlertInstance | undefined {
  if (to === 'inactive') return undefined;
  const { [rehearsalLabel]: rehearsalId, ...own } = labels;
  const head = { labels: own, annotations, state: to, value: decodeValue(value), activeAtMs, ...(rehearsalId === undefined ? {} : { rehearsalId }) };
  if (to === 'pending') return head;
  return to === 'firing' ? { ...head, firedAtMs: atMs } : { ...head, firedAtMs: before?.firedAtMs ?? activeAtMs, resolvedAtMs: atMs };
}

/** The first place where two histories part. */
export interface Difference {
  readonly live: RecordedTransition | undefined;
  readonly replayed: AlertTransition | undefined;
}

/** Compares transition by transition; values are not compared. Undefined where the histories are the same. */
export function firstDifference(recording: RuleRecording, replayed: readonly AlertTransition[]): Difference | undefined {
  const live = recording.transitions.filter(({ atMs }) => atMs >= recording.fromMs && atMs <= recording.toMs).toSorted(byTime);
  const again = replayed.filter(({ atMs }) => atMs <= recording.toMs).toSorted(byTime);
  for (let at = 0; at < Math.max(live.length, again.length); at++) {
    const [one, other] = [live[at], again[at]];
    if (one === undefined || other === undefined || orderKey(one) !== orderKey(other)) return { live: one, replayed: other };
  }
  return undefined;
}

type Told = Pick<AlertTransition, 'atMs' | 'group' | 'rule' | 'fingerprint' | 'from' | 'to'>;
const orderKey = ({ atMs, group, rule, fingerprint, from, to }: Told): string => JSON.stringify([atMs, group, rule, fingerprint, from, to]);
const byTime = (a: Told, b: Told): number => a.atMs - b.atMs || (orderKey(a) < orderKey(b) ? -1 : orderKey(a) > orderKey(b) ? 1 : 0);

/** `2026-01-01T00:00:15.000Z Down {instance="a"} pending>firing`. */
export function renderTransition({ atMs, rule, labels, from, to }: Pick<AlertTransition, 'atMs' | 'rule' | 'labels' | 'from' | 'to'>): string {
  const { alertname: _, ...rest } = labels;
  return `${new Date(atMs).toISOString()} ${rule} ${JSON.stringify(rest)} ${from}>${to}`;
}
