import * as fc from 'fast-check';
import { MemorySource } from '../memory-source.ts';
import { compareLabels } from '../promqltest/compare.ts';
import type { Labels, SeriesSamples } from '../series.ts';

/** When the random series begin and end. */
export const seriesSpan = { startMs: 1_700_000_000_000, endMs: 1_700_000_000_000 + 3_600_000 } as const;

/** How one series comes about. */
interface Shape {
  readonly seed: number;
  /** Time from one sample to the next. */
  readonly intervalMs: number;
  /** The first sample comes this much later; further ones are off by up to it. */
  readonly jitterMs: number;
  /** How many of a hundred samples begin a gap of some minutes. */
  readonly gapsPercent: number;
  /** How many of a hundred reset a counter, or are NaN or infinite in a gauge of whole numbers. */
  readonly oddPercent: number;
}

const shape: fc.Arbitrary<Shape> = fc.record({
  seed: fc.integer(),
  intervalMs: fc.constantFrom(5_000, 15_000, 15_000, 30_000, 60_000, 90_000),
  jitterMs: fc.constantFrom(0, 0, 3, 500, 2_000),
  gapsPercent: fc.constantFrom(0, 1, 3, 10),
  oddPercent: fc.constantFrom(0, 1, 5),
});

type Kind = 'counter' | 'gauge' | 'whole' | 'one';

interface Metric {
  readonly labels: Labels;
  readonly kind: Kind;
}

const jobs = ['a', 'b'] as const;
const instances = ['1', '2', '3'] as const;
const bounds = ['0.1', '0.5', '1', '2.5', '+Inf'] as const;

const metrics: readonly Metric[] = [
  ...jobs.flatMap((job) => instances.flatMap((instance) => [
    { kind: 'gauge', labels: { __name__: 'temperature', job, instance } },
    { kind: 'whole', labels: { __name__: 'level', job, instance } },
    { kind: 'one', labels: { __name__: 'build', job, instance, version: `v${instance}` } },
    ...['200', '404', '500'].flatMap((code) => ['requests_total', 'errors_total'].map((name) => ({ kind: 'counter', labels: { __name__: name, job, instance, code } } as const))),
  ] as const satisfies readonly Metric[])),
  ...jobs.map((job) => ({ kind: 'gauge', labels: { __name__: 'limit', job } } as const)),
  { kind: 'whole', labels: { __name__: 'lone' } },
];

/** Random series of a few metrics: counters with resets, gauges, whole numbers with NaN and infinities, classic histograms. */
export function randomSeries(seed: number): SeriesSamples[] {
  const shapes = fc.sample(shape, { seed, numRuns: metrics.length + jobs.length * instances.length });
  const next = (): Shape => shapes.pop() ?? { seed, intervalMs: 15_000, jitterMs: 0, gapsPercent: 0, oddPercent: 0 };
  const plain = metrics.map(({ labels, kind }) => makeSeries(labels, kind, next()));
  return [...plain, ...jobs.flatMap((job) => instances.flatMap((instance) => makeHistogram({ job, instance }, next())))];
}

/** The same series for SORA's engine, in the order in which Prometheus reads them, on which last digits depend. */
export function sourceOf(series: readonly SeriesSamples[]): MemorySource {
  const source = new MemorySource();
  for (const { labels, timestampsMs, values } of series.toSorted((a, b) => compareLabels(a.labels, b.labels))) source.addAll(labels, Array.from(values, (value, index) => ({ atMs: timestampsMs[index] ?? 0, value })));
  return source;
}

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function timesOf({ intervalMs, jitterMs, gapsPercent }: Shape, random: () => number): number[] {
  const times: number[] = [];
  for (let atMs = seriesSpan.startMs; atMs <= seriesSpan.endMs; atMs += intervalMs) {
    times.push(atMs + Math.floor(random() * jitterMs));
    if (random() * 100 < gapsPercent) atMs += Math.floor(random() * 10) * 60_000;
  }
  return times;
}

/** Labelled samples at given times. */
export function makeSeries(labels: Labels, kind: Kind, shape: Shape): SeriesSamples {
  const random = randomOf(shape.seed);
  const times = timesOf(shape, random);
  let value = kind === 'gauge' ? random() * 100 : 0;
  const values = times.map(() => {
    const isOdd = random() * 100 < shape.oddPercent;
    if (kind === 'counter') return (value = isOdd ? Math.floor(random() * 5) : value + Math.floor(random() * random() * 20));
    if (kind === 'gauge') return (value += random() * 4 - 2);
    if (kind === 'one') return 1;
    return isOdd ? ([Number.NaN, Infinity, -Infinity][Math.floor(random() * 3)] ?? 0) : Math.floor(random() * 7) - 3;
  });
  return { labels, timestampsMs: Float64Array.from(times), values: Float64Array.from(values) };
}

function makeHistogram(labels: Labels, shape: Shape): SeriesSamples[] {
  const random = randomOf(shape.seed);
  const times = timesOf(shape, random);
  const counts = bounds.map(() => 0);
  const rows: number[][] = [];
  let sum = 0;
  for (let index = 0; index < times.length; index += 1) {
    if (random() * 100 < shape.oddPercent) counts.fill(0);
    for (let observed = Math.floor(random() * 6); observed > 0; observed -= 1) {
      const at = Math.floor(random() * bounds.length);
      for (let bucket = at; bucket < bounds.length; bucket += 1) counts[bucket] = (counts[bucket] ?? 0) + 1;
      sum += random() * 3;
    }
    rows.push([...counts, sum]);
  }
  const column = (extra: Labels, at: number): SeriesSamples => ({ labels: { ...labels, ...extra }, timestampsMs: Float64Array.from(times), values: Float64Array.from(rows, (row) => row[at] ?? 0) });
  return [
    ...bounds.map((le, index) => column({ __name__: 'latency_bucket', le }, index)),
    column({ __name__: 'latency_sum' }, bounds.length), column({ __name__: 'latency_count' }, bounds.length - 1),
  ];
}
