import { Pool, types, type ClientConfig, type CustomTypesConfig, type PoolClient } from 'pg';
import type { Logger } from 'pino';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { messageOf } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import type { Tracing } from '../../ops/telemetry/tracing.ts';
import type { Database, Queryable, Statement } from './database.ts';
import { writeArrays } from './array-literal.ts';
import { overloaded, Problem } from './problem.ts';

export interface PostgresOptions {
  readonly host: Host;
  /** `postgres://user:password@host:port/database`, or `postgres://user@/database?host=/socket/folder&port=5432`. */
  readonly url: string;
  /** Connections at most. Default 10. */
  readonly poolSize?: number;
  /** Shown in pg_stat_activity. Default `sora`. */
  readonly applicationName?: string;
  /** Longest wait for a free connection; then 503. Default 5,000 ms. */
  readonly acquireTimeoutMs?: number;
  /** Callers waiting for a connection beyond which new ones get 503 at once. Default 2,000. */
  readonly waitersMax?: number;
  /** The server ends a statement that runs longer. Default 15,000 ms. */
  readonly statementTimeoutMs?: number;
  readonly metrics?: Registry;
  readonly log?: Logger;
  /** Makes a span of each statement, where tracing is on. */
  readonly tracer?: Tracing;
}

const int8 = 20;
const int8Array = 1016;

/** Planner settings of every session: batches take arrays whose size the planner cannot guess well, and JIT never pays here. */
const sessionSettings = '-c plan_cache_mode=force_generic_plan -c jit=off';

/** Errors that say the connection, not the statement, failed. */
const brokenConnection = new Set([
  'ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ENOENT', 'ETIMEDOUT', '57P01', '57P02', '57P03', '08006', '08003', '08001',
]);

/** Whether `error` means that the database could not be reached or went away. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && brokenConnection.has(code)) return true;
  return /^Connection terminated|^Client has encountered a connection error|not queryable/.test(error.message);
}

/** Reads `int8` as a number; all else as `pg` does. */
export const typeParsers: CustomTypesConfig = {
  getTypeParser(id: number, format?: 'text' | 'binary') {
    if (format !== 'binary') {
      if (id === int8) return Number;
      if (id === int8Array) return parseInt8Array;
    }
    return types.getTypeParser(id, format as 'text');
  },
} as CustomTypesConfig;

function parseInt8Array(text: string): (number | null)[] {
  if (text === '{}') return [];
  return text.slice(1, -1).split(',').map((part) => (part === 'NULL' ? null : Number(part)));
}

/** The client options common to the pool and to single connections (migrations, COPY). */
export function clientConfig(url: string, applicationName: string, statementTimeoutMs: number): ClientConfig {
  return {
    connectionString: url,
    application_name: applicationName,
    options: sessionSettings,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: 30_000,
    keepAlive: true,
    types: typeParsers,
  };
}

/**
 * Opens a bounded pool on PostgreSQL; connects lazily. A connection that breaks is dropped and the
 * next query opens another, so the pool outlives a restart of the server. Errors of the database
 * arrive as `pg` throws them (`code` is the SQLSTATE); an unreachable database and a full pool are
 * Problems with status 503.
 */
