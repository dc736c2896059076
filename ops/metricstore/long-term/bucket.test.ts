import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemorySource } from '../memory-source.ts';
import { queryInstant } from '../promql/query.ts';
import { aggregate, bucketMs, expand } from './bucket.ts';
import type { SyntheticSamples } from './bucket.ts';

const originMs = Math.ceil(Date.UTC(2026, 0, 1) / bucketMs) * bucketMs;

interface Sample { atMs: number; value: number }

/** The samples that stand for these. */
async function through(samples: readonly Sample[], isCounter: boolean): Promise<MemorySource> {
  const raw = sourceOf(samples);
  const [series] = await raw.select([], { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER });
  const into: SyntheticSamples = { timestampsMs: [], values: [], markers: [] };
  const lastMs = samples.at(-1)?.atMs ?? originMs;
  for (let endMs = originMs + bucketMs; endMs < lastMs + bucketMs; endMs += bucketMs) {
    const bucket = series === undefined ? undefined : aggregate(series, endMs);
    if (bucket !== undefined) expand(bucket, isCounter, into);
  }
  expect(into.timestampsMs).toEqual(into.timestampsMs.toSorted((a, b) => a - b));
  return sourceOf(into.timestampsMs.map((atMs, index) => ({ atMs, value: into.values[index] ?? 0 })));
}

function sourceOf(samples: readonly Sample[]): MemorySource {
  const source = new MemorySource();
  source.addAll({ __name__: 'm' }, samples);
  return source;
}

async function ask(source: MemorySource, query: string, atMs: number): Promise<number | undefined> {
  const { value } = await queryInstant(source, query, atMs);
  return value.type === 'vector' ? value.samples[0]?.value : undefined;
}

/** A counter that is scraped every 5 s and now and then reset. */
const counter = fc.record({
  offsetMs: fc.integer({ min: 1, max: 5_000 }),
  steps: fc.array(fc.oneof({ weight: 20, arbitrary: fc.nat(50) }, { weight: 1, arbitrary: fc.constant('reset' as const) }), { minLength: 60, maxLength: 300 }),
  start: fc.nat(1_000),
}).map(({ offsetMs, steps, start }) => {
  let value = start;
  return steps.map((step, index): Sample => {
    value = step === 'reset' ? index % 3 : value + step;
    return { atMs: originMs + offsetMs + index * 5_000, value };
  });
});

const gauge = fc.tuple(fc.integer({ min: 1, max: 5_000 }), fc.array(fc.noBias(fc.integer({ min: -100, max: 100 })), { minLength: 60, maxLength: 300 }))
  .map(([offsetMs, values]) => values.map((value, index): Sample => ({ atMs: originMs + offsetMs + index * 5_000, value })));

/** Began with a reset once, and so had fewer samples than stood for it. */
const shortCounter = Array.from({ length: 60 }, (_, index): Sample => ({ atMs: originMs + 1 + index * 5_000, value: index === 0 ? 2 : 1 }));

const wholeBuckets = (samples: readonly Sample[]): number => Math.floor(samples.length / 60);

