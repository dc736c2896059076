import { tooManySamples } from './limit-samples.ts';
import { compileMatcher, labelValue } from './matchers.ts';
import type { Labels, Matcher, MetricMetadata, SampleSource, SeriesSamples, TimeSpan } from './series.ts';

/** One sample, or with `isStale` a marker whose value means nothing. */
export interface MemorySample {
  readonly atMs: number;
  readonly value: number;
  readonly isStale?: boolean;
}

interface Held {
  readonly labels: Labels;
  readonly timestampsMs: number[];
  readonly values: number[];
  readonly stale: boolean[];
  /** Whether any marker was ever added. */
  hasStale: boolean;
}

/**
 * Series held in plain arrays, for tests of rules and queries. Nothing is dropped or compressed: whoever fills it sets
 * the bounds. A second sample at one time replaces the first.
 */
export class MemorySource implements SampleSource {
  readonly #held = new Map<string, Held>();
  readonly #metadata = new Map<string, MetricMetadata>();

  /** Adds one sample. Labels with an empty value are left out. */
  add(labels: Labels, atMs: number, value: number): void {
    insert(this.#seriesOf(labels), { atMs, value });
  }

  /** Adds many samples of one series. */
  addAll(labels: Labels, samples: Iterable<MemorySample>): void {
    const held = this.#seriesOf(labels);
    for (const sample of samples) insert(held, sample);
  }

  /** Adds a staleness marker: the series ends here until its next sample. */
  addStale(labels: Labels, atMs: number): void {
    insert(this.#seriesOf(labels), { atMs, value: Number.NaN, isStale: true });
  }

  setMetadata(metadata: MetricMetadata): void {
    this.#metadata.set(metadata.name, metadata);
  }

  clear(): void {
    this.#held.clear();
    this.#metadata.clear();
  }

  async select(matchers: readonly Matcher[], span: TimeSpan, samplesMax = Number.POSITIVE_INFINITY): Promise<readonly SeriesSamples[]> {
    const found = this.#matching(matchers, span);
    if (found.reduce((sum, [, from, to]) => sum + to - from, 0) > samplesMax) throw tooManySamples(samplesMax);
    return found.map(([held, from, to]) => ({
      labels: held.labels,
      timestampsMs: Float64Array.from(held.timestampsMs.slice(from, to)),
      values: Float64Array.from(held.values.slice(from, to)),
      ...(held.hasStale ? { stale: Uint8Array.from(held.stale.slice(from, to), Number) } : {}),
    }));
  }

  series(selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly Labels[]> {
    const found = selectors.length === 0 ? this.#matching([], span) : selectors.flatMap((matchers) => this.#matching(matchers, span));
    return Promise.resolve([...new Set(found.map(([held]) => held.labels))]);
  }

  async labelNames(selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly string[]> {
    return sorted((await this.series(selectors, span)).flatMap((labels) => Object.keys(labels)));
  }

  async labelValues(label: string, selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly string[]> {
    return sorted((await this.series(selectors, span)).map((labels) => labelValue(labels, label)).filter((value) => value !== ''));
  }

  metadata(name?: string): Promise<readonly MetricMetadata[]> {
    return Promise.resolve([...this.#metadata.values()].filter((each) => name === undefined || each.name === name));
  }

  /** Series that meet all matchers, each with the first index in the span and the first after it. */
  #matching(matchers: readonly Matcher[], { fromMs, toMs }: TimeSpan): [Held, number, number][] {
    const conditions = matchers.map((matcher) => ({ name: matcher.name, isMet: compileMatcher(matcher) }));
    const found: [Held, number, number][] = [];
    for (const held of this.#held.values()) {
      if (!conditions.every(({ name, isMet }) => isMet(labelValue(held.labels, name)))) continue;
      const from = lowerBound(held.timestampsMs, fromMs);
      const to = lowerBound(held.timestampsMs, toMs, true);
      if (from < to) found.push([held, from, to]);
    }
    return found;
  }

  #seriesOf(labels: Labels): Held {
    const pairs = Object.entries(labels).filter(([, value]) => value !== '').sort(([a], [b]) => (a < b ? -1 : 1));
    const key = JSON.stringify(pairs);
    const known = this.#held.get(key);
    if (known !== undefined) return known;
    const made: Held = { labels: Object.fromEntries(pairs), timestampsMs: [], values: [], stale: [], hasStale: false };
    this.#held.set(key, made);
    return made;
  }
}

function insert(held: Held, { atMs, value, isStale = false }: MemorySample): void {
  const { timestampsMs, values, stale } = held;
  const at = lowerBound(timestampsMs, atMs);
  const replaced = timestampsMs[at] === atMs ? 1 : 0;
  timestampsMs.splice(at, replaced, atMs);
  values.splice(at, replaced, value);
  stale.splice(at, replaced, isStale);
  held.hasStale ||= isStale;
}

/** The first index whose time is at least `atMs`, or with `isAfter` above it. */
function lowerBound(timestampsMs: readonly number[], atMs: number, isAfter = false): number {
  let low = 0;
  let high = timestampsMs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const time = timestampsMs[middle] ?? 0;
    if (time < atMs || (isAfter && time === atMs)) low = middle + 1;
    else high = middle;
  }
  return low;
}

const sorted = (values: readonly string[]): string[] => [...new Set(values)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
