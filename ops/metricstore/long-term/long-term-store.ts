/** Buckets of 5 min for 14 days in PostgreSQL: written when they are complete, merged into larger rows as they age. */
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import type { Pool, PoolClient } from 'pg';
import type { Host } from '../../core/host.ts';
import { tooManySamples } from '../limit-samples.ts';
import type { RawStore } from '../raw-store/raw-store.ts';
import type { Labels, Matcher, SeriesSamples, TimeSpan } from '../series.ts';
import { aggregate, bucketEndOf, bucketMs, expand } from './bucket.ts';
import type { Bucket, SyntheticSamples } from './bucket.ts';
import { BucketEncoder, BucketReader } from './bucket-codec.ts';
import { clampMs } from './catalogue.ts';
import type { Catalogue } from './catalogue.ts';
import { RowCache } from './row-cache.ts';

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
  /** Of rows kept unpacked in memory. Default 24 MB: a day of some 1,000 series. */
  readonly cacheBytesMax: number;
}

export const defaultLongTermLimits: LongTermLimits = { retentionMs: 14 * 86_400_000, bytesMax: 750_000_000, lagMs: 30_000, samplesMax: 20_000_000, cacheBytesMax: 24_000_000 };

/**
 * Series of neighbouring numbers lie in one row: they appeared together and are asked for together. So many that rows are worth their
 * overhead, so few that merging one holds nothing up.
 */
const seriesOfShard = 256;
const mergedAtOnce = 64;
/** Rows grow in two steps. */
const levelsMs = [2 * 3_600_000, 12 * 3_600_000] as const;
const pageSeries = 500;
/** Buckets behind which one call writes at most; the next call goes on. */
const bucketsAtOnce = 30;

const pack = promisify(zstdCompress);
const unpack = promisify(zstdDecompress);
/** Of one row unpacked; ours have less than a tenth of it. */
const rowBytesMax = 256 * 1024 * 1024;

export class LongTermStore {
  readonly #options: LongTermOptions;
  readonly #limits: LongTermLimits;
  readonly #cache: RowCache;
  #progressMs: number | undefined;
  #working: Promise<void> = Promise.resolve();
  /** Rows dropped before their time because `bytesMax` was reached. */
  droppedEarly = 0;

