/**
 * The samples of the last two hours, compressed in memory. A `SampleSource` that refuses beyond its limits and says how
 * much it refused.
 */
import type { Labels, Matcher, MetricMetadata, SampleSource, SeriesSamples, TimeSpan } from '../series.ts';
import { defaultLimits, Refusals } from './limits.ts';
import type { RefusalReason, StoreLimits } from './limits.ts';
import { hasSamples, readSamples } from './read-samples.ts';
import type { Readable } from './read-samples.ts';
import { Segments } from './segments.ts';
import { charactersOf, labelsKey, normaliseLabels, SeriesIndex } from './series-index.ts';
import { SeriesTable } from './series-table.ts';
import { Timeline } from './timeline.ts';

export interface RawStoreOptions {
  /** Default 2 h. */
  readonly retentionMs?: number;
  readonly limits?: Partial<StoreLimits>;
}

/** A sample whose series is named by its labels; for the few that no scrape brings. */
export interface NewSample {
  readonly labels: Labels;
  readonly atMs: number;
  readonly value: number;
  /** A marker that the series ends here; its value means nothing. */
  readonly isStale?: boolean;
}

export interface StoreFigures {
  readonly series: number;
  /** Series whose newest sample is no staleness marker. */
  readonly activeSeries: number;
  readonly samplesWritten: number;
  readonly chunkBytes: number;
  /** Buffers of samples given up before their time, as memory was used up. */
  readonly droppedEarly: number;
  readonly oldestMs: number;
}

export interface PagedSeries extends SeriesSamples {
  readonly timeline: string;
}

/** A series in this store: its id and how often the id was used before, so that an old reference finds nothing. */
export type SeriesReference = number;
/** What `resolve` answers for a series that was refused. */
export const refusedSeries: SeriesReference = -1;

const idSpace = 2 ** 22;
const lateTimelinesMax = 8;
/** After this long a metric that no target tells of is one that none exports. */
const metadataKeptMs = 3_600_000;

export class RawStore implements SampleSource {
  readonly retentionMs: number;
  readonly limits: StoreLimits;
  readonly refusals = new Refusals();
  readonly #index = new SeriesIndex();
  readonly #segments: Segments;
  readonly #table: SeriesTable;
  readonly #generations: Uint32Array;
  readonly #timelines = new Map<string, Timeline>();
  readonly #timelinesById = new Map<number, Timeline>();
  #nextTimeline = 1;
  readonly #metadata = new Map<string, { readonly metadata: MetricMetadata; readonly toldAtMs: number }>();
  #samplesWritten = 0;
  #newestMs = Number.NEGATIVE_INFINITY;
  #oldestMs = Number.POSITIVE_INFINITY;
  #hasDropped = false;
  readonly #readable: Readable;

  constructor(options: RawStoreOptions = {}) {
    this.retentionMs = options.retentionMs ?? 2 * 3_600_000;
    this.limits = { ...defaultLimits, ...options.limits };
    if (this.limits.seriesMax >= idSpace) throw new RangeError(`seriesMax ${this.limits.seriesMax} must be below ${idSpace}`);
    this.#segments = new Segments(this.limits.chunkBytesMax);
    this.#table = new SeriesTable(this.#segments, this.limits.seriesMax);
    this.#generations = new Uint32Array(this.limits.seriesMax);
    this.#readable = { table: this.#table, segments: this.#segments, timelineOf: (id) => this.#timelinesById.get(id), labels: (id) => this.#index.labels(id) };
  }

