import { Counter, Gauge, type Registry } from 'prom-client';
import type { Host } from '../../ops/core/host.ts';
import type { Database, Statement } from './database.ts';
import { memoReading } from './memo-reading.ts';

interface Health {
  readonly lockWaiters: number;
  readonly lockWaitS: number;
  readonly connections: number;
  readonly connectionsMax: number;
  readonly deadlocks: number;
  readonly transactionS: number;
}

/** Reads the server's own tables only, so no lock of the application can hold it up. */
const healthStatement: Statement = {
  name: 'platform_database_health',
  text: `select
      (select count(*) from pg_locks where not granted)::int as "lockWaiters",
      coalesce((select extract(epoch from clock_timestamp() - min(waitstart)) from pg_locks where not granted), 0)::float8 as "lockWaitS",
      (select count(*) from pg_stat_activity where backend_type = 'client backend')::int as connections,
      current_setting('max_connections')::int as "connectionsMax",
      coalesce((select deadlocks from pg_stat_database where datname = current_database()), 0)::float8 as deadlocks,
      greatest(0, coalesce((select extract(epoch from clock_timestamp() - min(xact_start)) from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()), 0))::float8 as "transactionS"`,
  repeatable: true,
};

/**
 * Declares the health of the database server as this process sees it: `db_up` is 0 when it did not answer within a second,
 * and the others then keep their last values. One process of a kind is enough to tell it; a scrape costs one short statement.
 */
export function watchDatabase(host: Host, db: Database, metrics: Registry): void {
  const read = memoReading(host, async () => (await db.query<Health>(healthStatement))[0]);
  const gauge = (name: string, help: string, valueOf: (health: Health | undefined) => number | undefined): void => {
    metrics.registerMetric(new Gauge({
      name, help, registers: [],
      async collect() {
        const value = valueOf(await read());
        if (value !== undefined) this.set(value);
      },
    }));
  };
  gauge('db_up', 'Whether the database answered within a second', (health) => (health === undefined ? 0 : 1));
  gauge('db_lock_waiters', 'Sessions of the server that wait for a lock', (health) => health?.lockWaiters);
  gauge('db_lock_wait_oldest_seconds', 'Longest wait for a lock under way', (health) => health?.lockWaitS);
  gauge('db_connections', 'Client sessions of the server', (health) => health?.connections);
  gauge('db_connections_max', 'Client sessions that the server allows', (health) => health?.connectionsMax);
  gauge('db_transaction_oldest_seconds', 'Age of the oldest transaction of a client', (health) => health?.transactionS);
  const deadlocks: Counter = new Counter({
    name: 'db_deadlocks_total', help: 'Deadlocks that the server broke', registers: [],
    async collect() {
      const health = await read();
      if (health === undefined) return;
      deadlocks.reset();
      deadlocks.inc(health.deadlocks);
    },
  });
  metrics.registerMetric(deadlocks);
}
