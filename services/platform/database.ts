/**
 * What a store sees of PostgreSQL. Every statement is a named (prepared) one: unnamed statements
 * cost twice the database CPU here. `int8` columns arrive as numbers (ids and token amounts stay
 * below 2^53), `numeric` as strings, `timestamptz` as Date.
 */
export interface Statement {
  /** Unique in the process, at most 63 characters, such as `feed_home_batch`. */
  readonly name: string;
  readonly text: string;
  /**
   * The statement may run twice without harm: a plain read, or a write keyed so that a repeat is a
   * no-op. It is retried once when its connection breaks under it. Default false.
   */
  readonly repeatable?: boolean;
}

export interface Queryable {
  /** Runs one statement and returns its rows. Values are sent as parameters, never spliced in. */
  query<Row extends object>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>;
}

export interface Database extends Queryable {
  /** Runs `work` in one transaction on one connection; rolls back when it throws. */
  transaction<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}
