import { createHash } from 'node:crypto';
import { join, relative } from 'node:path';
import type { Pool, PoolClient } from 'pg';
import { SoraError, invalidConfig, messageOf } from '../core/error.ts';
import type { Host } from '../core/host.ts';

/** One file `ops/<domain>/migrations/NNNN-name.sql`. */
export interface Migration {
  /** `<domain>/NNNN-name`; a domain may lie deeper, such as `alerting/outbox`. */
  readonly id: string;
  readonly sql: string;
  /** SHA-256 of the file, in hexadecimal digits. */
  readonly checksum: string;
}

const opsFolder = join(import.meta.dirname, '..');
const fileName = /^\d{4}-[a-z0-9-]+\.sql$/;
/** Any constant serves, as long as all versions of the code use the same one. */
const advisoryLock = 7_305_201_127;
/** Domains lie in `ops/<domain>` or `ops/<subsystem>/<domain>`. */
const depthMax = 2;

/**
 * The migrations of these folders in order: by domain, then by number, so that a domain must not refer to another's tables.
 * @param folders default: every `migrations` folder below `ops/`
 * @throws SoraError `invalid_config` for a file that is misnamed
 */
export function readControlMigrations(host: Host, folders: readonly string[] = findFolders(host, opsFolder, 0)): Migration[] {
  return folders.flatMap((folder) => host.files.list(folder).map((file) => readOne(host, folder, file))).sort((a, b) => (a.id < b.id ? -1 : 1));
}

function readOne(host: Host, folder: string, file: string): Migration {
  const domain = relative(opsFolder, join(folder, '..')).replaceAll('\\', '/');
  if (!fileName.test(file)) throw invalidConfig(`migration ${domain}/${file} is misnamed`, 'name it NNNN-what-it-does.sql');
  const sql = host.files.readText(join(folder, file));
  return { id: `${domain}/${file.slice(0, -4)}`, sql, checksum: createHash('sha256').update(sql).digest('hex') };
}

function findFolders(host: Host, folder: string, depth: number): string[] {
  return host.files.list(folder).flatMap((name) => {
    const path = join(folder, name);
    if (depth > depthMax || host.files.ownership(path)?.kind !== 'folder') return [];
    return name === 'migrations' && depth > 0 ? [path] : findFolders(host, path, depth + 1);
  });
}

/**
 * Applies each missing migration once, all in one transaction under an advisory lock. Forward only; applied ones that
 * this checkout does not know are left alone.
 * @returns the ids applied now
 * @throws SoraError `migration_changed` when an applied file was edited, `migration_failed` on an SQL error
 */
export async function applyMigrations(host: Host, pool: Pool, folders?: readonly string[]): Promise<readonly string[]> {
  const migrations = readControlMigrations(host, folders);
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [advisoryLock]);
    const applied = await applyMissing(client, migrations);
    await client.query('commit');
    return applied;
  } catch (error) {
    await client.query('rollback').catch(() => (broken = true));
    throw error;
  } finally {
    client.release(broken);
  }
}

async function applyMissing(client: PoolClient, migrations: readonly Migration[]): Promise<string[]> {
  await client.query('create table if not exists control_migrations (id text primary key, checksum text not null, applied_at timestamptz not null default now())');
  const { rows } = await client.query<{ id: string; checksum: string }>('select id, checksum from control_migrations');
  const known = new Map(rows.map((row) => [row.id, row.checksum]));
  const applied: string[] = [];
  for (const { id, sql, checksum } of migrations) {
    const found = known.get(id);
    if (found === checksum) continue;
    if (found !== undefined) {
      throw new SoraError('migration_changed', `migration ${id} was edited after it ran: checksum ${checksum.slice(0, 12)}, applied ${found.slice(0, 12)}`, {
        hint: 'restore the file and put the change into a new migration; where the state may be lost, remove .sora/pg/control',
      });
    }
    try {
      await client.query(sql);
    } catch (error) {
      throw new SoraError('migration_failed', `migration ${id} failed: ${messageOf(error)}`, { hint: 'nothing was kept; mend the file and start again', cause: error });
    }
    await client.query('insert into control_migrations (id, checksum) values ($1, $2)', [id, checksum]);
    applied.push(id);
  }
  return applied;
}
