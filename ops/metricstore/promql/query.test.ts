import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTestHost } from '../../core/test-host.ts';
import { MemorySource } from '../memory-source.ts';
import type { Matcher, SeriesSamples, TimeSpan } from '../series.ts';
import { loadSeries } from '../promqltest/load-series.ts';
import { parseSeriesNotation } from '../promqltest/series-notation.ts';
import { formatLabels } from './labels.ts';
import { parsePromql } from './parse.ts';
import { histogramSeries, ViewSource } from './query.bench.ts';
import { queryInstant, queryRange } from './query.ts';
import type { QueryOptions, QueryResult } from './query.ts';

const minuteMs = 60_000;

/** A source of series in the notation of Prometheus' tests, a value a minute. */
function sourceOf(...lines: string[]): MemorySource {
  const source = new MemorySource();
  for (const line of lines) loadSeries(source, parseSeriesNotation(line), { startMs: 0, intervalMs: minuteMs });
  return source;
}

/** A result as text: `{a="b"} 1` and so on, in its order. */
function render({ value }: QueryResult): string[] {
  if (value.type === 'vector') return value.samples.map((sample) => `${formatLabels(sample.labels)} ${sample.value}`);
  if (value.type === 'matrix') return value.series.map(({ labels, values, timestampsMs }) => `${formatLabels(labels)} ${Array.from(values, (each, index) => `${each}@${(timestampsMs[index] ?? 0) / minuteMs}`).join(' ')}`);
  return [`${value.type} ${value.value}`];
}

const ask = async (source: MemorySource, query: string, atMinute: number, options?: QueryOptions): Promise<string[]> => render(await queryInstant(source, query, atMinute * minuteMs, options));