  /** The series of these labels, made when it is new. `refusedSeries`, counted, when a limit forbids it. */
  resolve(labels: Labels): SeriesReference {
    const pairs = normaliseLabels(labels);
    let id = this.#index.find(pairs);
    if (id === undefined) {
      const refusal = this.#refusalOf(pairs);
      if (refusal !== undefined) {
        this.refusals.count(refusal);
        return refusedSeries;
      }
      id = this.#index.add(pairs);
      this.#table.open(id);
    }
    return (this.#generations[id] ?? 0) * idSpace + id;
  }

  /** The timeline of this key: samples written at one of its ticks share a time. Ask anew at each tick: one long unused is dropped. */
  timeline(key: string): Timeline {
    let timeline = this.#timelines.get(key);
    if (timeline === undefined) {
      timeline = new Timeline(this.#nextTimeline++, key);
      this.#timelines.set(key, timeline);
      this.#timelinesById.set(timeline.id, timeline);
    }
    return timeline;
  }

  /**
   * Writes one sample. Refused and counted: a sample not newer than the newest of its series, or older than the retention.
   * @param tick of `timeline.tick(atMs)`
   * @returns whether it was written
   */
  write(reference: SeriesReference, timeline: Timeline, tick: number, value: number): boolean {
    const id = this.#idOf(reference);
    if (id < 0) return false;
    if (tick < 0) return this.#refuse('out_of_order');
    const atMs = timeline.timeMs(tick);
    if (atMs > this.#newestMs) this.#newestMs = atMs;
    else if (atMs < this.#newestMs - this.retentionMs) return this.#refuse('too_old');
    const outcome = this.#table.write(id, timeline, tick, atMs, value, false);
    if (outcome !== 'written') return this.#refuse(outcome);
    if (atMs < this.#oldestMs) this.#oldestMs = atMs;
    this.#samplesWritten++;
    return true;
  }

  /** Marks the end of a series; does nothing where it has ended or has a sample at that time. */
  writeStale(reference: SeriesReference, timeline: Timeline, tick: number): void {
    const id = this.#idOf(reference);
    if (id < 0 || tick < 0 || this.#table.ended[id] === 1 || this.#table.lastMs[id] === Number.NEGATIVE_INFINITY) return;
    this.#table.write(id, timeline, tick, timeline.timeMs(tick), 0, true);
  }

  /**
   * Ends the series of all timelines whose key begins so, each `silentMs` after the last of its timeline, and before `nowMs` at the
   * latest: what wrote them is no more, and whoever goes on with one brings it back. Answers how many ended.
   */
  endTimelines(keyPrefix: string, nowMs: number, silentMs: number): number {
    const ends = new Map<Timeline, number>();
    let ended = 0;
    for (let id = 0; id < this.#index.idsEnd; id++) {
      const timeline = this.#table.headTimeline[id];
      if (timeline === undefined || this.#table.ended[id] === 1 || !timeline.key.startsWith(keyPrefix)) continue;
      const tick = ends.get(timeline) ?? timeline.tick(Math.min(nowMs - 1, timeline.lastMs + silentMs));
      ends.set(timeline, tick);
      if (tick < 0) continue;
      this.#table.write(id, timeline, tick, timeline.timeMs(tick), 0, true);
      ended++;
    }
    return ended;
  }

  /** Whether the reference still names a series. */
  holds(reference: SeriesReference): boolean {
    return this.#idOf(reference) >= 0;
  }

  /**
   * Appends samples of rules and the like.
   * @param key of the timeline: samples that are written together by one writer
   * @returns how many were written
   */
  append(samples: readonly NewSample[], key: string): number {
    let written = 0;
    for (const { labels, atMs, value, isStale } of samples) {
      const reference = this.resolve(labels);
      if (reference === refusedSeries) continue;
      const timeline = this.#timelineAt(key, atMs, reference);
      const tick = timeline.tick(atMs);
      if (isStale === true) this.writeStale(reference, timeline, tick);
      else if (this.write(reference, timeline, tick, value)) written++;
    }
    return written;
  }

  /**
   * A timeline of this key that has not gone beyond the time, as writers that share a key may be late. One that fits the series is
   * taken again, for a change of timelines ends a chunk.
   */
  #timelineAt(key: string, atMs: number, reference: SeriesReference): Timeline {
    const current = this.#table.headTimeline[this.#idOf(reference)];
    if (current !== undefined && current.lastMs <= atMs && (current.key === key || current.key.startsWith(`${key}~`))) return this.timeline(current.key);
    for (let late = 0; late < lateTimelinesMax; late++) {
      const timeline = this.timeline(late === 0 ? key : `${key}~${late}`);
      if (timeline.lastMs <= atMs) return timeline;
    }
    return this.timeline(`own:${key}:${labelsKey(Object.entries(this.#index.labels(this.#idOf(reference))))}`);
  }

  /** All series with samples in the span, some at a time, each with the timeline it belongs to now. Other work may be done between pages. */
  *pages(span: TimeSpan, seriesEach: number): Generator<readonly PagedSeries[]> {
    for (let from = 0; from < this.#index.idsEnd; from += seriesEach) {
      const ids: number[] = [];
      for (let id = from; id < Math.min(from + seriesEach, this.#index.idsEnd); id++) if (this.#index.has(id)) ids.push(id);
      const readIds: number[] = [];
      const page = readSamples(this.#readable, ids, span, { readIds });
      if (page.length > 0) yield page.map((series, index) => ({ ...series, timeline: this.#table.headTimeline[readIds[index] ?? -1]?.key ?? '' }));
    }
  }

  /** Keeps what a target tells of a metric at a time, for an hour after it last did. */
  setMetadata(metadata: MetricMetadata, toldAtMs: number): void {
    if (!this.#metadata.has(metadata.name) && this.#metadata.size >= this.limits.metadataMax) return void this.#refuse('metadata');
    this.#metadata.set(metadata.name, { metadata, toldAtMs });
  }

  /** Drops samples older than the retention and series that have none left. Call it every few seconds to minutes. */
  expire(nowMs: number): void {
    const beforeMs = nowMs - this.retentionMs;
    for (const [name, { toldAtMs }] of this.#metadata) if (toldAtMs < nowMs - metadataKeptMs) this.#metadata.delete(name);
    const keptFromMs = Math.max(beforeMs, this.#segments.droppedUntilMs);
    if (keptFromMs > this.#oldestMs) {
      this.#oldestMs = keptFromMs;
      this.#hasDropped = true;
    }
    this.#segments.expire(beforeMs);
    const gone = new Set<number>();
    for (let id = 0; id < this.#index.idsEnd; id++) {
      // Among them those of which no sample was ever accepted.
      if ((this.#table.lastMs[id] ?? 0) < beforeMs && this.#index.has(id)) gone.add(id);
    }
    for (const timeline of this.#timelines.values()) {
      timeline.expire(beforeMs);
      if (timeline.lastMs >= beforeMs) continue;
      this.#timelines.delete(timeline.key);
      this.#timelinesById.delete(timeline.id);
    }
    if (gone.size === 0) return;
    this.#index.remove(gone);
    for (const id of gone) {
      this.#table.open(id);
      this.#generations[id] = (this.#generations[id] ?? 0) + 1;
    }
  }

  async select(matchers: readonly Matcher[], span: TimeSpan, samplesMax?: number): Promise<readonly SeriesSamples[]> {
    return this.selectNow(matchers, span, samplesMax);
  }

  /** As `select`, at once. */
  selectNow(matchers: readonly Matcher[], span: TimeSpan, samplesMax?: number): SeriesSamples[] {
    return readSamples(this.#readable, this.#index.match(matchers), span, { samplesMax });
  }

  series(selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly Labels[]> {
    return Promise.resolve(this.#matching(selectors, span).map((id) => this.#index.labels(id)));
  }

  labelNames(selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly string[]> {
    const names = new Set<string>();
    for (const id of this.#matching(selectors, span)) for (const name of Object.keys(this.#index.labels(id))) names.add(name);
    return Promise.resolve([...names].sort());
  }

  labelValues(label: string, selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly string[]> {
    const values = new Set<string>();
    for (const id of this.#matching(selectors, span)) {
      const labels = this.#index.labels(id);
      if (Object.hasOwn(labels, label)) values.add(labels[label] ?? '');
    }
    return Promise.resolve([...values].sort());
  }

  metadata(name?: string): Promise<readonly MetricMetadata[]> {
    const found = name === undefined ? [...this.#metadata.values()] : [this.#metadata.get(name)];
    return Promise.resolve(found.flatMap((told) => (told === undefined ? [] : [told.metadata])));
  }

  /** From this time on all samples that were ever written are here. Infinity while there is none. */
  get oldestMs(): number {
    return this.#oldestMs;
  }

  /** Whether samples were given up since the start, for their age or for want of room. */
  get hasDropped(): boolean {
    return this.#hasDropped;
  }

  figures(): StoreFigures {
    let activeSeries = 0;
    for (let id = 0; id < this.#index.idsEnd; id++) if (this.#index.has(id) && this.#table.ended[id] === 0) activeSeries++;
    return {
      series: this.#index.size, activeSeries, samplesWritten: this.#samplesWritten, chunkBytes: this.#segments.bytes,
      droppedEarly: this.#segments.droppedEarly, oldestMs: this.#oldestMs,
    };
  }

  #matching(selectors: readonly (readonly Matcher[])[], span: TimeSpan): number[] {
    const ids = new Set<number>();
    for (const matchers of selectors.length === 0 ? [[]] : selectors) for (const id of this.#index.match(matchers)) ids.add(id);
    return [...ids].filter((id) => hasSamples(this.#readable, id, span));
  }

  #idOf(reference: SeriesReference): number {
    if (reference < 0) return -1;
    const generation = Math.floor(reference / idSpace);
    const id = reference - generation * idSpace;
    return this.#generations[id] === generation ? id : -1;
  }

  #refuse(reason: RefusalReason): false {
    this.refusals.count(reason);
    return false;
  }

  #refusalOf(pairs: readonly (readonly [string, string])[]): RefusalReason | undefined {
    const { limits } = this;
    if (this.#index.size >= limits.seriesMax) return 'series';
    if (pairs.length > limits.labelsMax) return 'labels';
    if (pairs.some(([name, value]) => name.length > limits.labelNameLengthMax || value.length > limits.labelValueLengthMax)) return 'label_length';
    if (this.#index.characters + charactersOf(pairs) > limits.labelCharactersMax) return 'label_characters';
    return undefined;
  }
}
