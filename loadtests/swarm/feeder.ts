import { basename, isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalidConfig, messageOf, SoraError } from '../../ops/core/error.ts';
import type { Files } from '../../ops/core/host.ts';
import { DrawCounts } from './journey/draw-counts.ts';
import { KeyedRandom, streams } from './random.ts';
import type { VirtualUser } from './scenario.ts';

/**
 * Which row a user takes. `circular`: user i takes row i, then i + 1, …, from the first again after the last.
 * `shuffled`: the same over an order drawn from the seed. `once`: no row is taken twice over the whole run.
 */
export type FeedOrder = 'circular' | 'shuffled' | 'once';

export interface FeederOptions {
  /** Default `circular`. */
  readonly order?: FeedOrder;
}

/** Whom rows are for; users of journeys are that. */
export type Fed = Pick<VirtualUser<unknown>, 'index' | 'key' | 'users' | 'seed' | 'openly'> & {
  /** Place in the engine's arrays, where one user may act twice at once; default its index. */
  readonly place?: number;
};

/** Rows of data for users: one copy a worker, and the same rows for the same users however many workers there are. */
export interface Feeder<Row> {
  /** The user's next row. @throws SoraError `feeder_empty` when each row was to be used once and all are taken */
  next(user: Fed): Row;
}

export const feederLimits = { fileBytes: 64 * 1_048_576, rows: 1_000_000 } as const;

/** Feeders whose files are still to be read: `loadFeeders` does when their scenario is loaded. */
let unread: FileFeeder<unknown>[] = [];

abstract class RowFeeder<Row> implements Feeder<Row> {
  readonly #name: string;
  readonly #order: FeedOrder;
  readonly #draws = new DrawCounts();
  #shuffled: { readonly seed: number; readonly rows: Uint32Array } | undefined;

  constructor(name: string, { order = 'circular' }: FeederOptions) {
    this.#name = name;
    this.#order = order;
  }

  protected abstract rowAt(place: number): Row;
  protected abstract rowCount(): number;

  next(user: Fed): Row {
    const count = this.rowCount();
    const draw = this.#draws.next(user.place ?? user.index, user.key);
    if (this.#order === 'once') return this.rowAt(this.#placeOnce(user, draw, count));
    const place = (user.key + draw) % count;
    return this.rowAt(this.#order === 'shuffled' ? this.#permutation(user.seed, count)[place]! : place);
  }

  /** User i takes i, i + users, …; an arrival takes the row of its own number. */
  #placeOnce(user: Fed, draw: number, count: number): number {
    if (user.openly && draw > 0) {
      throw new SoraError('feeder_empty', `feeder ${this.#name} gives each arrival one row, and arrival ${user.key} asked for another`, {
        hint: 'keep the row in a variable, or use the order circular or shuffled',
      });
    }
    const place = user.key + draw * user.users;
    if (place < count) return place;
    throw new SoraError('feeder_empty', `feeder ${this.#name} has ${count} rows for one use each, and ${user.openly ? 'arrival' : 'user'} ${user.key} asked for row ${place + 1}`, {
      hint: 'give it more rows, or use the order circular or shuffled',
    });
  }

  /** An order that depends on the seed alone (Fisher and Yates). */
  #permutation(seed: number, count: number): Uint32Array {
    if (this.#shuffled?.seed === seed) return this.#shuffled.rows;
    const random = new KeyedRandom(seed, 0, 0, streams.order);
    const rows = Uint32Array.from({ length: count }, (_, row) => row);
    for (let last = count - 1; last > 0; last--) {
      const other = random.int(last + 1);
      const row = rows[last]!;
      rows[last] = rows[other]!;
      rows[other] = row;
    }
    this.#shuffled = { seed, rows };
    return rows;
  }
}

class FileFeeder<Row> extends RowFeeder<Row> {
  readonly #path: string;
  readonly #parse: (bytes: Buffer) => unknown;
  #rows: readonly Row[] | undefined;

  constructor(source: string | URL, options: FeederOptions, parse: (bytes: Buffer) => unknown) {
    const path = typeof source === 'string' ? source : fileURLToPath(source);
    super(basename(path), options);
    this.#path = path;
    this.#parse = parse;
  }

  protected rowAt(place: number): Row {
    return this.#loaded()[place]!;
  }

  protected rowCount(): number {
    return this.#loaded().length;
  }

  #loaded(): readonly Row[] {
    if (this.#rows !== undefined) return this.#rows;
    throw new SoraError('feeder_unread', `feeder ${this.#path} is used before its scenario was loaded`, { hint: 'make feeders at the top of the scenario file, outside of functions' });
  }