  constructor(options: LongTermOptions) {
    this.#options = options;
    this.#limits = { ...defaultLongTermLimits, ...options.limits };
    this.#cache = new RowCache(this.#limits.cacheBytesMax);
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
    const byShard = new Map<number, { id: number; bucket: Bucket }[]>();
    for (const page of raw.pages({ fromMs: endMs - bucketMs + 1, toMs: endMs }, pageSeries)) {
      const found = page.flatMap((series) => {
        const bucket = aggregate(series, endMs);
        return bucket === undefined ? [] : [{ labels: series.labels, bucket }];
      });
      await catalogue.resolve(found.map(({ labels }) => labels), endMs);
      for (const { labels, bucket } of found) {
        const id = catalogue.idOf(labels);
        if (id !== undefined) entryOf(byShard, shardOf(id)).push({ id, bucket });
      }
      // Rules and scrapes have their turn between pages.
      await turn(host);
    }
    const rows: { shard: number; body: Buffer }[] = [];
    for (const [shard, series] of byShard) {
      const encoder = new BucketEncoder('together');
      for (const { id, bucket } of series.sort((a, b) => a.id - b.id)) encoder.add(id, [bucket]);
      rows.push({ shard, body: await pack(encoder.finish()) });
    }
    await transaction(async (client) => {
      await client.query(
        'insert into metricstore_chunk (shard, from_ms, to_ms, body) select shard, $3, $4, body from unnest($1::int[], $2::bytea[]) as new (shard, body) on conflict do nothing',
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
        const { rows } = await client.query<{ from_ms: string | number; body: Buffer }>('delete from metricstore_chunk where shard = $1 and from_ms >= $2 and to_ms <= $3 returning from_ms, body', [shard, fromMs, fromMs + levelMs]);
        const { ids, body } = await mergeRows(host, rows.toSorted((a, b) => Number(a.from_ms) - Number(b.from_ms)).map((row) => row.body));
        await client.query('insert into metricstore_chunk (shard, from_ms, to_ms, body) values ($1, $2, $3, $4)', [shard, fromMs, fromMs + levelMs, body]);
        return ids;
      });
      if (levelMs === levelsMs.at(-1)) await catalogue.see(ids, fromMs + levelMs);
      await turn(host);
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
   * @throws SoraError `execution` (422) above `samplesMax`, or above that of the limits where it is less
   */
  async select(matchers: readonly Matcher[], span: TimeSpan, asked = Number.POSITIVE_INFINITY): Promise<SeriesSamples[]> {
    const samplesMax = Math.min(asked, this.#limits.samplesMax);
    const found = await this.#options.catalogue.find(matchers, span);
    const answer: SeriesSamples[] = [];
    let count = 0;
    for (const [shard, wanted] of Map.groupBy(found, ({ id }) => shardOf(id))) {
      const rows = await this.#rows(shard, span);
      for (const series of wanted) {
        const into: SyntheticSamples = { timestampsMs: [], values: [], markers: [] };
        for (const row of rows) {
          for (const bucket of row.take(series.id)) if (bucket.endMs >= span.fromMs && bucket.endMs - bucketMs < span.toMs) expand(bucket, series.isCounter, into);
          if (count + into.values.length > samplesMax) throw tooManySamples(samplesMax);
        }
        count += into.values.length;
        answer.push(...trim(series.labels, into, span));
      }
    }
    return answer;
  }

  /** Label sets that may have samples in the span, whose ends are taken to within half a day. */
  async series(selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<Labels[]> {
    const found = new Map<number, Labels>();
    for (const matchers of selectors.length === 0 ? [[]] : selectors) for (const { id, labels } of await this.#options.catalogue.find(matchers, span)) found.set(id, labels);
    return [...found.values()];
  }

  /** The rows of a shard that reach into the span, in order of time; only those are read that are not known. */
  async #rows(shard: number, span: TimeSpan): Promise<BucketReader[]> {
    const known = this.#cache.of(shard, span);
    const { rows } = await this.#options.pool.query<{ from_ms: string | number; to_ms: string | number; body: Buffer | null }>(
      `select from_ms, to_ms, case when not exists (select from unnest($4::bigint[], $5::bigint[]) as known (since, until) where since = from_ms and until = to_ms) then body end as body
       from metricstore_chunk where shard = $1 and to_ms >= $2 and from_ms < $3 order by from_ms`,
      [shard, clampMs(span.fromMs), clampMs(span.toMs), known.map(({ fromMs }) => fromMs), known.map(({ toMs }) => toMs)],
    );
    const readers: BucketReader[] = [];
    const there = new Set<(typeof known)[number]>();
    for (const { from_ms, to_ms, body } of rows) {
      const [fromMs, toMs] = [Number(from_ms), Number(to_ms)];
      const row = known.find((each) => each.fromMs === fromMs && each.toMs === toMs);
      if (row !== undefined) there.add(row);
      const reader = row?.reader ?? await unpackRow(body ?? Buffer.alloc(0));
      this.#cache.keep({ shard, fromMs, toMs, reader });
      readers.push(reader);
    }
    // Merged into larger ones meanwhile, or too old.
    for (const row of known) if (!there.has(row)) this.#cache.drop(row);
    return readers;
  }
}

const unpackRow = async (body: Buffer): Promise<BucketReader> => new BucketReader(await unpack(body, { maxOutputLength: rowBytesMax }));

/** Rules and scrapes have their turn. */
const turn = (host: Host): Promise<void> => new Promise((resolve) => host.timers.soon(resolve));

/** Joins rows that follow one another in time, series by series, so that little is unpacked at a time. */
async function mergeRows(host: Host, bodies: readonly Buffer[]): Promise<{ readonly ids: readonly number[]; readonly body: Buffer }> {
  const readers: BucketReader[] = [];
  for (const body of bodies) readers.push(await unpackRow(body));
  const ids = [...new Set(readers.flatMap((reader) => [...reader.ids()]))].sort((a, b) => a - b);
  const encoder = new BucketEncoder('apart');
  for (const [index, id] of ids.entries()) {
    encoder.add(id, readers.flatMap((reader) => reader.take(id)));
    if (index % mergedAtOnce === mergedAtOnce - 1) await turn(host);
  }
  return { ids, body: await pack(encoder.finish()) };
}

function entryOf<Key, Item>(map: Map<Key, Item[]>, key: Key): Item[] {
  let list = map.get(key);
  if (list === undefined) map.set(key, (list = []));
  return list;
}

const shardOf = (id: number): number => Math.floor(id / seriesOfShard);

function trim(labels: Labels, { timestampsMs, values, markers }: SyntheticSamples, { fromMs, toMs }: TimeSpan): SeriesSamples[] {
  const from = timestampsMs.findIndex((atMs) => atMs >= fromMs);
  const after = timestampsMs.findIndex((atMs) => atMs > toMs);
  const to = after < 0 ? timestampsMs.length : after;
  if (from < 0 || from >= to) return [];
  const inside = markers.filter((place) => place >= from && place < to);
  const stale = inside.length === 0 ? undefined : new Uint8Array(to - from);
  for (const place of inside) if (stale !== undefined) stale[place - from] = 1;
  return [{ labels, timestampsMs: columnOf(timestampsMs, from, to), values: columnOf(values, from, to), ...(stale === undefined ? {} : { stale }) }];
}

/** Copied once: rules read days of samples at each evaluation. */
function columnOf(numbers: readonly number[], from: number, to: number): Float64Array {
  const column = new Float64Array(to - from);
  for (let index = from; index < to; index++) column[index - from] = numbers[index] ?? 0;
  return column;
}
