/** The series that the database knows, by a number each: label sets are written once. */
import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import { compileMatcher, labelValue } from '../matchers.ts';
import type { Labels, Matcher, MetricType, TimeSpan } from '../series.ts';
import { labelsKey, normaliseLabels } from '../raw-store/series-index.ts';

export interface CataloguedSeries {
  readonly id: number;
  readonly labels: Labels;
  readonly isCounter: boolean;
}

interface Row {
  readonly id: string | number;
  readonly labels: Labels;
  readonly is_counter: boolean;
}

/** Series written in one statement. */
const batchSize = 2_000;
/** The time of a series' last sample is known to within this. */
const toleranceMs = 43_200_000;

export class Catalogue {
  readonly #pool: Pool;
  readonly #seriesMax: number;
  readonly #typeOf: (name: string) => Promise<MetricType>;
  /** By the very object in which the raw store holds a series' labels, for as long as it does. */
  #ids = new WeakMap<Labels, number>();
  #count: number | undefined;
  /** Series that found no place. */
  refused = 0;

  /** @param typeOf the type that targets tell of a metric */
  constructor(pool: Pool, seriesMax: number, typeOf: (name: string) => Promise<MetricType>) {
    this.#pool = pool;
    this.#seriesMax = seriesMax;
    this.#typeOf = typeOf;
  }

  /** The number of a series that was resolved before; undefined where it was not, or was refused. */
  idOf(labels: Labels): number | undefined {
    return this.#ids.get(labels);
  }

