import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import { migrate, migrationsHash, readMigrations } from './migrations.ts';

const host = createNodeHost();
let test: TestDatabase;
let folder: string;
const write = (name: string, sql: string): void => host.files.writeText(join(folder, name), sql);

beforeEach(async () => {
  test = await createTestDatabase({ migrate: false });
  folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  write('b/migrations/0100_first.sql', 'create table first (n int);');
  write('a/migrations/0200_second.sql', 'create table second (n int); insert into second select 1;');
});
afterEach(async () => {
  host.files.remove(folder);
  await test[Symbol.asyncDispose]();
});

describe('migrate', () => {
  it('applies by number over all domains, once', async () => {
    expect(await migrate(host, test.url, folder)).toEqual({ applied: ['b/0100_first', 'a/0200_second'] });
    expect(await migrate(host, test.url, folder)).toEqual({ applied: [] });
  });

  it('applies each once when several processes start together', async () => {
    const results = await Promise.all([1, 2, 3, 4].map(() => migrate(host, test.url, folder)));
    expect(results.flatMap((result) => result.applied)).toHaveLength(2);
  });

  it('refuses an edited migration and names it', async () => {
    await migrate(host, test.url, folder);
    write('b/migrations/0100_first.sql', 'create table first (n bigint);');
    await expect(migrate(host, test.url, folder)).rejects.toMatchObject({ code: 'migration_changed', message: expect.stringContaining('b/0100_first') });
  });

  it('keeps nothing of a failed migration and all of those before', async () => {
    write('c/migrations/0300_third.sql', 'create table third (n int); select 1/0;');
    await expect(migrate(host, test.url, folder)).rejects.toMatchObject({ code: 'migration_failed', message: expect.stringContaining('division by zero') });
    const tables = await test.db.query({ name: 't', text: "select tablename from pg_tables where schemaname = 'public' order by 1" });
    expect(tables.map((row) => Object.values(row)[0])).toEqual(['first', 'platform_migrations', 'second']);
    write('c/migrations/0300_third.sql', 'create table third (n int);');
    expect(await migrate(host, test.url, folder)).toEqual({ applied: ['c/0300_third'] });
  });

  it('leaves applied migrations it does not know alone', async () => {
    await migrate(host, test.url, folder);
    host.files.remove(join(folder, 'a'));
    expect(await migrate(host, test.url, folder)).toEqual({ applied: [] });
  });

  it('refuses a number used twice and a misnamed file', () => {
    write('c/migrations/0100_again.sql', '');
    expect(() => readMigrations(host, folder)).toThrow('share a number');
    host.files.remove(join(folder, 'c'));
    write('c/migrations/1_short.sql', '');
    expect(() => readMigrations(host, folder)).toThrow('misnamed');
  });

  it('names an unreachable database as a configuration error', async () => {
    await expect(migrate(host, 'postgres://u:p@/none?host=/nowhere', folder)).rejects.toMatchObject({ code: 'invalid_config', exitCode: 104 });
  });
});

describe('migrationsHash', () => {
  it('is the same for the same files', () => {
    expect(migrationsHash()).toMatch(/^[0-9a-f]{12}$/);
    expect(migrationsHash()).toBe(migrationsHash(host));
  });
});
