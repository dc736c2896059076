/**
 * The newest raw samples in PostgreSQL, a row every 15 s, so that rates and windows of a process that starts again do not start
 * empty. After a `kill -9` at most the last 20 s are lost, after an orderly stop nothing; of samples older than the journal keeps
 * only buckets of 5 min remain.
 */
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import type { Pool } from 'pg';
import type { Host } from '../../core/host.ts';
import { clampMs } from '../long-term/catalogue.ts';
import type { Catalogue } from '../long-term/catalogue.ts';
import { refusedSeries } from '../raw-store/raw-store.ts';
import type { RawStore } from '../raw-store/raw-store.ts';
import type { Labels } from '../series.ts';
import { JournalWriter, readJournal } from './journal-codec.ts';
import type { ReadRecord } from './journal-codec.ts';

export interface JournalOptions {
  readonly host: Host;
  readonly pool: Pool;
  readonly raw: RawStore;
  readonly catalogue: Catalogue;
  /** How far back it reaches. Default 30 min. */
  readonly keepMs?: number;
  /** Of all rows; the oldest are dropped first. Default 200 MB. */
  readonly bytesMax?: number;
}

const pageSeries = 500;
/** A scrape under way may still bring samples of this age. */
const lagMs = 5_000;
const rowBytesMax = 256 * 1024 * 1024;
const pack = promisify(zstdCompress);
const unpack = promisify(zstdDecompress);

export class Journal {
  readonly #options: JournalOptions;
  #writtenMs = Number.NEGATIVE_INFINITY;
  #working: Promise<void> = Promise.resolve();

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Puts back into the raw store what was written; answers how many samples. */
  async restore(nowMs: number): Promise<number> {
    const { host, pool, keepMs = 1_800_000 } = this.#options;
    const { rows: spans } = await pool.query<{ from_ms: string | number; to_ms: string | number }>('select from_ms, to_ms from metricstore_journal where to_ms > $1 order by from_ms', [clampMs(nowMs - keepMs)]);
    const references = new Map<number, number>();
    let restored = 0;
    for (const span of spans) {
      const { rows } = await pool.query<{ body: Buffer }>('select body from metricstore_journal where from_ms = $1', [span.from_ms]);
      const [row] = rows;
      if (row === undefined) continue;
      const records = readJournal(await unpack(row.body, { maxOutputLength: rowBytesMax }));
      await this.#resolve(records, references);
      restored += writeRecords(this.#options.raw, records, references);
      this.#writtenMs = Math.max(this.#writtenMs, Number(span.to_ms));
      await new Promise<void>((resolve) => host.timers.soon(resolve));
    }
    return restored;
  }

  /** Writes what is new; calls wait for one another. */
  write(nowMs: number): Promise<void> {
    return this.#after(() => this.#write(nowMs - lagMs, nowMs));
  }

  /** Writes all there is, before the process ends. */
  close(nowMs: number): Promise<void> {
    return this.#after(() => this.#write(nowMs, nowMs));
  }

  #after(work: () => Promise<void>): Promise<void> {
    const next = this.#working.then(work);
    this.#working = next.catch(() => undefined);
    return next;
  }

  async #write(toMs: number, nowMs: number): Promise<void> {
    const { host, pool, raw, catalogue, keepMs = 1_800_000, bytesMax = 200_000_000 } = this.#options;
    const fromMs = Math.max(this.#writtenMs, toMs - keepMs);
    if (toMs <= fromMs) return;
    const writer = new JournalWriter();
    let count = 0;
    for (const page of raw.pages({ fromMs: fromMs + 1, toMs }, pageSeries)) {
      await catalogue.resolve(page.map(({ labels }) => labels), nowMs);
      for (const series of page) {
        const id = catalogue.idOf(series.labels);
        if (id === undefined) continue;
        writer.add({ id, ...series });
        count++;
      }
      await new Promise<void>((resolve) => host.timers.soon(resolve));
    }
    // Level 1: the values are packed already, what is left are their likenesses.
    const body = await pack(writer.bytes(), { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
    if (count > 0) await pool.query('insert into metricstore_journal (from_ms, to_ms, body) values ($1, $2, $3) on conflict (from_ms) do nothing', [clampMs(fromMs), clampMs(toMs), body]);
    this.#writtenMs = toMs;
    await pool.query('delete from metricstore_journal where to_ms <= $1', [clampMs(nowMs - keepMs)]);
    await pool.query('delete from metricstore_journal where from_ms in (select from_ms from (select from_ms, sum(octet_length(body)) over (order by from_ms desc) as newer from metricstore_journal) sized where newer > $1)', [bytesMax]);
  }

  async #resolve(records: readonly ReadRecord[], references: Map<number, number>): Promise<void> {
    const unknown = [...new Set(records.map(({ id }) => id))].filter((id) => !references.has(id));
    if (unknown.length === 0) return;
    const { raw, catalogue } = this.#options;
    const labels = new Map<number, Labels>((await catalogue.byIds(unknown)).map((series) => [series.id, series.labels]));
    for (const id of unknown) {
      const found = labels.get(id);
      references.set(id, found === undefined ? refusedSeries : raw.resolve(found));
    }
  }
}

/** Writes records tick by tick: a timeline goes only forward. */
function writeRecords(raw: RawStore, records: readonly ReadRecord[], references: ReadonlyMap<number, number>): number {
  const byTimeline = Map.groupBy(records, ({ timeline }) => timeline);
  let written = 0;
  for (const [key, group] of byTimeline) {
    const timeline = raw.timeline(key);
    // Most share the times of the record before.
    const lists = new Set(group.map(({ timestampsMs }) => timestampsMs));
    const times = [...new Set([...lists].flatMap((list) => [...list]))].sort((a, b) => a - b);
    const places = new Uint32Array(group.length);
    const targets = Float64Array.from(group, ({ id }) => references.get(id) ?? refusedSeries);
    for (const atMs of times) {
      const tick = timeline.tick(atMs);
      for (let index = 0; index < group.length; index++) {
        const record = group[index];
        const place = places[index] ?? 0;
        if (record === undefined || record.timestampsMs[place] !== atMs) continue;
        places[index] = place + 1;
        const reference = targets[index] ?? refusedSeries;
        if (record.stale.size > 0 && record.stale.has(place)) raw.writeStale(reference, timeline, tick);
        else if (raw.write(reference, timeline, tick, record.values[place] ?? 0)) written++;
      }
    }
  }
  return written;
}