  async read(files: Files, folder: string): Promise<void> {
    const path = isAbsolute(this.#path) ? this.#path : resolve(folder, this.#path);
    if (!files.exists(path)) throw invalidConfig(`feeder file ${path} does not exist`, 'paths are relative to the scenario file');
    const sizeBytes = files.sizeBytes(path);
    if (sizeBytes > feederLimits.fileBytes) {
      throw invalidConfig(`feeder file ${path} has ${sizeBytes} bytes; the limit is ${feederLimits.fileBytes}`, 'use fewer rows or columns, or feeder.generated');
    }
    const rows = await this.#parsed(path, files.readBytes(path));
    if (rows.length === 0) throw invalidConfig(`feeder file ${path} has no rows`, 'a CSV file begins with a line of names; a JSON file is an array');
    if (rows.length > feederLimits.rows) throw invalidConfig(`feeder file ${path} has ${rows.length} rows; the limit is ${feederLimits.rows}`, 'use fewer rows, or feeder.generated');
    this.#rows = rows;
  }

  async #parsed(path: string, bytes: Buffer): Promise<readonly Row[]> {
    let parsed: unknown;
    try {
      parsed = await this.#parse(bytes);
    } catch (error) {
      throw invalidConfig(`feeder file ${path} cannot be read: ${messageOf(error)}`, 'correct the file', error);
    }
    if (!Array.isArray(parsed)) throw invalidConfig(`feeder file ${path} holds no array`, 'write a JSON array with one value a row');
    return parsed as Row[];
  }
}

class GeneratedFeeder<Row> extends RowFeeder<Row> {
  readonly #make: (n: number) => Row;
  readonly #count: number;

  constructor(make: (n: number) => Row, count: number | undefined, options: FeederOptions) {
    // Without a count there is no end to come to, so each row serves once.
    super('(generated)', count === undefined ? { order: 'once' } : options);
    this.#make = make;
    this.#count = count ?? Number.MAX_SAFE_INTEGER;
    if (!(this.#count >= 1) || (options.order === 'shuffled' && this.#count > feederLimits.rows)) {
      throw invalidConfig(`a generated feeder of ${count} rows is outside 1 to ${feederLimits.rows}`, 'give another count, or none for rows without end');
    }
  }

  protected rowAt(place: number): Row {
    return this.#make(place);
  }

  protected rowCount(): number {
    return this.#count;
  }
}

function fileFeeder<Row>(source: string | URL, options: FeederOptions, parse: (bytes: Buffer) => unknown): Feeder<Row> {
  const made = new FileFeeder<Row>(source, options, parse);
  unread.push(made);
  return made;
}

/** Its parser is loaded by those who need it. */
async function parseCsv(bytes: Buffer): Promise<unknown> {
  const { parse } = await import('csv-parse/sync');
  return parse(bytes, { columns: requireDistinct, bom: true, skip_empty_lines: true });
}

/** Of two columns of one name a row could keep only one. @throws Error that names it */
function requireDistinct(names: string[]): string[] {
  const twice = names.find((name, column) => names.indexOf(name) !== column);
  if (twice === undefined) return names;
  throw new Error(`its first line names column ${JSON.stringify(twice)} twice`);
}

/** Makes feeders; call these at the top of a scenario file, with paths relative to it. */
export const feeder = {
  /** Rows of a CSV file whose first line names the columns; values are texts. At most 64 MB and 1,000,000 rows. */
  csv: <Row = Record<string, string>>(source: string | URL, options: FeederOptions = {}): Feeder<Row> =>
    fileFeeder(source, options, parseCsv),
  /** The values of a JSON array. At most 64 MB and 1,000,000 values. */
  json: <Row>(source: string | URL, options: FeederOptions = {}): Feeder<Row> => fileFeeder(source, options, (bytes) => JSON.parse(bytes.toString('utf8'))),
  /** Rows made when they are asked for, from their number; `make` must answer the same for the same number. Without `count` none is used twice. */
  generated: <Row>(make: (n: number) => Row, options: FeederOptions & { readonly count?: number } = {}): Feeder<Row> => new GeneratedFeeder(make, options.count, options),
};

/**
 * Reads the files of feeders made since the last call.
 * @param folder what relative paths are relative to
 * @throws SoraError `invalid_config` (104) naming the file, and the limit where one is passed
 */
export async function loadFeeders(files: Files, folder: string): Promise<void> {
  const pending = unread;
  unread = [];
  for (const made of pending) await made.read(files, folder);
}
