/**
 * The metric store of the control plane: two hours of raw samples in memory, 14 days of buckets and a journal of the last half
 * hour in PostgreSQL, as one source of samples.
 */
import type { Pool, PoolClient } from 'pg';
import { messageOf } from '../core/error.ts';
import type { Host, Timer } from '../core/host.ts';
import { Journal } from './journal/journal.ts';
import { bucketEndOf } from './long-term/bucket.ts';
import { Catalogue } from './long-term/catalogue.ts';
import { LongTermStore } from './long-term/long-term-store.ts';
import type { LongTermLimits } from './long-term/long-term-store.ts';
import { joinSeries, keyOfLabels } from './join-series.ts';
import { countSamples } from './limit-samples.ts';
import { RawStore } from './raw-store/raw-store.ts';
import type { NewSample, RawStoreOptions } from './raw-store/raw-store.ts';
import type { Labels, Matcher, MetricMetadata, SampleSource, SeriesSamples, TimeSpan } from './series.ts';

export interface MetricStoreOptions {
  readonly host: Host;
  /** Of the control plane, whose migrations have run. Without it samples live in memory only. */
  readonly database?: StoreDatabase | undefined;
  readonly raw?: RawStoreOptions;
  readonly longTerm?: Partial<LongTermLimits>;
  /** How far back the journal reaches. Default 30 min. */
  readonly journalMs?: number;
  /** Series of 14 days that the database knows. Default 300,000. */
  readonly catalogueMax?: number;
  /** Hears what went wrong with the database; what is kept in memory goes on. Default: nobody. */
  readonly onError?: (problem: string) => void;
}

export interface StoreDatabase {
  readonly pool: Pool;
  readonly transaction: <Result>(work: (client: PoolClient) => Promise<Result>) => Promise<Result>;
}

const expireEveryMs = 10_000;
const writeEveryMs = 60_000;
/** What a `kill -9` may lose must leave enough in windows of a minute: a rate over a lone sample takes a firing alert for over. */
const journalEveryMs = 15_000;

/** Makes the store; `open` it before the first sample is appended. */
export function createMetricStore(options: MetricStoreOptions): MetricStore {
  return new MetricStore(options);
}

export class MetricStore implements SampleSource {
  readonly raw: RawStore;
  /** Undefined without a database. */
  readonly longTerm: LongTermStore | undefined;
  readonly catalogue: Catalogue | undefined;
  readonly #journal: Journal | undefined;
  readonly #options: MetricStoreOptions;
  readonly #timers: Timer[] = [];
  #writing: Promise<void> | undefined;
  #journalling: Promise<void> | undefined;
  /** Whether there was nothing before this process, neither buckets nor in the journal. */
  #beganEmpty = false;
  /** Failures of the database. */
  failures = 0;

  constructor(options: MetricStoreOptions) {
    this.#options = options;
    this.raw = new RawStore(options.raw);
    const { host, database } = options;
    if (database === undefined) return;
    const { raw } = this;
    this.catalogue = new Catalogue(database.pool, options.catalogueMax ?? 300_000, async (name) => (await raw.metadata(name))[0]?.type ?? 'unknown');
    const shared = { host, pool: database.pool, raw, catalogue: this.catalogue };
    this.longTerm = new LongTermStore({ ...shared, transaction: database.transaction, ...(options.longTerm === undefined ? {} : { limits: options.longTerm }) });
    this.#journal = new Journal({ ...shared, ...(options.journalMs === undefined ? {} : { keepMs: options.journalMs }) });
  }

