/** Buckets of 5 min for 14 days in PostgreSQL: written when they are complete, merged into larger rows as they age. */
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import type { Pool, PoolClient } from 'pg';
import { SoraError } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import { labelValue } from '../matchers.ts';
import type { RawStore } from '../raw-store/raw-store.ts';
import type { Labels, Matcher, SeriesSamples, TimeSpan } from '../series.ts';
import { aggregate, bucketEndOf, bucketMs, expand } from './bucket.ts';
import type { Bucket, SyntheticSamples } from './bucket.ts';
import { decodeBuckets, encodeBuckets } from './bucket-codec.ts';
import type { SeriesBuckets } from './bucket-codec.ts';
import { clampMs } from './catalogue.ts';
import type { Catalogue, CataloguedSeries } from './catalogue.ts';

export interface LongTermOptions {
  readonly host: Host;
  readonly pool: Pool;
  readonly transaction: <Result>(work: (client: PoolClient) => Promise<Result>) => Promise<Result>;
  readonly raw: RawStore;
  readonly catalogue: Catalogue;
  readonly limits?: Partial<LongTermLimits>;
}

export interface LongTermLimits {
  /** Default 14 days. */
  readonly retentionMs: number;
  /** Of all buckets; the oldest are dropped first, and counted. Default 750 MB, so that with rows, indexes and room not yet reused the tables stay below 1 GB. */
  readonly bytesMax: number;
  /** How long after its end a bucket is written: longer than a scrape takes. Default 30 s. */
  readonly lagMs: number;
  /** Samples that one question may read. Default 20 million. */
  readonly samplesMax: number;
}

export const defaultLongTermLimits: LongTermLimits = { retentionMs: 14 * 86_400_000, bytesMax: 750_000_000, lagMs: 30_000, samplesMax: 20_000_000 };

const shards = 64;
/** Rows grow in two steps. */
const levelsMs = [2 * 3_600_000, 12 * 3_600_000] as const;
const pageSeries = 2_000;
/** Buckets behind which one call writes at most; the next call goes on. */
const bucketsAtOnce = 30;

const pack = promisify(zstdCompress);
const unpack = promisify(zstdDecompress);
/** Of one row unpacked; ours have less than a tenth of it. */
const rowBytesMax = 256 * 1024 * 1024;

export class LongTermStore {
  readonly #options: LongTermOptions;
  readonly #limits: LongTermLimits;
  #progressMs: number | undefined;
  #working: Promise<void> = Promise.resolve();
  /** Rows dropped before their time because `bytesMax` was reached. */
  droppedEarly = 0;

  constructor(options: LongTermOptions) {
    this.#options = options;
    this.#limits = { ...defaultLongTermLimits, ...options.limits };
  }

  /** The end of the newest bucket that is written; undefined before the first is, or before `open`. */
  get progressMs(): number | undefined {
    return this.#progressMs;
  }

  /** Reads how far buckets are written. */
  async open(): Promise<void> {
    const { rows } = await this.#options.pool.query<{ bucket_ms: string | number }>('select bucket_ms from metricstore_progress');
    this.#progressMs = rows[0] === undefined ? undefined : Number(rows[0].bucket_ms);
  }

  /**
   * Writes every bucket that is complete, merges rows, drops what is too old. Call it every minute or so; calls wait for one another.
   * A bucket is written in one transaction together with the note that it is, so that after a `kill -9` it is there once or not yet.
   */
  maintain(nowMs: number): Promise<void> {
    const next = this.#working.then(() => this.#maintain(nowMs));
    this.#working = next.catch(() => undefined);
    return next;
  }

