import { Client } from 'pg';
import { SoraError, messageOf } from '../core/error.ts';
import type { Host } from '../core/host.ts';

/** Resolves once the server answers a query, which is after crash recovery; TCP alone opens before. */
async function isAnswering(url: string, timeoutMs = 2_000): Promise<true | string> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs });
  // A connection that breaks later must not end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch (error) {
    return messageOf(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Waits for `isAnswering`.
 * @param ended aborted when the server's process has exited, so that waiting stops at once
 */
export async function waitUntilAnswering(host: Host, url: string, timeoutMs: number, ended: AbortSignal): Promise<void> {
  const startMs = host.clock.monotonicMs();
  for (let last = await isAnswering(url); last !== true; last = await isAnswering(url)) {
    if (ended.aborted || host.clock.monotonicMs() - startMs > timeoutMs) {
      throw new SoraError('database_not_ready', `PostgreSQL did not answer within ${timeoutMs} ms: ${last}`, {
        hint: 'its log names the reason',
      });
    }
    await host.timers.sleep(25, ended).catch(() => undefined);
  }
}

/** Asks whether the server answers and has `database`, which is made when missing. */
export async function ensureDatabase(adminUrl: string, database: string, timeoutMs: number): Promise<'ok' | 'silent'> {
  const client = new Client({ connectionString: adminUrl, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const found = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(database)}`);
    return 'ok';
  } catch {
    return 'silent';
  } finally {
    await client.end().catch(() => undefined);
  }
}
