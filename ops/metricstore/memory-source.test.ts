import { describe, expect, it } from 'vitest';
import { MemorySource } from './memory-source.ts';
import { loadSeries } from './promqltest/load-series.ts';
import { parseSeriesNotation } from './promqltest/series-notation.ts';

const always = { fromMs: -Infinity, toMs: Infinity };

function filled(...notations: string[]): MemorySource {
  const source = new MemorySource();
  for (const notation of notations) loadSeries(source, parseSeriesNotation(notation), { startMs: 0, intervalMs: 1_000 });
  return source;
}

describe('memory source', () => {
  it('gives series that meet all matchers, cut to the span, both ends in it', async () => {
    const source = filled('up{job="a"} 1+1x9', 'up{job="b"} 5x9', 'down{job="a"} 0 stale');
    const [found, ...more] = await source.select([{ name: '__name__', operator: '=', value: 'up' }, { name: 'job', operator: '!=', value: 'b' }], { fromMs: 2_000, toMs: 4_000 });
    expect(more).toEqual([]);
    expect(found).toMatchObject({ labels: { __name__: 'up', job: 'a' }, timestampsMs: Float64Array.of(2_000, 3_000, 4_000), values: Float64Array.of(3, 4, 5) });
    expect(await source.select([{ name: 'job', operator: '=~', value: 'a|b' }], { fromMs: 60_000, toMs: 70_000 })).toEqual([]);
    const [ended] = await source.select([{ name: '__name__', operator: '=', value: 'down' }], always);
    expect(ended?.stale).toEqual(Uint8Array.of(0, 1));
  });

  it('sorts what comes late, replaces what comes twice, and knows no empty label', async () => {
    const source = new MemorySource();
    for (const [atMs, value] of [[3, 30], [1, 10], [2, 20], [2, 21]] as const) source.add({ b: 'x', a: 'y', none: '' }, atMs, value);
    expect(await source.select([], always)).toEqual([{ labels: { a: 'y', b: 'x' }, timestampsMs: Float64Array.of(1, 2, 3), values: Float64Array.of(10, 21, 30) }]);
    expect(await source.select([{ name: 'constructor', operator: '=', value: '' }], always)).toHaveLength(1);
  });

  it('lists series, names and values', async () => {
    const source = filled('up{job="b", zone="1"} 1', 'up{job="a"} 1', 'down 1');
    const up = [[{ name: '__name__', operator: '=', value: 'up' }]] as const;
    expect(await source.labelNames([], always)).toEqual(['__name__', 'job', 'zone']);
    expect(await source.labelValues('job', up, always)).toEqual(['a', 'b']);
    expect(await source.series([...up, ...up], always)).toHaveLength(2);
    expect(await source.labelValues('job', up, { fromMs: 1, toMs: 2 })).toEqual([]);
    source.setMetadata({ name: 'up', type: 'gauge', help: 'Whether it is up.', unit: '' });
    expect(await source.metadata('up')).toHaveLength(1);
    expect(await source.metadata('down')).toEqual([]);
  });
});
