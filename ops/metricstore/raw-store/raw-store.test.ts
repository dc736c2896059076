import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemorySource } from '../memory-source.ts';
import type { Labels, Matcher, SampleSource, SeriesSamples } from '../series.ts';
import { RawStore, refusedSeries } from './raw-store.ts';

const originMs = Date.UTC(2026, 0, 1);
const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
const named = (value: string): Matcher[] => [{ name: '__name__', operator: '=', value }];

/** Series by their labels, as plain data. */
const plain = (read: readonly SeriesSamples[]): [string, number[], number[], number[]][] =>
  read.map(({ labels, timestampsMs, values, stale }): [string, number[], number[], number[]] => [
    JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))), [...timestampsMs], [...values].map((value, index) => (stale?.[index] === 1 ? 0 : value)), stale === undefined ? [] : [...stale],
  ]).sort(([a], [b]) => (a < b ? -1 : 1));

const step = fc.record({
  series: fc.nat(3),
  /** Ticks since the step before; 0 writes at the same time. */
  ticks: fc.nat(20),
  value: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.double({ noNaN: true }), fc.constant('stale' as const)),
  isOwn: fc.constant(false),
});

describe('the raw store', () => {
  it('holds what a plain store holds, in any span', async () => {
    const span = fc.record({ from: fc.nat(4_000), length: fc.nat(4_000) });
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 400 }), fc.array(span, { minLength: 1, maxLength: 5 }), async (steps, spans) => {
      const store = new RawStore({ retentionMs: 10 * 24 * 3_600_000 });
      const model = new MemorySource();
      const last = new Map<number, number>();
      const ended = new Map<number, boolean>();
      let atMs = originMs;
      for (const { series, ticks, value } of steps) {
        atMs += ticks * 5_000;
        const labels = { __name__: 'm', series: String(series) };
        if ((last.get(series) ?? 0) >= atMs) continue;
        const timeline = store.timeline('target');
        if (value === 'stale') {
          store.writeStale(store.resolve(labels), timeline, timeline.tick(atMs));
          if (!last.has(series) || ended.get(series) === true) continue;
          model.addStale(labels, atMs);
        } else {
          expect(store.write(store.resolve(labels), timeline, timeline.tick(atMs), value)).toBe(true);
          model.add(labels, atMs, value);
        }
        last.set(series, atMs);
        ended.set(series, value === 'stale');
      }
      for (const { from, length } of spans) {
        const asked = { fromMs: originMs + from * 5_000, toMs: originMs + (from + length) * 5_000 };
        const expected = plain(await model.select(named('m'), asked)).map(([labels, times, values, stale]) => [labels, times, values, stale.includes(1) ? stale : []]);
        expect(plain(await store.select(named('m'), asked))).toEqual(expected);
        const seriesOf = async (source: SampleSource): Promise<Set<string | undefined>> => new Set((await source.series([named('m')], asked)).map((labels) => labels['series']));
        expect(await seriesOf(store)).toEqual(await seriesOf(model));
        expect(await store.labelValues('series', [], asked)).toEqual(await model.labelValues('series', [], asked));
      }
    }), { numRuns: 100 });
  });

  it('refuses a question for more samples than it may read before it makes room for them', async () => {
    const store = new RawStore();
    for (let index = 0; index < 1_000; index++) store.append(['a', 'b', 'c'].map((name) => ({ labels: { __name__: name }, atMs: originMs + index * 5_000, value: index })), 'rules');
    expect((await store.select(named('a'), all, 1_000)).map(({ values }) => values.length)).toEqual([1_000]);
    await expect(store.select([], all, 2_999)).rejects.toMatchObject({ code: 'execution', status: 422 });
    const last = { fromMs: originMs + 995_000 * 5, toMs: originMs + 999_000 * 5 };
    expect(await store.select([], last, 3 * 128)).toHaveLength(3);
  });

  it('takes samples of one series from several timelines', async () => {
    const store = new RawStore();
    const model = new MemorySource();
    for (let index = 0; index < 500; index++) {
      const atMs = originMs + index * 1_000;
      store.append([{ labels: { __name__: 'm' }, atMs, value: index }], `t${Math.floor(index / 3) % 4}`);
      model.add({ __name__: 'm' }, atMs, index);
    }
    expect(plain(await store.select([], all))).toEqual(plain(await model.select([], all)));
  });

  it('finds series by every kind of matcher', async () => {
    const store = new RawStore();
    const model = new MemorySource();
    const label = fc.record({ __name__: fc.constantFrom('a', 'b', 'c'), x: fc.constantFrom('', '1', '2', '10'), constructor: fc.constantFrom('', 'y') });
    const matcher = fc.record({ name: fc.constantFrom('__name__', 'x', 'constructor', 'missing'), operator: fc.constantFrom<Matcher['operator']>('=', '!=', '=~', '!~'), value: fc.constantFrom('', '1', 'a', 'y', '.*', '.+', '1.*', 'a|b', '2|') });
    for (const labels of fc.sample(label, 40)) {
      store.append([{ labels, atMs: originMs, value: 1 }], 'rules');
      model.add(labels, originMs, 1);
    }
    await fc.assert(fc.asyncProperty(fc.array(matcher, { maxLength: 3 }), async (matchers) => {
      expect(plain(await store.select(matchers, all))).toEqual(plain(await model.select(matchers, all)));
      expect(await store.labelNames([matchers], all)).toEqual(await model.labelNames([matchers], all));
      expect(await store.labelValues('x', [matchers], all)).toEqual(await model.labelValues('x', [matchers], all));
    }));
    expect(await store.labelValues('x', [named('a'), named('b')], { fromMs: 0, toMs: originMs - 1 })).toEqual([]);
    expect((await store.series([], all)).length).toBe((await model.series([], all)).length);
  });

  it('refuses and counts samples that are not newer, and those older than it keeps', () => {
    const store = new RawStore({ retentionMs: 3_600_000 });
    const put = (name: string, atMs: number, key = 'rules'): number => store.append([{ labels: { __name__: name }, atMs, value: 1 }], key);
    expect([put('m', originMs), put('m', originMs), put('m', originMs - 1), put('n', originMs - 3_600_001, 'other')]).toEqual([1, 0, 0, 0]);
    expect(Object.fromEntries(store.refusals.entries())).toEqual({ duplicate: 1, out_of_order: 1, too_old: 1 });
  });

  it('refuses and counts series and labels beyond its limits', () => {
    const store = new RawStore({ limits: { seriesMax: 3, labelsMax: 2, labelNameLengthMax: 8, labelValueLengthMax: 5, labelCharactersMax: 60 } });
    const resolve = (labels: Labels): boolean => store.resolve(labels) !== refusedSeries;
    expect(resolve({ __name__: 'a', b: 'c', d: 'e' })).toBe(false);
    expect(resolve({ __name__: 'a', b: 'longer' })).toBe(false);
    expect(resolve({ __name__: 'a', too_long_a_name: '1' })).toBe(false);
    expect([resolve({ __name__: 'a' }), resolve({ __name__: 'b' }), resolve({ __name__: 'c' }), resolve({ __name__: 'd' }), resolve({ __name__: 'a' })]).toEqual([true, true, true, false, true]);
    expect(Object.fromEntries(store.refusals.entries())).toEqual({ labels: 1, label_length: 2, series: 1 });
  });

  it('refuses label texts and metadata beyond their limits', () => {
    const store = new RawStore({ limits: { labelCharactersMax: 18, metadataMax: 1 } });
    expect(['a', 'b', 'c'].map((name) => store.resolve({ __name__: name }) !== refusedSeries)).toEqual([true, true, false]);
    for (const name of ['a', 'b', 'a']) store.setMetadata({ name, type: 'gauge', help: '', unit: '' }, 0);
    expect(Object.fromEntries(store.refusals.entries())).toEqual({ label_characters: 1, metadata: 1 });
  });

  it('forgets of a metric what no target has told for an hour', async () => {
    const store = new RawStore();
    const told = { type: 'gauge', help: '', unit: '' } as const;
    for (const name of ['kept', 'renamed']) store.setMetadata({ name, ...told }, 0);
    store.setMetadata({ name: 'kept', ...told }, 60_000);
    store.expire(3_600_001);
    expect(await store.metadata()).toEqual([{ name: 'kept', ...told }]);
    expect(await store.metadata('renamed')).toEqual([]);
  });

  it('drops series that ended before its retention, and never mistakes an old reference for a new series', async () => {
    const store = new RawStore({ retentionMs: 60_000, limits: { seriesMax: 2 } });
    const write = (name: string, atMs: number): number => store.append([{ labels: { __name__: name }, atMs, value: 1 }], 'rules');
    write('old', originMs);
    const old = store.resolve({ __name__: 'old' });
    write('live', originMs + 61_000);
    expect(write('new', originMs + 61_000)).toBe(0);
    store.expire(originMs + 61_000);
    expect(write('new', originMs + 61_000)).toBe(1);
    expect(store.holds(old)).toBe(false);
    const timeline = store.timeline('rules');
    expect(store.write(old, timeline, timeline.tick(originMs + 62_000), 9)).toBe(false);
    expect(await store.labelValues('__name__', [], all)).toEqual(['live', 'new']);
    expect(store.figures().series).toBe(2);
  });

  it('gives up its oldest samples, and counts them, rather than grow', async () => {
    const store = new RawStore({ limits: { chunkBytesMax: 512 * 1024 } });
    let state = 1;
    const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    const references = Array.from({ length: 50 }, (_, index) => store.resolve({ __name__: 'noise', index: String(index) }));
    const ticks = 1_440;
    for (let index = 0; index < ticks; index++) {
      const timeline = store.timeline('target');
      const tick = timeline.tick(originMs + index * 5_000);
      for (const reference of references) store.write(reference, timeline, tick, random());
    }
    const figures = store.figures();
    expect(figures.chunkBytes).toBeLessThanOrEqual(512 * 1024);
    expect(figures.droppedEarly).toBeGreaterThan(0);
    const [first] = await store.select([{ name: 'index', operator: '=', value: '0' }], all);
    expect(first?.timestampsMs.at(-1)).toBe(originMs + (ticks - 1) * 5_000);
    expect(first?.timestampsMs.length).toBeGreaterThan(600);
    store.expire(originMs + ticks * 5_000);
    expect(store.oldestMs).toBeGreaterThan(originMs);
    expect(first?.timestampsMs[0]).toBeLessThanOrEqual(store.oldestMs);
  });
});
