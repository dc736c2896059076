/**
 * What a span of alerting can be played again from: the rules, where alerts stood before, the times of evaluations,
 * every sample that rules could read, and what the event log says became of it.
 */
import { SoraError, messageOf } from '../../core/error.ts';
import type { LoggedEvent } from '../../core/event-log/event.ts';
import { countSamples } from '../../metricstore/limit-samples.ts';
import { SeriesPacker } from '../../metricstore/packed-series.ts';
import { formatPromql } from '../../metricstore/promql/format.ts';
import { planSpans } from '../../metricstore/promql/plan.ts';
import type { Matcher, SampleSource, TimeSpan } from '../../metricstore/series.ts';
import { seriesKey } from '../lifecycle/samples.ts';
import { evaluationMetric } from './group-run.ts';
import { endLine } from './recording-file.ts';
import type { RecordedTransition, RecordingHead } from './recording-file.ts';
import { momentOf } from './rehearsal.ts';
import type { Rule, RuleGroup } from './rule.ts';

export interface RecordInput {
  readonly groups: readonly RuleGroup[];
  readonly source: SampleSource;
  readonly readEvents: (filter: { kinds: ('alert' | 'load-run' | 'fault')[]; fromMs: number; toMs: number; afterSequence?: number }) => Promise<readonly LoggedEvent[]>;
  readonly fromMs: number;
  readonly toMs: number;
  readonly intervalMs: number;
  /** From when on samples are those that rules saw: buckets that stand for older ones cannot be played. Default: always. */
  readonly completeFromMs?: number;
  readonly lookbackMs?: number;
  readonly externalLabels?: Readonly<Record<string, string>>;
  readonly externalUrl?: string;
}

/** Bounds of a recording. */
const spanMaxMs = 6 * 3_600_000;
const samplesMax = 20_000_000;
const eventsMax = 100_000;
const dayMs = 86_400_000;
/** Samples are read of so long at a time, so that few are in memory however long the span is. */
const sliceMs = 600_000;
/** Long windows reach back to where there are buckets only, few and read together. */
const recentForMs = 3 * 3_600_000;
const oldSliceMs = 12 * 3_600_000;

/**
 * Records a span that lies behind, as the lines of a file; see recording-file.ts.
 * @returns what its first line holds is read by now; a problem with samples ends the lines and stands in the last one
 * @throws SoraError `bad_recording` for a span that is empty, longer than 6 h or begins before `completeFromMs`, or has more than 100,000 events
 */
export async function recordRules(input: RecordInput): Promise<AsyncGenerator<string>> {
  const { groups, source, fromMs, toMs, intervalMs, completeFromMs = Number.NEGATIVE_INFINITY } = input;
  if (!(toMs > fromMs) || toMs - fromMs > spanMaxMs) throw bad(`a recording spans more than nothing and at most 6 h, not ${(toMs - fromMs) / 1_000} s`);
  const rules = groups.flatMap((group) => group.rules);
  // How long an alert stays is known from its last transition; that it is only kept is not, and shows within this time.
  const warmUpMs = Math.min(3_600_000, Math.max(5 * 60_000, ...rules.map((rule) => (rule.kind === 'alert' ? rule.keepFiringForMs + intervalMs : 0))));
  const replayFromMs = fromMs - warmUpMs;
  if (replayFromMs < completeFromMs) throw tooOld(completeFromMs, warmUpMs);
  const events = await readAll(input, replayFromMs);
  return linesOf(input, rules, {
    schema: 'sora.rule-recording/v2', fromMs, toMs, replayFromMs, intervalMs, externalLabels: input.externalLabels ?? {}, externalUrl: input.externalUrl ?? '',
    groups: groups.map((group) => ({ file: group.place.file, group: groupSource(group) })),
    evaluations: await readEvaluations(source, { fromMs: replayFromMs, toMs }),
    transitions: events.flatMap(transitionOf),
    runs: events.flatMap((event) => momentOf(event) ?? []),
  });
}

const bad = (message: string, hint?: string): SoraError => new SoraError('bad_recording', message, { status: 400, exitCode: 104, ...(hint === undefined ? {} : { hint }) });

const tooOld = (completeFromMs: number, warmUpMs: number): SoraError => bad(
  Number.isFinite(completeFromMs) ? `samples as rules saw them are kept since ${new Date(completeFromMs).toISOString()}, and a replay begins ${warmUpMs / 60_000} min before its span` : 'there is no sample yet',
  Number.isFinite(completeFromMs) ? `begin at ${new Date(completeFromMs + warmUpMs).toISOString()} or later: a shorter --since` : 'wait for the first scrape',
);

async function* linesOf(input: RecordInput, rules: readonly Rule[], head: RecordingHead): AsyncGenerator<string> {
  yield `${JSON.stringify(head)}\n`;
  let lines = 0;
  try {
    for await (const line of sampleLines(input, rules, head.replayFromMs)) {
      lines++;
      yield line;
    }
  } catch (error) {
    yield endLine(lines, messageOf(error));
    return;
  }
  yield endLine(lines);
}