export function createPostgresDatabase(options: PostgresOptions): Database {
  const settings = { poolSize: 10, applicationName: 'sora', acquireTimeoutMs: 5_000, waitersMax: 2_000, statementTimeoutMs: 15_000, ...options };
  const pool = new Pool({
    ...clientConfig(settings.url, settings.applicationName, settings.statementTimeoutMs),
    max: settings.poolSize,
    connectionTimeoutMillis: settings.acquireTimeoutMs,
    // Connections stay: opening one costs PostgreSQL a process and every prepared plan.
    idleTimeoutMillis: 0,
  });
  pool.on('error', (error) => settings.log?.warn({ err: error }, 'an idle database connection broke'));
  // The pool listens to idle connections only. One that breaks under a statement has rejected that statement
  // already, and would then end the whole process as an event nobody listens to.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const { waits, failed } = poolMetrics(pool, settings.poolSize, settings.metrics);
  const { clock } = settings.host;

  const unavailable = (error: unknown): Problem => {
    if (error instanceof Problem) return error;
    const problem = unavailableProblem(error);
    failed(problem.code === 'overloaded' ? 'acquire_timeout' : 'connection');
    return problem;
  };

  const acquire = async (): Promise<PoolClient> => {
    if (pool.waitingCount >= settings.waitersMax) {
      failed('full');
      throw overloaded(`the database pool has ${settings.waitersMax} callers waiting already`);
    }
    const startMs = clock.monotonicMs();
    try {
      return await pool.connect();
    } catch (error) {
      throw unavailable(error);
    } finally {
      waits?.observe((clock.monotonicMs() - startMs) / 1_000);
    }
  };

  const attempt = async <Row extends object>(statement: Statement, values: readonly unknown[]): Promise<Row[]> => {
    const client = await acquire();
    let broken = false;
    try {
      const result = await client.query<Row>({ name: statement.name, text: statement.text, values: writeArrays(values) });
      return result.rows;
    } catch (error) {
      broken = isConnectionError(error);
      throw error;
    } finally {
      client.release(broken);
    }
  };

  const query = async <Row extends object>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> => {
    try {
      return await attempt<Row>(statement, values);
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      if (statement.repeatable !== true) throw unavailable(error);
      return await attempt<Row>(statement, values).catch((second: unknown) => {
        throw isConnectionError(second) ? unavailable(second) : second;
      });
    }
  };
  const tracer = settings.tracer?.enabled === true ? settings.tracer : undefined;

  return {
    ...(tracer === undefined ? { query } : traced({ query }, tracer)),
    transaction: async (work) => {
      const client = await acquire();
      let broken = false;
      try {
        await command(client, 'begin', tracer);
        const result = await work(tracer === undefined ? queryableOf(client) : traced(queryableOf(client), tracer));
        await command(client, 'commit', tracer);
        return result;
      } catch (error) {
        broken = isConnectionError(error) || !(await rollback(client));
        throw isConnectionError(error) ? unavailable(error) : error;
      } finally {
        client.release(broken);
      }
    },
    close: () => pool.end(),
  };
}

function queryableOf(client: PoolClient): Queryable {
  return {
    query: async <Row extends object>(statement: Statement, values: readonly unknown[] = []) => {
      const result = await client.query<Row>({ name: statement.name, text: statement.text, values: writeArrays(values) });
      return result.rows;
    },
  };
}

/** The same with a span of each statement. */
function traced(inner: Queryable, tracer: Tracing): Queryable {
  return {
    query: <Row extends object>(statement: Statement, values?: readonly unknown[]) =>
      tracer.query(statement.name, () => inner.query<Row>(statement, values)),
  };
}

/** Commits wait for the disk, so a trace without them would not add up. */
function command(client: PoolClient, text: 'begin' | 'commit', tracer: Tracing | undefined): Promise<unknown> {
  return tracer === undefined ? client.query(text) : tracer.query(text, () => client.query(text));
}

async function rollback(client: PoolClient): Promise<boolean> {
  try {
    await client.query('rollback');
    return true;
  } catch {
    // The connection is beyond repair; the server rolls back when it goes.
    return false;
  }
}

function unavailableProblem(error: unknown): Problem {
  const timedOut = /timeout exceeded when trying to connect/.test(messageOf(error));
  const problem = timedOut
    ? overloaded('no database connection became free in time')
    : new Problem(503, 'database_unavailable', 'the database cannot be reached just now', { retryAfterS: 1 });
  problem.cause = error;
  return problem;
}

/** Why a caller got no use of a connection. */
const failureReasons = ['connection', 'acquire_timeout', 'full'] as const;

interface PoolMetrics {
  readonly waits: Histogram | undefined;
  readonly failed: (reason: (typeof failureReasons)[number]) => void;
}

function poolMetrics(pool: Pool, poolSize: number, registry: Registry | undefined): PoolMetrics {
  if (registry === undefined || registry.getSingleMetric('db_client_connection_wait_time_seconds')) return { waits: undefined, failed: () => undefined };
  const connections = new Gauge({
    name: 'db_client_connection_count',
    help: 'Connections of the pool by state',
    labelNames: ['state'],
    registers: [],
    collect() {
      this.set({ state: 'idle' }, pool.idleCount);
      this.set({ state: 'used' }, pool.totalCount - pool.idleCount);
    },
  });
  const pending = new Gauge({
    name: 'db_client_connection_pending_requests',
    help: 'Callers waiting for a connection',
    registers: [],
    collect() {
      this.set(pool.waitingCount);
    },
  });
  registry.registerMetric(connections);
  registry.registerMetric(pending);
  new Gauge({ name: 'db_client_connection_max', help: 'Connections of the pool at most', registers: [registry] }).set(poolSize);
  const failures = new Counter({ name: 'db_client_failures_total', help: 'Callers that got no use of a database connection', labelNames: ['reason'], registers: [registry] });
  for (const reason of failureReasons) failures.inc({ reason }, 0);
  const waits = new Histogram({
    name: 'db_client_connection_wait_time_seconds',
    help: 'Wait for a free database connection',
    buckets: [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers: [registry],
  });
  return { waits, failed: (reason) => failures.inc({ reason }) };
}