  async #maintain(nowMs: number): Promise<void> {
    const { raw, catalogue, pool } = this.#options;
    const newestMs = Math.floor((nowMs - this.#limits.lagMs) / bucketMs) * bucketMs;
    // The first bucket of which every sample is still in memory; after a gap the first that has any.
    let endMs = Math.max((this.#progressMs ?? Number.NEGATIVE_INFINITY) + bucketMs, bucketEndOf(raw.oldestMs));
    for (let written = 0; endMs <= newestMs && written < bucketsAtOnce; endMs += bucketMs, written++) await this.#writeBucket(endMs);
    if (this.#progressMs === undefined) return;
    for (const levelMs of levelsMs) await this.#merge(levelMs);
    await pool.query('delete from metricstore_chunk where to_ms < $1', [clampMs(nowMs - this.#limits.retentionMs)]);
    await this.#dropOldest();
    await catalogue.expire(clampMs(nowMs - this.#limits.retentionMs - 86_400_000));
  }

  async #writeBucket(endMs: number): Promise<void> {
    const { host, raw, catalogue, transaction } = this.#options;
    const byShard = new Map<number, SeriesBuckets[]>();
    for (const page of raw.pages({ fromMs: endMs - bucketMs + 1, toMs: endMs }, pageSeries)) {
      const found = page.flatMap((series) => {
        const bucket = aggregate(series, endMs);
        return bucket === undefined ? [] : [{ labels: series.labels, bucket }];
      });
      await catalogue.resolve(found.map(({ labels }) => labels), endMs);
      for (const { labels, bucket } of found) {
        const id = catalogue.idOf(labels);
        if (id !== undefined) entryOf(byShard, shardOf(labels)).push({ id, buckets: [bucket] });
      }
      // Rules and scrapes have their turn between pages.
      await new Promise<void>((resolve) => host.timers.soon(resolve));
    }
    const rows: { shard: number; body: Buffer }[] = [];
    for (const [shard, series] of byShard) rows.push({ shard, body: await pack(encodeBuckets(series)) });
    await transaction(async (client) => {
      await client.query(
        'insert into metricstore_chunk (shard, from_ms, to_ms, body) select shard, $3, $4, body from unnest($1::smallint[], $2::bytea[]) as new (shard, body) on conflict do nothing',
        [rows.map(({ shard }) => shard), rows.map(({ body }) => body), endMs - bucketMs, endMs],
      );
      await client.query('insert into metricstore_progress (bucket_ms) values ($1) on conflict (only_row) do update set bucket_ms = greatest(metricstore_progress.bucket_ms, excluded.bucket_ms)', [endMs]);
    });
    this.#progressMs = endMs;
  }

  /** Joins the rows of each whole window of this length into one. */
  async #merge(levelMs: number): Promise<void> {
    const { host, pool, transaction, catalogue } = this.#options;
    const untilMs = Math.floor((this.#progressMs ?? 0) / levelMs) * levelMs;
    const { rows: windows } = await pool.query<{ shard: number; window_ms: string | number }>(
      'select shard, from_ms / $1::bigint * $1::bigint as window_ms from metricstore_chunk where to_ms <= $2 and to_ms - from_ms < $1::bigint group by 1, 2 order by 2, 1',
      [levelMs, untilMs],
    );
    for (const { shard, window_ms } of windows) {
      const fromMs = Number(window_ms);
      const ids = await transaction(async (client) => {
        const { rows } = await client.query<{ body: Buffer }>('delete from metricstore_chunk where shard = $1 and from_ms >= $2 and to_ms <= $3 returning body', [shard, fromMs, fromMs + levelMs]);
        const merged = mergeRows(await Promise.all(rows.map(({ body }) => unpackBuckets(body))));
        await client.query('insert into metricstore_chunk (shard, from_ms, to_ms, body) values ($1, $2, $3, $4)', [shard, fromMs, fromMs + levelMs, await pack(encodeBuckets(merged))]);
        return merged.map(({ id }) => id);
      });
      if (levelMs === levelsMs.at(-1)) await catalogue.see(ids, fromMs + levelMs);
      await new Promise<void>((resolve) => host.timers.soon(resolve));
    }
  }

  async #dropOldest(): Promise<void> {
    const { rowCount } = await this.#options.pool.query(
      `delete from metricstore_chunk where (shard, from_ms) in (
         select shard, from_ms from (select shard, from_ms, sum(octet_length(body)) over (order by from_ms desc, shard) as newer from metricstore_chunk) sized where newer > $1)`,
      [this.#limits.bytesMax],
    );
    this.droppedEarly += rowCount ?? 0;
  }

  /** Bytes of all buckets. */
  async bytes(): Promise<number> {
    const { rows } = await this.#options.pool.query<{ bytes: string | number | null }>('select sum(octet_length(body)) as bytes from metricstore_chunk');
    return Number(rows[0]?.bytes ?? 0);
  }

  /**
   * Samples that stand for those that were there; `bucket.ts` says what holds for them.
   * @throws SoraError `too_many_samples`
   */
  async select(matchers: readonly Matcher[], span: TimeSpan): Promise<SeriesSamples[]> {
    const found = await this.#options.catalogue.find(matchers, span);
    const samples = new Map<number, { readonly series: CataloguedSeries; readonly into: SyntheticSamples }>();
    let count = 0;
    for (const { series, bucket } of await this.#bucketsOf(found, span)) {
      const { into } = samples.get(series.id) ?? { into: undefined };
      const samplesOf = into ?? { timestampsMs: [], values: [], stale: [] };
      if (into === undefined) samples.set(series.id, { series, into: samplesOf });
      const before = samplesOf.values.length;
      expand(bucket, series.isCounter, samplesOf);
      count += samplesOf.values.length - before;
      if (count > this.#limits.samplesMax) throw tooManySamples(this.#limits.samplesMax);
    }
    return [...samples.values()].flatMap(({ series, into }) => trim(series.labels, into, span));
  }

  /** Label sets that may have samples in the span, whose ends are taken to within half a day. */
  async series(selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<Labels[]> {
    const found = new Map<number, Labels>();
    for (const matchers of selectors.length === 0 ? [[]] : selectors) for (const { id, labels } of await this.#options.catalogue.find(matchers, span)) found.set(id, labels);
    return [...found.values()];
  }

  /** The buckets of these series that reach into the span, in order of time for each series. */
  async #bucketsOf(found: readonly CataloguedSeries[], { fromMs, toMs }: TimeSpan): Promise<{ series: CataloguedSeries; bucket: Bucket }[]> {
    const byId = new Map(found.map((series) => [series.id, series]));
    const wanted = new Set(byId.keys());
    const byShard = new Set(found.map(({ labels }) => shardOf(labels)));
    const buckets: { series: CataloguedSeries; bucket: Bucket }[] = [];
    for (const shard of byShard) {
      const { rows } = await this.#options.pool.query<{ body: Buffer }>('select body from metricstore_chunk where shard = $1 and to_ms >= $2 and from_ms < $3 order by from_ms', [shard, clampMs(fromMs), clampMs(toMs)]);
      for (const { body } of rows) {
        for (const read of await unpackBuckets(body, wanted)) {
          const series = byId.get(read.id);
          if (series === undefined) continue;
          for (const bucket of read.buckets) if (bucket.endMs >= fromMs && bucket.endMs - bucketMs < toMs) buckets.push({ series, bucket });
        }
      }
    }
    return buckets;
  }
}

const unpackBuckets = async (body: Buffer, wanted?: ReadonlySet<number>): Promise<SeriesBuckets[]> => decodeBuckets(await unpack(body, { maxOutputLength: rowBytesMax }), wanted);

function mergeRows(rows: readonly (readonly SeriesBuckets[])[]): SeriesBuckets[] {
  const byId = new Map<number, Bucket[]>();
  for (const { id, buckets } of rows.flat()) entryOf(byId, id).push(...buckets);
  return [...byId].map(([id, buckets]) => ({ id, buckets: buckets.sort((a, b) => a.endMs - b.endMs) }));
}

function entryOf<Key, Item>(map: Map<Key, Item[]>, key: Key): Item[] {
  let list = map.get(key);
  if (list === undefined) map.set(key, (list = []));
  return list;
}

/** Series of one metric lie together, as questions name a metric. */
function shardOf(labels: Labels): number {
  const name = labelValue(labels, '__name__');
  let hash = 0x811c_9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x0100_0193);
  return (hash >>> 0) % shards;
}

function trim(labels: Labels, { timestampsMs, values, stale }: SyntheticSamples, { fromMs, toMs }: TimeSpan): SeriesSamples[] {
  const from = timestampsMs.findIndex((atMs) => atMs >= fromMs);
  const after = timestampsMs.findIndex((atMs) => atMs > toMs);
  const to = after < 0 ? timestampsMs.length : after;
  if (from < 0 || from >= to) return [];
  return [{
    labels, timestampsMs: Float64Array.from(timestampsMs.slice(from, to)), values: Float64Array.from(values.slice(from, to)),
    ...(stale.includes(1) ? { stale: Uint8Array.from(stale.slice(from, to)) } : {}),
  }];
}

const tooManySamples = (samplesMax: number): SoraError =>
  new SoraError('too_many_samples', `the question reads more than ${samplesMax} samples of the long-term store`, { status: 422, hint: 'ask for fewer series or a shorter span' });
