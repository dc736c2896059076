import { once } from 'node:events';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

/** PostgreSQL's binary COPY format, written without an object a row. */
export class RowWriter {
  #buffer = Buffer.allocUnsafe(chunkBytes + rowMaxBytes);
  #length = 0;

  constructor() {
    // Signature, no flags, no header extension.
    const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
    this.#length = header.copy(this.#buffer);
  }

  /** Begins a row of so many fields. */
  row(fields: number): void {
    this.#length = this.#buffer.writeInt16BE(fields, this.#length);
  }

  int4(value: number): void {
    this.#length = this.#buffer.writeInt32BE(4, this.#length);
    this.#length = this.#buffer.writeInt32BE(value, this.#length);
  }

  /** Whole numbers within ± 2^53. */
  int8(value: number): void {
    const high = Math.floor(value / 2 ** 32);
    this.#length = this.#buffer.writeInt32BE(8, this.#length);
    this.#length = this.#buffer.writeInt32BE(high, this.#length);
    this.#length = this.#buffer.writeUInt32BE(value - high * 2 ** 32, this.#length);
  }

  bool(value: boolean): void {
    this.#length = this.#buffer.writeInt32BE(1, this.#length);
    this.#length = this.#buffer.writeUInt8(value ? 1 : 0, this.#length);
  }

  /** At most 8 kB. */
  text(value: string | Buffer): void {
    const sizeBytes = typeof value === 'string' ? this.#buffer.write(value, this.#length + 4) : value.copy(this.#buffer, this.#length + 4);
    this.#buffer.writeInt32BE(sizeBytes, this.#length);
    this.#length += 4 + sizeBytes;
  }

  /** A write id of the seeder: `5eed` and the kind, then the number of the row. */
  writeId(kind: number, index: number): void {
    this.#length = this.#buffer.writeInt32BE(16, this.#length);
    this.#length = this.#buffer.writeUInt32BE(0x5eed0000, this.#length);
    this.#length = this.#buffer.writeUInt32BE((kind << 16) | 0x4000, this.#length);
    const high = Math.floor(index / 2 ** 32);
    this.#length = this.#buffer.writeUInt32BE((0x80000000 | high) >>> 0, this.#length);
    this.#length = this.#buffer.writeUInt32BE(index - high * 2 ** 32, this.#length);
  }

  /** A timestamptz. */
  time(epochMs: number): void {
    this.int8(Math.round((epochMs - postgresEpochMs) * 1_000));
  }

  get isFull(): boolean {
    return this.#length >= chunkBytes;
  }

  /** What was written since the last call; the writer goes on with a buffer of its own. */
  take(): Buffer {
    const chunk = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafe(chunkBytes + rowMaxBytes);
    this.#length = 0;
    return chunk;
  }

  end(): void {
    this.#length = this.#buffer.writeInt16BE(-1, this.#length);
  }
}

const chunkBytes = 256 * 1_024;
/** No row is longer: one text of 8 kB and a dozen small fields, twice. */
const rowMaxBytes = 32 * 1_024;
const postgresEpochMs = Date.UTC(2000, 0, 1);

export interface TableFill {
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: number;
  /** Writes the row of this index (0-based), fields in the order of `columns`. */
  readonly write: (out: RowWriter, index: number) => void;
}

/**
 * Streams the rows into a table that was truncated in the same transaction, which lets PostgreSQL
 * write them frozen and visible to all: no vacuum has to come back for them.
 */
export async function copyRows(client: Client, fill: TableFill): Promise<void> {
  const stream = client.query(copyFrom(`copy ${fill.table} (${fill.columns.join(', ')}) from stdin with (format binary, freeze)`));
  const done = once(stream, 'finish');
  const out = new RowWriter();
  for (let index = 0; index < fill.rows; index++) {
    out.row(fill.columns.length);
    fill.write(out, index);
    if (out.isFull && !stream.write(out.take())) await Promise.race([once(stream, 'drain'), done]);
  }
  out.end();
  stream.end(out.take());
  await done;
}

interface Rebuild {
  readonly drop: string;
  readonly create: string;
}

/**
 * Drops a table's indexes and unique constraints and answers how to make them again: faster than one
 * entry at a time. The key that a foreign key of another table needs stays.
 */
export async function dropIndexes(client: Client, table: string): Promise<string[]> {
  const { rows } = await client.query<Rebuild>(
    `select format('alter table %I drop constraint %I', $1::text, conname) as drop,
            format('alter table %I add constraint %I %s', $1::text, conname, pg_get_constraintdef(oid)) as create
       from pg_constraint c where conrelid = $1::regclass and contype in ('p', 'u')
        and not exists (select from pg_constraint f where f.contype = 'f' and f.conindid = c.conindid)
     union all
     select format('drop index %I', i.indexrelid::regclass::text), pg_get_indexdef(i.indexrelid)
       from pg_index i where i.indrelid = $1::regclass
        and not exists (select from pg_constraint c where c.conindid = i.indexrelid)`,
    [table],
  );
  for (const { drop } of rows) await client.query(drop);
  return rows.map(({ create }) => create);
}