async function readAll(input: RecordInput, replayFromMs: number): Promise<LoggedEvent[]> {
  const all: LoggedEvent[] = [];
  for (;;) {
    const last = all.at(-1)?.sequence;
    const found = await input.readEvents({ kinds: ['alert', 'load-run', 'fault'], fromMs: replayFromMs - dayMs, toMs: input.toMs, ...(last === undefined ? {} : { afterSequence: last }) });
    all.push(...found);
    if (found.length < 10_000) return all;
    if (all.length > eventsMax) throw bad(`the span and the day before it have more than ${eventsMax} events`);
  }
}

function transitionOf({ atMs, details }: LoggedEvent): RecordedTransition[] {
  if (details.kind !== 'alert') return [];
  const { kind: _kind, ...rest } = details;
  return [{ atMs, ...rest }];
}

async function readEvaluations(source: SampleSource, span: TimeSpan): Promise<RecordingHead['evaluations']> {
  const found = await source.select([named(evaluationMetric)], span);
  return found.flatMap(({ labels: { rule_group: group = '' }, timestampsMs, values }) => [...timestampsMs].map((atMs, at) => ({ group, atMs, startedAtMs: Math.round((values[at] ?? 0) * 1_000) })));
}

const named = (name: string): Matcher => ({ name: '__name__', operator: '=', value: name });

/** The samples of every selector of every rule over all evaluations, and how long each scrape took. */
async function* sampleLines(input: RecordInput, rules: readonly Rule[], replayFromMs: number): AsyncGenerator<string> {
  const packer = new SeriesPacker();
  const written = new Map<string, TimeSpan>();
  let left = samplesMax;
  for (const { matchers, span } of readsOf(input, rules, replayFromMs)) {
    const keys = new Set<string>();
    for (const slice of slicesOf(span)) {
      const found = await input.source.select(matchers, slice, left);
      left -= countSamples(found);
      for (const series of found) {
        const key = seriesKey(series.labels);
        keys.add(key);
        if (!covers(written.get(key), slice)) yield `${JSON.stringify(packer.pack(series))}\n`;
      }
    }
    for (const key of keys) if (!covers(written.get(key), span)) written.set(key, span);
  }
}

function* slicesOf({ fromMs, toMs }: TimeSpan): Generator<TimeSpan> {
  const recentMs = toMs - recentForMs;
  for (let atMs = fromMs; atMs <= toMs;) {
    const nextMs = atMs < recentMs ? Math.min(atMs + oldSliceMs, recentMs) : atMs + sliceMs;
    yield { fromMs: atMs, toMs: Math.min(nextMs - 1, toMs) };
    atMs = nextMs;
  }
}

const covers = (outer: TimeSpan | undefined, { fromMs, toMs }: TimeSpan): boolean => outer !== undefined && outer.fromMs <= fromMs && outer.toMs >= toMs;

interface Read {
  readonly matchers: readonly Matcher[];
  readonly span: TimeSpan;
}

/** What is read: each list of matchers once, over all spans it is needed for, the longest first as it may cover others. */
function readsOf({ toMs, lookbackMs = 300_000, intervalMs }: RecordInput, rules: readonly Rule[], replayFromMs: number): Read[] {
  const reads = new Map<string, Read>();
  const add = (matchers: readonly Matcher[], { fromMs, toMs: endMs }: TimeSpan): void => {
    const key = JSON.stringify(matchers);
    const { span } = reads.get(key) ?? { span: { fromMs, toMs: endMs } };
    reads.set(key, { matchers, span: { fromMs: Math.floor(Math.min(span.fromMs, fromMs)), toMs: Math.max(span.toMs, endMs) } });
  };
  add([named('scrape_duration_seconds')], { fromMs: replayFromMs - lookbackMs, toMs });
  for (const rule of rules) {
    const offsetMs = rule.queryOffsetMs;
    const grid = { startMs: replayFromMs - offsetMs, stepMs: toMs - replayFromMs, count: 2 };
    for (const [selector, span] of planSpans(rule.expr, grid, { query: grid, lookbackMs, subqueryStepMs: intervalMs })) add(selector.matchers, span);
  }
  return [...reads.values()].toSorted((a, b) => a.span.fromMs - b.span.fromMs);
}

/** A group as a rule file has it, of the rules as they ran. */
export function groupSource({ name, intervalMs, queryOffsetMs, limit, rules }: RuleGroup): unknown {
  return {
    name, ...(intervalMs === undefined ? {} : { interval: `${intervalMs}ms` }), query_offset: `${queryOffsetMs}ms`, limit,
    rules: rules.map((rule) => {
      const head = { expr: formatPromql(rule.expr), labels: rule.labels };
      if (rule.kind === 'record') return { record: rule.name, ...head };
      return { alert: rule.name, ...head, for: `${rule.forMs}ms`, keep_firing_for: `${rule.keepFiringForMs}ms`, annotations: rule.annotations };
    }),
  };
}
