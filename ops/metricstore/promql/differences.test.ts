/** Small cases of differences that random queries beside a real Prometheus have found; each was one once. */
import { describe, expect, it } from 'vitest';
import { MemorySource } from '../memory-source.ts';
import { loadSeries } from '../promqltest/load-series.ts';
import { parseSeriesNotation } from '../promqltest/series-notation.ts';
import { formatLabels } from './labels.ts';
import { queryInstant, queryRange } from './query.ts';

const minuteMs = 60_000;
const source = new MemorySource();
for (const line of ['limit{job="a"} 50x20', 'level 1 NaN 3 4 5 6', 'turn{n="1"} 0+1x20', 'turn{n="2"} 9-1x9', 'load{job="a", n="1"} 0+10x20', 'load{job="a", n="2"} 0+1x20']) {
  loadSeries(source, parseSeriesNotation(line), { startMs: 0, intervalMs: minuteMs });
}

async function ask(query: string): Promise<{ samples: string[]; warnings: readonly string[]; infos: readonly string[] }> {
  const { value, warnings, infos } = await queryInstant(source, query, 10 * minuteMs);
  return { samples: value.type === 'vector' ? value.samples.map((sample) => `${formatLabels(sample.labels)} ${sample.value}`) : [], warnings, infos };
}

describe('what random queries found', () => {
  it('gives equal annotations once, with the last position', async () => {
    const quantile = 'histogram_quantile(2, limit)';
    expect((await ask(`${quantile} + ${quantile}`)).warnings).toEqual([
      'PromQL warning: quantile value should be between 0 and 1, got 2 (1:51)', 'PromQL warning: bucket label "le" is missing or has a malformed value of "" (1:54)',
    ]);
  });

  it('says nothing of a counter whose name is gone, and places subqueries where Prometheus does', async () => {
    expect((await ask('rate((abs(limit))[5m:1m])')).infos).toEqual([]);
    expect((await ask('rate((limit)[5m:1m])')).infos).toEqual(['PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "limit" (1:1)']);
  });

  it('warns of the quantiles of windows that hold samples', async () => {
    expect((await ask('quantile_over_time(2, (limit)[30s:7m])')).warnings).toEqual([]);
    expect((await ask('quantile_over_time(2, limit[5m])')).warnings).toHaveLength(1);
  });

  it('looks at what topk may pass on only where a step asks for any', async () => {
    expect(await ask('topk(-Inf, limit)')).toEqual({ samples: [], warnings: [], infos: [] });
    await expect(ask('topk(NaN, limit)')).rejects.toThrow('Parameter value is NaN');
  });

  it('names the largest and the least of the quantiles of all steps', async () => {
    const { warnings } = await queryRange(source, 'quantile(scalar(level) - 4.5, limit)', { startMs: 2 * minuteMs, endMs: 5 * minuteMs, stepMs: minuteMs });
    expect(warnings.map((text) => /got (\S+) /.exec(text)?.[1])).toEqual(['1.5', '-1.5']);
  });

  it('counts no match that a comparison drops, until releases after 3.8', async () => {
    expect(await ask('load > on(job) limit')).toMatchObject({ samples: ['{job="a"} 100'] });
    await expect(queryInstant(source, 'load > on(job) limit', 10 * minuteMs, { release: 'newer' })).rejects.toThrow('many-to-one matching must be explicit');
    await expect(ask('load > on(job) limit - 100')).rejects.toThrow('many-to-one matching must be explicit');
  });

  it.each([
    ['absent_over_time(none{job!="a", job="a"}[1m])', '{} 1'], ['absent(none{job="a", job!="a"})', '{} 1'], ['absent(none{job="a", n!="1"})', '{job="a"} 1'],
    ['absent(none{job=~"a.*", job="a"})', '{job="a"} 1'], ['absent(none{job="a", job=~"a.*"})', '{} 1'],
  ])('names the labels of what %s misses by matchers in the order of the storage', async (query, sample) => expect((await ask(query)).samples).toEqual([sample]));

  it('warns of sorting without effect in releases after 3.8', async () => {
    const span = { startMs: 0, endMs: minuteMs, stepMs: minuteMs };
    expect((await queryRange(source, 'sort(limit)', span)).warnings).toEqual([]);
    expect((await queryRange(source, 'sort(limit)', span, { release: 'newer' })).warnings).toHaveLength(1);
  });

  it('refuses series that relabelling makes the same, even where they are never there at once', async () => {
    const query = 'label_replace(topk(1, turn), "n", "", "", "")';
    expect((await ask(query)).samples).toEqual(['{__name__="turn"} 10']);
    await expect(queryRange(source, query, { startMs: 0, endMs: 10 * minuteMs, stepMs: minuteMs })).rejects.toThrow('same labelset');
  });

  it('gives the position of what is evaluated last: a parameter before its series, the others in order', async () => {
    const bad = 'histogram_quantile(0.5, limit)';
    const place = async (query: string): Promise<string | undefined> => (await ask(query)).warnings.flatMap((text) => /bucket label.*\((1:\d+)\)$/.exec(text)?.[1] ?? [])[0];
    expect(await place(`quantile(scalar(${bad}), ${bad})`)).toBe('1:74');
    expect(await place(`clamp_min(${bad}, scalar(${bad}))`)).toBe('1:74');
  });

  it.each([
    ['clamp(limit, Inf, NaN)', Infinity], ['clamp(limit, NaN, 1)', Number.NaN], ['clamp_min(limit * NaN, Inf)', Infinity], ['clamp_max(limit * NaN, -Inf)', -Infinity],
    ['clamp_max(limit, NaN)', Number.NaN], ['clamp_min(limit, 60)', 60], ['vector(max_of(NaN, Inf))', Infinity], ['vector(min_of(-Inf, NaN))', -Infinity],
  ])('takes infinities over NaN in %s', async (query, value) => expect((await ask(query)).samples[0]).toMatch(new RegExp(` ${value}$`)));
});
