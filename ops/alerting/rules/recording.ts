/**
 * What a span of alerting can be played again from: the rules, where alerts stood before, the times of evaluations,
 * every sample that rules could read, and what the event log says became of it.
 */
import { z } from 'zod';
import { SoraError } from '../../core/error.ts';
import type { LoggedEvent } from '../../core/event-log/event.ts';
import { formatPromql } from '../../metricstore/promql/format.ts';
import { planSpans } from '../../metricstore/promql/plan.ts';
import type { Matcher, SampleSource, SeriesSamples, TimeSpan } from '../../metricstore/series.ts';
import { seriesKey } from '../lifecycle/samples.ts';
import { evaluationMetric } from './group-run.ts';
import { momentOf } from './rehearsal.ts';
import type { Rule, RuleGroup } from './rule.ts';

const labels = z.record(z.string(), z.string());
const special = z.enum(['NaN', '+Inf', '-Inf']);
const value = z.number().or(special);
const transition = z.strictObject({
  atMs: z.number(), group: z.string(), rule: z.string(), fingerprint: z.string(), labels, annotations: labels,
  from: z.enum(['inactive', 'pending', 'firing']), to: z.enum(['pending', 'firing', 'resolved', 'inactive']), value, activeAtMs: z.number(),
});
const schema = z.strictObject({
  schema: z.literal('sora.rule-recording/v1'),
  /** Transitions are compared from here on; the replay begins at `replayFromMs`, before it. */
  fromMs: z.number(), toMs: z.number(), replayFromMs: z.number(),
  /** Of groups that state none. */
  intervalMs: z.number(),
  externalLabels: labels, externalUrl: z.string(),
  groups: z.array(z.strictObject({ file: z.string(), group: z.unknown() })),
  evaluations: z.array(z.strictObject({ group: z.string(), atMs: z.number(), startedAtMs: z.number() })),
  /** Transitions from a day before the replay to the end, in the order of the log. */
  transitions: z.array(transition),
  /** Begin, renewals and end of load runs, begin and end of faults of drills. */
  runs: z.array(z.strictObject({ atMs: z.number(), id: z.string(), kind: z.enum(['load-run', 'fault']), phase: z.enum(['started', 'renewed', 'ended']), plannedEndMs: z.number().optional() })),
  series: z.array(z.strictObject({ labels, firstMs: z.number(), stepsMs: z.array(z.number()), values: z.array(value), stale: z.array(z.number()) })),
});

export type RuleRecording = z.infer<typeof schema>;
export type RecordedTransition = z.infer<typeof transition>;

export interface RecordInput {
  readonly groups: readonly RuleGroup[];
  readonly source: SampleSource;
  readonly readEvents: (filter: { kinds: ('alert' | 'load-run' | 'fault')[]; fromMs: number; toMs: number; afterSequence?: number }) => Promise<readonly LoggedEvent[]>;
  readonly fromMs: number;
  readonly toMs: number;
  readonly intervalMs: number;
  readonly lookbackMs?: number;
  readonly externalLabels?: Readonly<Record<string, string>>;
  readonly externalUrl?: string;
}

/** Bounds of a recording. */
const spanMaxMs = 6 * 3_600_000;
const samplesMax = 20_000_000;
const dayMs = 86_400_000;

/**
 * Records a span that lies behind.
 * @throws SoraError `bad_recording` for a span that is empty or longer than 6 h, or that has more than 20 million samples
 */
export async function recordRules(input: RecordInput): Promise<RuleRecording> {
  const { groups, source, fromMs, toMs, intervalMs } = input;
  if (!(toMs > fromMs) || toMs - fromMs > spanMaxMs) throw new SoraError('bad_recording', `a recording spans more than nothing and at most 6 h, not ${(toMs - fromMs) / 1_000} s`, { status: 400 });
  const rules = groups.flatMap((group) => group.rules);
  // How long an alert stays is known from its last transition; that it is only kept is not, and shows within this time.
  const warmUpMs = Math.max(5 * 60_000, ...rules.map((rule) => (rule.kind === 'alert' ? rule.keepFiringForMs + intervalMs : 0)));
  const replayFromMs = fromMs - Math.min(warmUpMs, 3_600_000);
  const [events, series] = [await readAll(input, replayFromMs), await readSeries(input, rules, replayFromMs)];
  return {
    schema: 'sora.rule-recording/v1', fromMs, toMs, replayFromMs, intervalMs, externalLabels: input.externalLabels ?? {}, externalUrl: input.externalUrl ?? '',
    groups: groups.map((group) => ({ file: group.place.file, group: groupSource(group) })),
    evaluations: await readEvaluations(source, { fromMs: replayFromMs, toMs }),
    transitions: events.flatMap(transitionOf),
    runs: events.flatMap((event) => momentOf(event) ?? []),
    series,
  };
}

async function readAll(input: RecordInput, replayFromMs: number): Promise<LoggedEvent[]> {
  const all: LoggedEvent[] = [];
  for (;;) {
    const last = all.at(-1)?.sequence;
    const found = await input.readEvents({ kinds: ['alert', 'load-run', 'fault'], fromMs: replayFromMs - dayMs, toMs: input.toMs, ...(last === undefined ? {} : { afterSequence: last }) });
    all.push(...found);
    if (found.length < 10_000 || all.length > 1_000_000) return all;
  }
}

