/** The series of one target: what it exposed last, what it exposes now, and so what it exposes no more. */
import { parseExposition } from '../exposition/parse.ts';
import type { ExpositionFormat } from '../exposition/format.ts';
import { SampleBatch } from '../exposition/sample-batch.ts';
import { SeriesCache } from '../exposition/series-cache.ts';
import { readSeries } from '../exposition/series-text.ts';
import type { RawStore, SeriesReference } from '../raw-store/raw-store.ts';
import type { Timeline } from '../raw-store/timeline.ts';
import type { Labels } from '../series.ts';

/** How far ahead of us a target's own time may lie. */
const aheadMaxMs = 600_000;
/** Texts no longer seen that are kept before the cache is made anew. */
const idleTextsMax = 1_000;
/** Of the timelines of targets: the samples of a scrape share its time. */
export const scrapeKeyPrefix = 'scrape:';

/** What a scrape tells of itself, as in Prometheus. */
export interface ScrapeReport {
  readonly isUp: boolean;
  readonly durationMs: number;
  readonly samplesScraped: number;
  readonly seriesAdded: number;
}

const reportNames = ['up', 'scrape_duration_seconds', 'scrape_samples_scraped', 'scrape_samples_post_metric_relabeling', 'scrape_series_added'] as const;

export class TargetSeries {
  readonly #store: RawStore;
  readonly #labels: Labels;
  readonly #key: string;
  #cache = new SeriesCache();
  readonly #batch: SampleBatch;
  readonly #reports: SeriesReference[] = [];
  #scrape = 0;

  /**
   * @param labels of the target; they win over those of its series, which are then called `exported_…`
   * @param key of the target, unlike every other's
   */
  constructor(store: RawStore, labels: Labels, key: string, samplesMax?: number) {
    this.#store = store;
    this.#labels = labels;
    this.#key = `${scrapeKeyPrefix}${key}`;
    this.#batch = new SampleBatch(samplesMax);
  }

  /**
   * Reads an exposition and stores all of it at `atMs`; series that are missing from it end.
   * @throws SoraError when it cannot be read; then nothing was stored
   */
  store(body: Buffer, length: number, format: ExpositionFormat, atMs: number): { readonly samplesScraped: number; readonly seriesAdded: number } {
    const batch = this.#batch;
    parseExposition(body, length, format, this.#cache, batch);
    const timeline = this.#store.timeline(this.#key);
    const tick = timeline.tick(atMs);
    this.#scrape++;
    let seriesAdded = 0;
    for (let index = 0; index < batch.count; index++) {
      const entry = batch.entries[index] ?? 0;
      const value = batch.values[index] ?? 0;
      const timestampMs = batch.timestampsMs[index] ?? Number.NaN;
      const lastSeen = this.#cache.lastSeen(entry);
      if (lastSeen === 0 || lastSeen < this.#scrape - 1) seriesAdded++;
      this.#cache.see(entry, this.#scrape);
      const reference = this.#referenceOf(entry);
      if (reference < 0) continue;
      if (Number.isNaN(timestampMs)) {
        this.#cache.track(entry, true);
        this.#store.write(reference, timeline, tick, value);
      } else {
        this.#writeAt(entry, reference, timestampMs, value, atMs);
      }
    }
    this.#endMissing(timeline, tick);
    for (const [name, metadata] of batch.metadata) this.#store.setMetadata({ name, ...metadata }, atMs);
    return { samplesScraped: batch.count, seriesAdded };
  }

  /** Ends every series, as the target could not be scraped or is no more. */
  end(atMs: number): void {
    const timeline = this.#store.timeline(this.#key);
    this.#scrape++;
    this.#endMissing(timeline, timeline.tick(atMs));
  }

  /** Stores what the scrape at `atMs` told of itself. */
  report(report: ScrapeReport, atMs: number): void {
    const { isUp, durationMs, samplesScraped, seriesAdded } = report;
    const timeline = this.#store.timeline(this.#key);
    const tick = timeline.tick(atMs);
    [isUp ? 1 : 0, durationMs / 1_000, samplesScraped, samplesScraped, seriesAdded].forEach((value, index) => {
      this.#store.write(this.#reportReference(index), timeline, tick, value);
    });
  }

  /** Ends the series of `report`, when the target is no more. */
  endReport(atMs: number): void {
    const timeline = this.#store.timeline(this.#key);
    const tick = timeline.tick(atMs);
    reportNames.forEach((_, index) => this.#store.writeStale(this.#reportReference(index), timeline, tick));
  }

  #reportReference(index: number): SeriesReference {
    const known = this.#reports[index];
    if (known !== undefined && this.#store.holds(known)) return known;
    return (this.#reports[index] = this.#store.resolve({ ...this.#labels, __name__: reportNames[index] ?? '' }));
  }

  #referenceOf(entry: number): SeriesReference {
    const known = this.#cache.reference(entry);
    // One that was refused is not asked again while the target goes on exposing it.
    if (this.#cache.isResolved(entry) && (known < 0 || this.#store.holds(known))) return known;
    const { bytes, from, to } = this.#cache.text(entry);
    const reference = this.#store.resolve(withTargetLabels(readSeries(bytes, from, to, 0), this.#labels));
    this.#cache.setReference(entry, reference);
    return reference;
  }

  /** A sample with a time of the target's own. The same again is nothing new. */
  #writeAt(entry: number, reference: SeriesReference, timestampMs: number, value: number, atMs: number): void {
    if (timestampMs > atMs + aheadMaxMs) return this.#store.refusals.count('too_far_ahead');
    const { bytes, from, to } = this.#cache.text(entry);
    const timeline = this.#store.timeline(`own:${this.#key}:${bytes.toString('latin1', from, to)}`);
    if (timeline.lastMs === timestampMs) return;
    this.#store.write(reference, timeline, timeline.tick(timestampMs), value);
  }

  #endMissing(timeline: Timeline, tick: number): void {
    const cache = this.#cache;
    let idle = 0;
    for (let entry = 0; entry < cache.size; entry++) {
      if (cache.lastSeen(entry) === this.#scrape) continue;
      idle++;
      if (!cache.isTracked(entry)) continue;
      this.#store.writeStale(cache.reference(entry), timeline, tick);
      cache.track(entry, false);
    }
    if (idle > idleTextsMax && idle > cache.size / 2) this.#cache = cache.compacted(this.#scrape);
  }
}

/** `honor_labels: false`: a label that the target has too is called `exported_…`. */
export function withTargetLabels(found: ReadonlyMap<string, string>, targetLabels: Labels): Labels {
  const labels = new Map(found);
  for (const [name, value] of Object.entries(targetLabels)) {
    const exported = labels.get(name);
    if (exported !== undefined) {
      let renamed = `exported_${name}`;
      while (labels.has(renamed) || Object.hasOwn(targetLabels, renamed)) renamed = `exported_${renamed}`;
      labels.set(renamed, exported);
    }
    labels.set(name, value);
  }
  return Object.fromEntries(labels);
}