  /** Sees to it that these label sets have numbers, as far as there is place. */
  async resolve(sets: readonly Labels[], nowMs: number): Promise<void> {
    const unknown = sets.filter((labels) => !this.#ids.has(labels));
    for (let from = 0; from < unknown.length; from += batchSize) await this.#resolveBatch(unknown.slice(from, from + batchSize), nowMs);
  }

  async #resolveBatch(sets: readonly Labels[], nowMs: number): Promise<void> {
    const storable = sets.filter(isStorable);
    this.refused += sets.length - storable.length;
    const rows = await Promise.all(storable.map(async (labels) => {
      const name = labelValue(labels, '__name__');
      return { key: keyOf(labels), name, labels, isCounter: isCounter(name, await this.#typeOf(name)) };
    }));
    const known = await this.#pool.query<{ id: string | number; key: Buffer }>('update metricstore_series set last_ms = greatest(last_ms, $2) where key = any($1) returning id, key', [rows.map(({ key }) => key), nowMs]);
    const ids = new Map(known.rows.map(({ id, key }) => [key.toString('hex'), Number(id)]));
    const fresh = rows.filter(({ key }) => !ids.has(key.toString('hex')));
    this.#count ??= await this.#countSeries();
    const fitting = fresh.slice(0, Math.max(0, this.#seriesMax - this.#count));
    this.refused += fresh.length - fitting.length;
    if (fitting.length > 0) {
      const made = await this.#pool.query<{ id: string | number; key: Buffer }>(
        `insert into metricstore_series (key, name, labels, is_counter, first_ms, last_ms)
         select key, name, labels, is_counter, $5, $5 from unnest($1::bytea[], $2::text[], $3::jsonb[], $4::boolean[]) as new (key, name, labels, is_counter)
         on conflict (key) do update set last_ms = greatest(metricstore_series.last_ms, excluded.last_ms) returning id, key`,
        [fitting.map(({ key }) => key), fitting.map(({ name }) => name), fitting.map(({ labels }) => JSON.stringify(labels)), fitting.map((row) => row.isCounter), nowMs],
      );
      this.#count += made.rows.length;
      for (const { id, key } of made.rows) ids.set(key.toString('hex'), Number(id));
    }
    for (const { labels, key } of rows) {
      const id = ids.get(key.toString('hex'));
      if (id !== undefined) this.#ids.set(labels, id);
    }
  }

  /** Notes that these series had samples at this time. */
  async see(ids: readonly number[], atMs: number): Promise<void> {
    await this.#pool.query('update metricstore_series set last_ms = $2 where id = any($1) and last_ms < $2', [ids, atMs]);
  }

  /** Removes series without samples since. */
  async expire(beforeMs: number): Promise<void> {
    const { rowCount } = await this.#pool.query('delete from metricstore_series where last_ms < $1', [beforeMs]);
    if ((rowCount ?? 0) === 0) return;
    this.#count = undefined;
    // Whoever comes back is given a new number.
    this.#ids = new WeakMap();
  }

  /** The series that meet every matcher and may have samples in the span. */
  async find(matchers: readonly Matcher[], { fromMs, toMs }: TimeSpan): Promise<CataloguedSeries[]> {
    // What the database finds need not be read here; texts that it cannot hold are in no series.
    const equal = Object.fromEntries(matchers.filter(({ operator, value }) => operator === '=' && value !== '').map(({ name, value }) => [name, value]));
    if (!isStorable(equal)) return [];
    const { rows } = await this.#pool.query<Row>(
      'select id, labels, is_counter from metricstore_series where first_ms <= $1 and last_ms >= $2 and ($3::text is null or name = $3) and labels @> $4::jsonb',
      [clampMs(toMs + toleranceMs), clampMs(fromMs - toleranceMs), equal['__name__'] ?? null, JSON.stringify(equal)],
    );
    const conditions = matchers.map((matcher) => ({ name: matcher.name, isMet: compileMatcher(matcher) }));
    return rows.filter(({ labels }) => conditions.every(({ name, isMet }) => isMet(labelValue(labels, name)))).map(toSeries);
  }

  /** The names of labels of all series that may have samples in the span. */
  async labelNames({ fromMs, toMs }: TimeSpan): Promise<string[]> {
    const { rows } = await this.#pool.query<{ name: string }>('select distinct jsonb_object_keys(labels) as name from metricstore_series where first_ms <= $1 and last_ms >= $2', [clampMs(toMs + toleranceMs), clampMs(fromMs - toleranceMs)]);
    return rows.map(({ name }) => name);
  }

  /** The values of one label over all series that may have samples in the span. */
  async labelValues(label: string, { fromMs, toMs }: TimeSpan): Promise<string[]> {
    if (!isStorable({ [label]: '' })) return [];
    const { rows } = await this.#pool.query<{ value: string }>('select distinct labels->>$3::text as value from metricstore_series where first_ms <= $1 and last_ms >= $2 and labels ? $3::text', [clampMs(toMs + toleranceMs), clampMs(fromMs - toleranceMs), label]);
    return rows.map(({ value }) => value);
  }

  /** Series by number. */
  async byIds(ids: readonly number[]): Promise<CataloguedSeries[]> {
    const { rows } = await this.#pool.query<Row>('select id, labels, is_counter from metricstore_series where id = any($1)', [ids]);
    return rows.map(toSeries);
  }

  async #countSeries(): Promise<number> {
    const { rows } = await this.#pool.query<{ count: string | number }>('select count(*) as count from metricstore_series');
    return Number(rows[0]?.count ?? 0);
  }
}

const toSeries = (row: Row): CataloguedSeries => ({ id: Number(row.id), labels: row.labels, isCounter: row.is_counter });

/** Whole milliseconds that the database can count. */
export const clampMs = (atMs: number): number => Math.round(Math.max(-8.64e15, Math.min(8.64e15, atMs)));

const keyOf = (labels: Labels): Buffer => createHash('sha256').update(labelsKey(normaliseLabels(labels))).digest().subarray(0, 16);

/** The database knows no NUL and no half characters. */
const isStorable = (labels: Labels): boolean => Object.entries(labels).every((pair) => pair.every((text) => text.isWellFormed() && !text.includes('\0')));

/** By what its target says of it; else by its name. */
function isCounter(name: string, type: MetricType): boolean {
  if (type === 'counter') return true;
  if (type === 'gauge' || type === 'info' || type === 'stateset') return false;
  return /_(?:total|sum|count|bucket)$/.test(name);
}
