import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';
import { createNodeHost } from '../ops/core/node-host.ts';
import type { Database } from '../services/platform/database.ts';
import { migrate } from '../services/platform/migrations.ts';
import { createPostgresDatabase } from '../services/platform/postgres.ts';

export interface TestDatabase extends AsyncDisposable {
  /** Connection string; several processes may use it. */
  readonly url: string;
  readonly db: Database;
}

const template = 'sora_template';
/** Any number that no other code locks in the maintenance database. */
const templateLock = 712_004;

/**
 * Makes an own database on the PostgreSQL of this test run and drops it at the end:
 * `await using test = await createTestDatabase()`, or dispose of it in `afterAll`.
 * @param options.migrate false gives an empty database; default: all migrations are applied
 */
export async function createTestDatabase(options: { migrate?: boolean } = {}): Promise<TestDatabase> {
  const adminUrl = inject('postgresUrl');
  const host = createNodeHost();
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await withAdmin(adminUrl, async (admin) => {
    if (options.migrate === false) return await admin.query(`create database ${name}`);
    await admin.query('select pg_advisory_lock($1)', [templateLock]);
    await makeTemplate(admin, adminUrl);
    return await admin.query(`create database ${name} template ${template} strategy file_copy`);
  });
  const url = urlOf(adminUrl, name);
  const db = createPostgresDatabase({ host, url, poolSize: 8 });
  return {
    url,
    db,
    async [Symbol.asyncDispose]() {
      await db.close();
      await withAdmin(adminUrl, (admin) => admin.query(`drop database if exists ${name} with (force)`));
    },
  };
}

/** Applies the migrations once a run; the caller holds the lock, which ends with its connection. */
async function makeTemplate(admin: Client, adminUrl: string): Promise<void> {
  const found = await admin.query('select 1 from pg_database where datname = $1', [template]);
  if (found.rowCount === 1) return;
  // Migrated under another name first: a failed migration must not leave half a template.
  const draft = `${template}_draft`;
  await admin.query(`drop database if exists ${draft} with (force)`);
  await admin.query(`create database ${draft}`);
  await migrate(createNodeHost(), urlOf(adminUrl, draft));
  await admin.query(`alter database ${draft} rename to ${template}`);
}

async function withAdmin<Result>(url: string, work: (admin: Client) => Promise<Result>): Promise<Result> {
  const admin = new Client({ connectionString: url });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

function urlOf(adminUrl: string, database: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  return url.href;
}