describe('buckets of 5 minutes', () => {
  it('let counters increase as the raw samples do, over any number of whole buckets', async () => {
    await fc.assert(fc.asyncProperty(counter, fc.nat(4), fc.nat(4), async (samples, from, more) => {
      const buckets = wholeBuckets(samples);
      const begin = from % buckets;
      const length = 1 + (more % (buckets - begin));
      const atMs = originMs + (begin + length) * bucketMs;
      for (const query of [`increase(m[${length * 5}m])`, `rate(m[${length * 5}m])`]) {
        const expected = await ask(sourceOf(samples), query, atMs);
        expect(expected).toBeDefined();
        expect(await ask(await through(samples, true), query, atMs)).toBeCloseTo(expected ?? 0, 6);
      }
    }), { numRuns: 150 });
  });

  it('let a counter that begins or ends within one increase as the raw samples do', async () => {
    await fc.assert(fc.asyncProperty(counter, fc.integer({ min: 3, max: 57 }), fc.boolean(), async (samples, at, isStart) => {
      const kept = isStart ? samples.slice(at, 60) : samples.slice(0, at);
      const expected = await ask(sourceOf(kept), 'increase(m[5m])', originMs + bucketMs);
      expect(await ask(await through(kept, true), 'increase(m[5m])', originMs + bucketMs)).toBeCloseTo(expected ?? 0, 6);
    }), { numRuns: 300, examples: [[shortCounter, 3, false]] });
  });

  it('keep the least, the greatest, the last and the change of gauges', async () => {
    await fc.assert(fc.asyncProperty(gauge, async (samples) => {
      const minutes = wholeBuckets(samples) * 5;
      const source = await through(samples, false);
      for (const function_ of ['min_over_time', 'max_over_time', 'last_over_time', 'delta']) {
        const query = `${function_}(m[${minutes}m])`;
        expect(await ask(source, query, originMs + minutes * 60_000)).toBeCloseTo((await ask(sourceOf(samples), query, originMs + minutes * 60_000)) ?? 0, 6);
      }
    }), { numRuns: 100 });
  });

  it('keep the mean, the sum and the number of gauges, also beside raw samples in one window', async () => {
    await fc.assert(fc.asyncProperty(gauge, fc.nat(4), async (samples, from) => {
      const buckets = wholeBuckets(samples);
      const at = 60 * (1 + (from % buckets));
      const stood = await (await through(samples.slice(0, at), false)).select([], { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER });
      const mixed = sourceOf([
        ...stood.flatMap(({ timestampsMs, values }) => [...timestampsMs].map((atMs, index) => ({ atMs, value: values[index] ?? 0 }))),
        ...samples.slice(at),
      ]);
      for (const function_ of ['avg_over_time', 'sum_over_time', 'count_over_time', 'min_over_time', 'max_over_time', 'last_over_time']) {
        const query = `${function_}(m[${(buckets + 1) * 5}m])`;
        const atMs = originMs + (buckets + 1) * bucketMs;
        expect(await ask(mixed, query, atMs), query).toBeCloseTo((await ask(sourceOf(samples), query, atMs)) ?? 0, 6);
      }
    }), { numRuns: 100 });
  });

  it('keep the mean of a gauge with a value that stood for little and is far off, or endless', async () => {
    for (const [peak, mean] of [[80, 80 / 60], [Infinity, Infinity]] as const) {
      const spike = Array.from({ length: 60 }, (_, index): Sample => ({ atMs: originMs + 1 + index * 5_000, value: index === 30 ? peak : 0 }));
      expect(await ask(await through(spike, false), 'avg_over_time(m[5m])', originMs + bucketMs)).toBeCloseTo(mean, 9);
    }
  });

  it('deviate and spread as samples that are alike between the extremes', async () => {
    // 0 once, 10 once and 58 times 5: what stands for it is what was there.
    const calm = Array.from({ length: 60 }, (_, index): Sample => ({ atMs: originMs + 1 + index * 5_000, value: index === 30 ? 0 : index === 40 ? 10 : 5 }));
    for (const query of ['stddev_over_time(m[5m])', 'stdvar_over_time(m[5m])', 'quantile_over_time(0.5, m[5m])', 'quantile_over_time(0.99, m[5m])']) {
      expect(await ask(await through(calm, false), query, originMs + bucketMs), query).toBeCloseTo((await ask(sourceOf(calm), query, originMs + bucketMs)) ?? Number.NaN, 9);
    }
  });

  it('give back no more than 300 samples of a gauge, with its mean', async () => {
    const many = Array.from({ length: 1_500 }, (_, index): Sample => ({ atMs: originMs + 1 + index * 200, value: index % 17 }));
    const source = await through(many, false);
    expect(await ask(source, 'count_over_time(m[5m])', originMs + bucketMs)).toBe(300);
    expect(await ask(source, 'avg_over_time(m[5m])', originMs + bucketMs)).toBeCloseTo((await ask(sourceOf(many), 'avg_over_time(m[5m])', originMs + bucketMs)) ?? 0, 6);
  });

  it('know no samples but real ones', () => {
    const samples = { labels: {}, timestampsMs: Float64Array.of(originMs, originMs + 1, originMs + 2, originMs + 3), values: Float64Array.of(9, 1, Number.NaN, 0), stale: Uint8Array.of(0, 0, 0, 1) };
    expect(aggregate(samples, originMs + bucketMs)).toMatchObject({ count: 1, sum: 1, first: 1, last: 1, ended: true });
    expect(aggregate(samples, originMs + 2 * bucketMs)).toBeUndefined();
    const into: SyntheticSamples = { timestampsMs: [], values: [], markers: [] };
    const bucket = aggregate(samples, originMs + bucketMs);
    if (bucket !== undefined) expand(bucket, false, into);
    expect(into).toEqual({ timestampsMs: [originMs + 1, originMs + 2], values: [1, Number.NaN], markers: [1] });
  });
});
