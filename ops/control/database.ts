/** The control plane's own PostgreSQL: what watches Avalo must not fall with Avalo's database. */
import { Pool, types } from 'pg';
import type { CustomTypesConfig, PoolClient } from 'pg';
import { SoraError, messageOf } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { applyMigrations } from './migrations.ts';

/** Runs `work` in one transaction: what a domain is given to write with. */
export type Transaction = <Result>(work: (client: PoolClient) => Promise<Result>) => Promise<Result>;

export interface ControlDatabase extends AsyncDisposable {
  readonly pool: Pool;
  /**
   * Runs `work` in one transaction and rolls back when it throws. Where PostgreSQL broke a deadlock or could not
   * serialise, `work` runs again from its beginning, up to three times in all: it must have no effect outside.
   */
  readonly transaction: Transaction;
  /**
   * Applies what is missing of every domain's `migrations` folder; processes that start together wait for one another.
   * @param folders each a domain's, such as `ops/slo/migrations`; default: all of this checkout
   * @returns the ids applied now, such as `slo/0001-objectives`
   */
  migrate(folders?: readonly string[]): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface ControlDatabaseOptions {
  /** Connections at most. Default 10. */
  readonly connectionsMax?: number;
  /** How long a query waits for an answer. Default 35 s: longer than the server lets a statement take. */
  readonly queryTimeoutMs?: number;
  /** Hears of a connection that broke while nothing used it. Default: nobody. */
  readonly onError?: (error: Error) => void;
}

const attemptsMax = 3;
/** A deadlock that was broken, or a transaction that could not be serialised. */
const repeatable = new Set(['40P01', '40001']);
const int8 = 20;

/** `int8` arrives as a number: sequences, sizes and milliseconds stay below 2^53. The rest is as `pg` has it. */
const typeParsers = {
  getTypeParser: (id: number, format?: 'text' | 'binary') => (id === int8 && format !== 'binary' ? Number : types.getTypeParser(id, format as 'text')),
} as CustomTypesConfig;

/** The server's own limit, and ours: a server that hangs or has vanished cannot keep to its own, and TCP gives up after a quarter of an hour. */
const statementTimeoutMs = 30_000;
const queryTimeoutMs = 35_000;
/** What `pg` says then. */
const noAnswer = 'Query read timeout';

/** Opens a bounded pool, which connects when first used. A statement may take 30 s, its answer 35 s, waiting for a connection 5 s. */
export function openControlDatabase(host: Host, url: string, options: ControlDatabaseOptions = {}): ControlDatabase {
  const pool = new Pool({
    connectionString: url,
    application_name: 'sora-control',
    max: options.connectionsMax ?? 10,
    connectionTimeoutMillis: 5_000,
    statement_timeout: statementTimeoutMs,
    query_timeout: options.queryTimeoutMs ?? queryTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    keepAlive: true,
    types: typeParsers,
  });
  // A connection that breaks while idle is dropped by the pool; without a listener it would end the process.
  pool.on('error', (error) => options.onError?.(error));
  // Nor must one that breaks while it is lent out and asked nothing: whoever has it hears of it by its next query.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const close = (): Promise<void> => (pool.ended ? Promise.resolve() : pool.end());
  return {
    pool,
    transaction: (work) => transact(pool, work),
    migrate: (folders) => applyMigrations(host, pool, folders),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function transact<Result>(pool: Pool, work: (client: PoolClient) => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce(pool, work);
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (attempt === attemptsMax || typeof code !== 'string' || !repeatable.has(code)) throw error;
    }
  }
}

async function attemptOnce<Result>(pool: Pool, work: (client: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await connect(pool);
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    if (error instanceof Error && error.message === noAnswer) broken = error;
    else await client.query('rollback').catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    // One that does not answer or could not even roll back is of no more use.
    client.release(broken);
  }
}

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw new SoraError('control_database_unreachable', `the control plane's database cannot be reached: ${messageOf(error) || (error as NodeJS.ErrnoException).code}`, {
      hint: 'sora status shows whether control-postgres is up', status: 503, cause: error,
    });
  }
}