describe('queries', () => {
  const source = sourceOf('up{job="a"} 0+10x20', 'up{job="b"} 0+20x20', 'reset_total 0 10 20 5 15 25', 'gone 1 2 stale _ _ 3', 'late{job="a"} _ _ _ 7');

  it.each([
    ['up', 5, ['{__name__="up", job="a"} 50', '{__name__="up", job="b"} 100']],
    ['up{job="a"} offset 2m', 5, ['{__name__="up", job="a"} 30']],
    ['up{job="a"} offset -2m', 5, ['{__name__="up", job="a"} 70']],
    ['up{job="a"} @ 60', 5, ['{__name__="up", job="a"} 10']],
    ['gone', 1, ['{__name__="gone"} 2']],
    ['gone', 2, []],
    ['gone', 4, []],
    ['late', 8, []],
    ['late', 7.99, ['{__name__="late", job="a"} 7']],
    ['count_over_time(up{job="a"}[5m])', 5, ['{job="a"} 5']],
    ['gone[5m]', 5, ['{__name__="gone"} 2@1 3@5']],
    ['increase(reset_total[5m])', 5, ['{} 43.75']],
    ['irate(reset_total[5m]) * 60', 3, ['{} 5']],
    ['sum_over_time(up{job="a"}[3m:1m])', 5, ['{job="a"} 120']],
    ['max_over_time(up{job="a"}[3m] @ end() offset 1m)', 5, ['{job="a"} 40']],
    ['rate(up[1s])', 5, []],
    ['sum by (job) (up) > 50', 5, ['{job="b"} 100']],
    ['up > bool 50', 5, ['{job="a"} 0', '{job="b"} 1']],
    ['50 < up', 5, ['{__name__="up", job="b"} 100']],
    ['topk(1, up)', 5, ['{__name__="up", job="b"} 100']],
    ['up{job="a"} / ignoring(job) up{job="b"}', 5, ['{} 0.5']],
    ['up / on() group_left scalar(up{job="b"}) * 1', 5, ['{job="a"} 0.5', '{job="b"} 1']],
    ['up / on() group_left up{job="b"}', 5, ['{job="a"} 0.5', '{job="b"} 1']],
    ['up and on(job) late', 5, ['{__name__="up", job="a"} 50']],
    ['up unless on(job) late', 5, ['{__name__="up", job="b"} 100']],
    ['late or on(job) up', 5, ['{__name__="late", job="a"} 7', '{__name__="up", job="b"} 100']],
    ['absent(up{job="z", x=~"y"})', 5, ['{job="z"} 1']],
    ['label_replace(up{job="a"}, "to", "$1-${1}-$$-$x", "job", "(.*)")', 5, ['{__name__="up", job="a", to="a-a-$-"} 50']],
    ['timestamp(up{job="a"})', 5.5, ['{job="a"} 300']],
    ['scalar(up)', 5, ['scalar NaN']],
    ['"a" ', 5, ['string a']],
    ['1 ^ NaN', 5, ['scalar 1']],
    ['day_of_week()', 0, ['{} 4']],
    ['-up{job="a"}', 5, ['{job="a"} -50']],
    ['count_values("v", up)', 0, ['{v="0"} 2']],
    ['up + up{job="a"} offset 1m', 5, ['{job="a"} 90']],
    ['up + on() up', 5, 'found duplicate series for the match group {} on the right hand-side of the operation: [{__name__="up", job="a"}, {__name__="up", job="b"}];many-to-many matching not allowed: matching labels must be unique on one side'],
    ['up + on() up{job="a"}', 5, 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)'],
    ['up * on() group_left(job) up{job="a"}', 5, 'multiple matches for labels: grouping labels must ensure unique matches'],
    ['abs({job="a", __name__=~"up|late"})', 5, 'vector cannot contain metrics with the same labelset'],
    ['topk(NaN, up)', 5, 'Parameter value is NaN'],
  ] as const)('%s at %d min', async (query, atMinute, expected) => {
    if (typeof expected === 'string') await expect(ask(source, query, atMinute)).rejects.toThrow(expected);
    else expect(await ask(source, query, atMinute)).toEqual(expected);
  });

  it('gives a range for each step, ordered by labels, with gaps', async () => {
    const range = { startMs: 0, endMs: 6 * minuteMs, stepMs: 2 * minuteMs };
    expect(render(await queryRange(source, 'gone or up{job="a"} > 20', range))).toEqual(['{__name__="gone"} 1@0 3@6', '{__name__="up", job="a"} 40@4 60@6']);
    expect(render(await queryRange(source, 'time() / 60', range))).toEqual(['{} 0@0 2@2 4@4 6@6']);
    expect(render(await queryRange(source, 'up{job="a"} @ start() + step() / 120', range))).toEqual(['{job="a"} 1@0 1@2 1@4 1@6']);
  });

  it('tells what is doubtful', async () => {
    const { warnings, infos } = await queryInstant(source, '\n rate(up[5m]) > quantile(2, up)', 5 * minuteMs);
    expect(infos).toEqual(['PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "up" (2:7)']);
    expect(warnings).toEqual(['PromQL warning: quantile value should be between 0 and 1, got 2 (2:26)']);
  });

  it('tells its source how much it may still read', async () => {
    const told: (number | undefined)[] = [];
    class Watched extends MemorySource {
      override select(matchers: readonly Matcher[], span: TimeSpan, samplesMax?: number): Promise<readonly SeriesSamples[]> {
        told.push(samplesMax);
        return super.select(matchers, span, samplesMax);
      }
    }
    const watched = new Watched();
    for (let minute = 0; minute <= 20; minute++) watched.add({ __name__: 'up' }, minute * minuteMs, 1);
    await queryInstant(watched, 'max_over_time(up[10m]) + sum(up) + max_over_time(up[10m])', 20 * minuteMs, { samplesMax: 1_000 });
    expect(told).toEqual([1_000, 990]);
  });

  it('refuses what is too much, too long or no range', async () => {
    await expect(queryInstant(source, 'up[20m]', 20 * minuteMs, { samplesMax: 30 })).rejects.toMatchObject({ code: 'execution', status: 422, hint: expect.stringContaining('30 samples') as string });
    await expect(queryRange(source, 'up', { startMs: 0, endMs: 1e9, stepMs: 1 })).rejects.toMatchObject({ code: 'bad_data', status: 400 });
    await expect(queryRange(source, 'up', { startMs: 0, endMs: 1, stepMs: 0 })).rejects.toThrow('zero or negative query resolution step');
    await expect(queryRange(source, 'up', { startMs: 1, endMs: 0, stepMs: 1 })).rejects.toThrow('end timestamp must not be before start time');
    await expect(queryRange(source, 'up[5m]', { startMs: 0, endMs: 1, stepMs: 1 })).rejects.toThrow('invalid expression type "range vector" for range query, must be Scalar or instant Vector');
    const host = createTestHost();
    const slow = sourceOf('up 1');
    const select = slow.select.bind(slow);
    slow.select = async (...asked) => {
      await host.advance(2_000);
      return select(...asked);
    };
    await expect(queryInstant(slow, 'up', 0, { host, timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'timeout', status: 503 });
  });

  it('takes names away at the end only where that is asked for', async () => {
    const two = sourceOf('a_total 0+1x5', 'b_total 0+1x5');
    const query = 'label_replace(rate({__name__=~".+"}[5m]), "from", "$1", "__name__", "(.+)")';
    await expect(ask(two, query, 5)).rejects.toThrow('same labelset');
    expect((await ask(two, query, 5, { isNameRemovalDelayed: true })).map((line) => line.replace(/ .*/, ''))).toEqual(['{from="a_total"}', '{from="b_total"}']);
  });
});

/** Random series of small whole numbers, with gaps and markers, of two jobs and three instances. */
const sources = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2', '3'), fc.array(fc.oneof({ weight: 6, arbitrary: fc.integer({ min: -3, max: 9 }).map(String) }, { weight: 1, arbitrary: fc.constantFrom('_', 'stale') }), { minLength: 1, maxLength: 12 })), { minLength: 1, maxLength: 6 })
  .map((series) => sourceOf(...new Map(series.map(([job, instance, values]) => [`m_total{job="${job}", instance="${instance}"}`, values.join(' ')])).entries().map(([metric, values]) => `${metric} ${values}`)));
const times = fc.integer({ min: 0, max: 14 });
const sorted = (lines: readonly string[]): string[] => [...lines].sort();

describe('queries on random series', () => {
  it.each([
    ['sum(m_total)', 'sum(sum by (job) (m_total))'], ['sum(m_total)', 'sum(sum without (job) (m_total))'], ['max(m_total)', 'max(max by (instance) (m_total))'], ['count(m_total)', 'sum(count by (job) (m_total))'],
    ['avg by (job) (m_total)', 'sum by (job) (m_total) / count by (job) (m_total)'], ['sum by (job) (topk by (job) (1, m_total))', 'max by (job) (m_total)'],
    ['m_total', '(m_total and m_total{job="a"}) or m_total{job="b"}'], ['m_total unless m_total{job="a"}', 'm_total{job="b"}'], ['sum_over_time(m_total[4m])', 'avg_over_time(m_total[4m]) * count_over_time(m_total[4m])'],
    ['m_total + m_total', 'm_total * 2'], ['-m_total', '0 - m_total'], ['min(m_total)', '-max(-m_total)'], ['sum(count_values("v", m_total))', 'count(m_total)'],
    ['increase(m_total[4m])', 'rate(m_total[4m]) * 240'], ['quantile(0, m_total)', 'min(m_total)'], ['quantile(1, m_total)', 'max(m_total)'], ['stdvar(m_total)', 'stddev(m_total) ^ 2'], ['count(bottomk(2, m_total))', 'clamp_max(count(m_total), 2)'],
  ])('%s equals %s', async (first, second) => {
    await fc.assert(fc.asyncProperty(sources, times, async (source, atMinute) => {
      const [left, right] = [await queryInstant(source, first, atMinute * minuteMs), await queryInstant(source, second, atMinute * minuteMs)];
      const values = ({ value }: QueryResult): Map<string, number> => new Map(value.type === 'vector' ? value.samples.map((sample) => [formatLabels(sample.labels), sample.value]) : []);
      expect([...values(left).keys()].sort()).toEqual([...values(right).keys()].sort());
      for (const [labels, value] of values(left)) expect(values(right).get(labels)).toBeCloseTo(value, 9);
    }), { numRuns: 60 });
  });

  it('gives at each step of a range what an instant query gives there', async () => {
    const queries = ['m_total', 'rate(m_total[3m])', 'sum by (job) (m_total)', 'topk(2, m_total)', 'm_total > 2 or m_total offset 1m', 'quantile_over_time(0.5, m_total[3m])', 'm_total / ignoring(job) group_left sum without (job) (m_total)', 'count_values("v", m_total)',
      'max_over_time(rate(m_total[2m])[4m:1m])', 'm_total @ 120 + m_total', 'absent(m_total{job="a"})', 'resets(m_total[5m]) + on(job, instance) changes(m_total[5m])', 'predict_linear(m_total[4m], 60)', 'deriv(m_total[4m] offset 1m)', 'scalar(m_total{job="a"})', 'histogram_quantile(0.5, m_total)', 'm_total and m_total{instance="2"}'];
    await fc.assert(fc.asyncProperty(sources, fc.constantFrom(...queries), fc.integer({ min: 1, max: 3 }), async (source, query, stepMinutes) => {
      const range = { startMs: 0, endMs: 14 * minuteMs, stepMs: stepMinutes * minuteMs };
      const { value } = await queryRange(source, query, range);
      const atStep = (atMs: number): string[] => (value.type === 'matrix' ? value.series : []).flatMap(({ labels, timestampsMs, values }) => (timestampsMs.includes(atMs) ? [`${formatLabels(labels)} ${values[timestampsMs.indexOf(atMs)]}`] : []));
      for (let atMs = 0; atMs <= range.endMs; atMs += range.stepMs) {
        const instant = await queryInstant(source, parsePromql(query), atMs);
        const lines = instant.value.type === 'scalar' ? [`{} ${instant.value.value}`] : render(instant);
        expect(sorted(atStep(atMs)), `${query} at ${atMs}`).toEqual(sorted(lines));
      }
    }), { numRuns: 100 });
  });
});

describe('the bench of queries', () => {
  it('asks what gives an answer', async () => {
    const source = new ViewSource(histogramSeries(40));
    const { value } = await queryRange(source, 'histogram_quantile(0.99, sum by (le) (rate(request_duration_seconds_bucket[5m])))', { startMs: 300_000, endMs: 600_000, stepMs: 12_000 });
    expect(value).toMatchObject({ type: 'matrix', series: [{ labels: {} }] });
    if (value.type === 'matrix') expect(value.series[0]?.values.every((each) => each > 0 && Number.isFinite(each))).toBe(true);
  });
});