  /** Puts back what the journal holds and begins to write; without a database it only begins to expire. */
  async open(): Promise<void> {
    const { clock, timers } = this.#options.host;
    await this.#try('read what was stored', async () => {
      await this.longTerm?.open();
      await this.#journal?.restore(clock.nowMs());
      this.#beganEmpty = this.longTerm?.progressMs === undefined;
    });
    this.#timers.push(timers.every(expireEveryMs, () => this.raw.expire(clock.nowMs())));
    if (this.#journal !== undefined) this.#timers.push(timers.every(journalEveryMs, () => void this.#writeJournal()), timers.every(writeEveryMs, () => void this.write()));
  }

  /** Writes to the database what is due, as is done every minute; the journal is written every 15 s. */
  async write(): Promise<void> {
    if (this.#writing !== undefined) return this.#writing;
    this.#writing = this.#writeDue().finally(() => (this.#writing = undefined));
    return this.#writing;
  }

  /** Writes the journal up to now. The pool stays open: it is the caller's. */
  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    await this.#writing;
    await this.#journalling;
    await this.#try('write the journal', () => this.#journal?.close(this.#options.host.clock.nowMs()));
  }

  /** Appends samples of rules and the like; answers how many were written. Samples of one writer share `key`. */
  append(samples: readonly NewSample[], key = 'rules'): number {
    return this.raw.append(samples, key);
  }

  async select(matchers: readonly Matcher[], span: TimeSpan, samplesMax?: number): Promise<readonly SeriesSamples[]> {
    const { longTerm } = this;
    const boundaryMs = this.#boundaryMs(span);
    if (longTerm === undefined || boundaryMs === undefined) return this.raw.selectNow(matchers, span, samplesMax);
    const old = await longTerm.select(matchers, { fromMs: span.fromMs, toMs: Math.min(span.toMs, boundaryMs) }, samplesMax);
    return span.toMs <= boundaryMs ? old : joinSeries(old, this.raw.selectNow(matchers, { fromMs: boundaryMs + 1, toMs: span.toMs }, samplesMax === undefined ? undefined : samplesMax - countSamples(old)));
  }

  async series(selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly Labels[]> {
    const recent = await this.raw.series(selectors, span);
    if (this.longTerm === undefined || this.#boundaryMs(span) === undefined) return recent;
    const found = new Map<string, Labels>();
    for (const labels of [...recent, ...(await this.longTerm.series(selectors, span))]) found.set(keyOfLabels(labels), labels);
    return [...found.values()];
  }

  async labelNames(selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly string[]> {
    // Of all series the database says it itself: they may be hundreds of thousands.
    if (selectors.length === 0) return sorted([...(await this.raw.labelNames([], span)), ...(this.#boundaryMs(span) === undefined ? [] : ((await this.catalogue?.labelNames(span)) ?? []))]);
    return sorted((await this.series(selectors, span)).flatMap((labels) => Object.keys(labels)));
  }

  async labelValues(label: string, selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly string[]> {
    if (selectors.length === 0) return sorted([...(await this.raw.labelValues(label, [], span)), ...(this.#boundaryMs(span) === undefined ? [] : ((await this.catalogue?.labelValues(label, span)) ?? []))]);
    return sorted((await this.series(selectors, span)).flatMap((labels) => (Object.hasOwn(labels, label) ? [labels[label] ?? ''] : [])));
  }

  metadata(name?: string): Promise<readonly MetricMetadata[]> {
    return this.raw.metadata(name);
  }

  /** From when on samples are exactly those that were scraped; -Infinity where there never was another. */
  get completeFromMs(): number {
    return this.#beganEmpty && !this.raw.hasDropped ? Number.NEGATIVE_INFINITY : this.raw.oldestMs;
  }

  /** Up to when buckets answer; undefined where raw samples answer alone. */
  #boundaryMs({ fromMs }: TimeSpan): number | undefined {
    const progressMs = this.longTerm?.progressMs;
    if (progressMs === undefined || fromMs >= this.raw.oldestMs) return undefined;
    // At the end of a bucket, so that no sample counts twice; that bucket may not be written yet, and then raw samples go on where buckets end.
    return Math.min(progressMs, bucketEndOf(this.raw.oldestMs));
  }

  async #writeDue(): Promise<void> {
    const nowMs = this.#options.host.clock.nowMs();
    await this.#writeJournal();
    await this.#try('write buckets', () => this.longTerm?.maintain(nowMs));
  }

  /** One at a time: while the database is slow none queue up. */
  async #writeJournal(): Promise<void> {
    this.#journalling ??= this.#try('write the journal', () => this.#journal?.write(this.#options.host.clock.nowMs())).finally(() => (this.#journalling = undefined));
    return this.#journalling;
  }

  async #try(what: string, work: () => Promise<void> | undefined): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.failures++;
      this.#options.onError?.(`the metric store could not ${what}: ${messageOf(error)}`);
    }
  }
}

const sorted = (values: readonly string[]): string[] => [...new Set(values)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
