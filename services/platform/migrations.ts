import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { invalidConfig, messageOf, SoraError } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { clientConfig } from './postgres.ts';

/** One file `services/<domain>/migrations/NNNN_what.sql`. */
export interface Migration {
  /** `<domain>/NNNN_what`. */
  readonly name: string;
  readonly number: number;
  readonly sql: string;
  /** SHA-256 of the file, in hex. */
  readonly checksum: string;
}

const servicesFolder = fileURLToPath(new URL('../', import.meta.url));
const fileName = /^(\d{4})_[a-z0-9_]+\.sql$/;
/** Any constant serves, as long as all versions of the code use the same one. */
const advisoryLock = 7_305_201_126;

/**
 * All migrations in order of their number.
 * @param folder that holds the domains; default this checkout's `services/`
 * @throws SoraError `invalid_config` on a malformed name or a number used twice
 */
export function readMigrations(host: Host, folder: string = servicesFolder): Migration[] {
  const found: Migration[] = [];
  for (const domain of host.files.list(folder)) {
    for (const file of host.files.list(`${folder}/${domain}/migrations`)) {
      const match = fileName.exec(file);
      if (match === null) {
        if (!file.endsWith('.sql')) continue;
        throw invalidConfig(`migration ${domain}/${file} is misnamed`, 'name it NNNN_what_it_does.sql');
      }
      const sql = host.files.readText(`${folder}/${domain}/migrations/${file}`);
      const checksum = createHash('sha256').update(sql).digest('hex');
      found.push({ name: `${domain}/${file.slice(0, -4)}`, number: Number(match[1]), sql, checksum });
    }
  }
  found.sort((a, b) => a.number - b.number);
  found.forEach((migration, index) => {
    const before = found[index - 1];
    if (before?.number === migration.number) {
      throw invalidConfig(`migrations ${before.name} and ${migration.name} share a number`, 'renumber the newer one');
    }
  });
  return found;
}

/** Hash of all names and contents, 12 hex digits: names the template database. */
export function migrationsHash(host: Host = createNodeHost()): string {
  const hash = createHash('sha256');
  for (const { name, checksum } of readMigrations(host)) hash.update(`${name}:${checksum}\n`);
  return hash.digest('hex').slice(0, 12);
}

/**
 * Brings the database up to date: each missing migration in its own transaction, in order, under
 * an advisory lock so that processes starting together wait for one another. Forward only; applied
 * migrations this checkout does not know are left alone, so an older version can run beside a newer.
 * @returns the names applied now
 * @throws SoraError `migration_changed` when an applied file was edited, `migration_failed` on an SQL error
 */
export async function migrate(host: Host, url: string, folder?: string): Promise<{ applied: string[] }> {
  const migrations = readMigrations(host, folder);
  const client = new Client(clientConfig(url, 'sora-migrate', 600_000));
  // A break surfaces in the running query; without a listener the event alone would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    throw invalidConfig(`cannot connect to the database: ${messageOf(error)}`, 'check DATABASE_URL and that PostgreSQL is up', error);
  }
  try {
    await client.query('select pg_advisory_lock($1)', [advisoryLock]);
    return { applied: await applyMissing(client, migrations) };
  } finally {
    // Ending the session also frees the lock.
    await client.end();
  }
}

async function applyMissing(client: Client, migrations: readonly Migration[]): Promise<string[]> {
  await client.query(`create table if not exists platform_migrations (
    name text primary key, checksum text not null, applied_at timestamptz not null default now())`);
  const { rows } = await client.query<{ name: string; checksum: string }>('select name, checksum from platform_migrations');
  const known = new Map(rows.map((row) => [row.name, row.checksum]));
  const applied: string[] = [];
  for (const migration of migrations) {
    const checksum = known.get(migration.name);
    if (checksum === migration.checksum) continue;
    if (checksum !== undefined) throw changed(migration, checksum);
    await applyOne(client, migration);
    applied.push(migration.name);
  }
  return applied;
}

async function applyOne(client: Client, migration: Migration): Promise<void> {
  try {
    await client.query('begin');
    await client.query(migration.sql);
    await client.query('insert into platform_migrations (name, checksum) values ($1, $2)', [migration.name, migration.checksum]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw new SoraError('migration_failed', `migration ${migration.name} failed: ${messageOf(error)}`, {
      hint: 'nothing of it was kept; mend the file and run again',
      cause: error,
    });
  }
}

function changed(migration: Migration, applied: string): SoraError {
  return new SoraError(
    'migration_changed',
    `migration ${migration.name} was edited after it ran: checksum ${migration.checksum.slice(0, 12)}, applied ${applied.slice(0, 12)}`,
    { hint: 'restore the file and put the change into a new migration; in a throw-away database, drop it and start again' },
  );
}