function transitionOf({ atMs, details }: LoggedEvent): RecordedTransition[] {
  if (details.kind !== 'alert') return [];
  const { kind: _kind, ...rest } = details;
  return [{ atMs, ...rest }];
}

async function readEvaluations(source: SampleSource, span: TimeSpan): Promise<RuleRecording['evaluations']> {
  const found = await source.select([named(evaluationMetric)], span);
  return found.flatMap(({ labels: { rule_group: group = '' }, timestampsMs, values }) => [...timestampsMs].map((atMs, at) => ({ group, atMs, startedAtMs: Math.round((values[at] ?? 0) * 1_000) })));
}

const named = (name: string): Matcher => ({ name: '__name__', operator: '=', value: name });

/** The samples of every selector of every rule over all evaluations, and how long each scrape took. */
async function readSeries({ source, toMs, lookbackMs = 300_000, intervalMs }: RecordInput, rules: readonly Rule[], replayFromMs: number): Promise<RuleRecording['series']> {
  const spans: (readonly [readonly Matcher[], TimeSpan])[] = [[[named('scrape_duration_seconds')], { fromMs: replayFromMs - lookbackMs, toMs }]];
  for (const rule of rules) {
    const offsetMs = rule.queryOffsetMs;
    const grid = { startMs: replayFromMs - offsetMs, stepMs: toMs - replayFromMs, count: 2 };
    for (const [selector, span] of planSpans(rule.expr, grid, { query: grid, lookbackMs, subqueryStepMs: intervalMs })) spans.push([selector.matchers, span]);
  }
  const found = new Map<string, SeriesSamples>();
  let samples = 0;
  for (const [matchers, span] of spans) {
    for (const series of await source.select(matchers, span)) {
      const key = seriesKey(series.labels);
      const known = found.get(key);
      if (known !== undefined && covers(known, series)) continue;
      found.set(key, known === undefined ? series : merged(known, series));
      samples += series.timestampsMs.length;
      if (samples > samplesMax) throw new SoraError('bad_recording', `the span has more than ${samplesMax} samples`, { status: 400, hint: 'record a shorter one' });
    }
  }
  return [...found.values()].map(encodeSeries);
}

const covers = ({ timestampsMs: known }: SeriesSamples, { timestampsMs }: SeriesSamples): boolean =>
  (known[0] ?? Infinity) <= (timestampsMs[0] ?? Infinity) && (known.at(-1) ?? -Infinity) >= (timestampsMs.at(-1) ?? -Infinity);

/** One series read twice, over spans of which the second begins earlier or ends later. */
function merged(a: SeriesSamples, b: SeriesSamples): SeriesSamples {
  const at = new Map<number, [number, number]>();
  for (const { timestampsMs, values, stale } of [a, b]) timestampsMs.forEach((atMs, index) => at.set(atMs, [values[index] ?? 0, stale?.[index] ?? 0]));
  const times = [...at.keys()].sort((one, other) => one - other);
  return {
    labels: a.labels, timestampsMs: Float64Array.from(times), values: Float64Array.from(times, (atMs) => at.get(atMs)?.[0] ?? 0),
    stale: Uint8Array.from(times, (atMs) => at.get(atMs)?.[1] ?? 0),
  };
}

function encodeSeries({ labels: of, timestampsMs, values, stale }: SeriesSamples): RuleRecording['series'][number] {
  return {
    labels: { ...of }, firstMs: timestampsMs[0] ?? 0,
    stepsMs: Array.from(timestampsMs.subarray(1), (atMs, at) => atMs - (timestampsMs[at] ?? 0)),
    values: [...values].map(encodeValue),
    stale: stale === undefined ? [] : [...stale].flatMap((isStale, at) => (isStale === 1 ? [at] : [])),
  };
}

export const encodeValue = (number: number): number | 'NaN' | '+Inf' | '-Inf' => (Number.isNaN(number) ? 'NaN' : number === Infinity ? '+Inf' : number === -Infinity ? '-Inf' : number);
export const decodeValue = (number: number | 'NaN' | '+Inf' | '-Inf'): number => (typeof number === 'number' ? number : number === 'NaN' ? Number.NaN : number === '+Inf' ? Infinity : -Infinity);

/** A group as a rule file has it, of the rules as they ran. */
function groupSource({ name, intervalMs, queryOffsetMs, limit, rules }: RuleGroup): unknown {
  return {
    name, ...(intervalMs === undefined ? {} : { interval: `${intervalMs}ms` }), query_offset: `${queryOffsetMs}ms`, limit,
    rules: rules.map((rule) => {
      const head = { expr: formatPromql(rule.expr), labels: rule.labels };
      if (rule.kind === 'record') return { record: rule.name, ...head };
      return { alert: rule.name, ...head, for: `${rule.forMs}ms`, keep_firing_for: `${rule.keepFiringForMs}ms`, annotations: rule.annotations };
    }),
  };
}

/** @throws SoraError `bad_recording` for a file of another form */
export function parseRecording(text: string, file: string): RuleRecording {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new SoraError('bad_recording', `${file} is not JSON`, { exitCode: 104, hint: 'write one with: sora rules record', cause: error });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new SoraError('bad_recording', `${file} is no recording of rules: ${z.prettifyError(parsed.error)}`, { exitCode: 104, hint: 'write one with: sora rules record' });
  return parsed.data;
}
