import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { invalidConfig } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { migrate, migrationsHash } from '../platform/migrations.ts';
import { urlOf, withClient } from './connect.ts';
import { planSeed, seederVersion, type SeedOptions } from './plan.ts';
import { seedDatabase } from './seed.ts';

/** Templates kept, the newest used first; one of 100,000 users takes 1.5 GB. */
const templatesMax = 3;
const prefix = 'sora_template_';
const draftSuffix = '_draft';
/** Held while templates are made, used or dropped. Any constant serves. */
const templateLock = 7_305_201_900;

/** What a template's comment says about it. */
interface TemplateNote {
  readonly users: number;
  readonly seed: number;
  readonly usedAt: string;
}

/** A name that needs no quoting and cannot be one of the server's own. */
export function checkName(name: string): string {
  const isOurs = /^[a-z][a-z0-9_]{0,62}$/.test(name) && !/^(?:postgres|template\d)$/.test(name);
  if (isOurs) return name;
  throw invalidConfig(`database name "${name}" is not usable`, 'use 1 to 63 of a-z, 0-9 and _, beginning with a letter; not postgres or template0');
}

/** The template of these options under the present schema and seeder: other data, other name. */
export function templateName(host: Host, options: SeedOptions): string {
  const plan = planSeed(options);
  const version = createHash('sha256').update(JSON.stringify([plan, seederVersion, migrationsHash(host)])).digest('hex').slice(0, 12);
  return `${prefix}${plan.users}_${plan.seed}_${version}`;
}

/**
 * Makes the seeded template, or finds the one there is. It is filled under a draft name and renamed
 * when complete, so what an interrupted run left is recognised, dropped and made anew.
 */
export async function ensureTemplate(host: Host, url: string, options: SeedOptions): Promise<{ template: string; reused: boolean }> {
  const template = templateName(host, options);
  return await withClient(url, async (admin) => {
    await admin.query('select pg_advisory_lock($1)', [templateLock]);
    const reused = await exists(admin, template);
    if (!reused) await makeTemplate(host, url, admin, template, options);
    const note: TemplateNote = { users: options.users, seed: options.seed, usedAt: new Date(host.clock.nowMs()).toISOString() };
    await admin.query(`comment on database ${template} is '${JSON.stringify(note)}'`);
    await dropOldTemplates(host, admin, template);
    return { template, reused };
  });
}

async function exists(admin: Client, name: string): Promise<boolean> {
  return (await admin.query('select from pg_database where datname = $1', [name])).rowCount === 1;
}

async function makeTemplate(host: Host, url: string, admin: Client, template: string, options: SeedOptions): Promise<void> {
  const draft = `${template.slice(0, 63 - draftSuffix.length)}${draftSuffix}`;
  await admin.query(`drop database if exists ${draft} with (force)`);
  await admin.query(`create database ${draft}`);
  await seedDatabase(host, urlOf(url, draft), options);
  // A template nobody can connect to stays as it is, and no vacuum stands in the way of a copy.
  await admin.query(`alter database ${draft} with allow_connections false`);
  await admin.query(`alter database ${draft} rename to ${template}`);
}

async function dropOldTemplates(host: Host, admin: Client, current: string): Promise<void> {
  const { rows } = await admin.query<{ name: string }>(
    `select datname as name from pg_database where datname like $1 and datname <> $2
     order by datname like $3, shobj_description(oid, 'pg_database')::json ->> 'usedAt' desc nulls last`,
    [`${prefix.replaceAll('_', '\\_')}%`, current, `%${draftSuffix.replaceAll('_', '\\_')}`],
  );
  // Drafts are what interrupted runs left: the lock says that nobody is at work on one.
  const old = rows.filter(({ name }, index) => name.endsWith(draftSuffix) || index >= templatesMax - 1);
  for (const { name } of old) {
    host.stderr.write(`dropping the old template ${name}\n`);
    await admin.query(`drop database if exists ${name} with (force)`);
  }
}

/** Copies a template, file by file: see the README for what was measured. */
export async function cloneDatabase(url: string, template: string, name: string): Promise<{ name: string }> {
  checkName(template);
  checkName(name);
  return await withClient(url, async (admin) => {
    // Shared: clones may be made side by side, but not while a template is made or dropped.
    await admin.query('select pg_advisory_lock_shared($1)', [templateLock]);
    if (!(await exists(admin, template))) throw invalidConfig(`there is no template ${template}`, 'make it with the verb template, which prints its name');
    if (await exists(admin, name)) throw invalidConfig(`there is a database ${name} already`, 'drop it first, or choose another --name');
    await admin.query(`create database ${name} template ${template} strategy file_copy`);
    return { name };
  });
}

/** Drops a database with whoever is connected to it; missing is fine. */
export async function dropDatabase(url: string, name: string): Promise<{ name: string; dropped: boolean }> {
  checkName(name);
  return await withClient(url, async (admin) => {
    const dropped = await exists(admin, name);
    await admin.query(`drop database if exists ${name} with (force)`);
    return { name, dropped };
  });
}

export interface DatabaseRow {
  readonly name: string;
  readonly kind: 'template' | 'draft' | 'database';
  /** Null while it is being made or dropped, and where that was broken off. */
  readonly sizeBytes: number | null;
  readonly users: number | null;
  readonly seed: number | null;
  readonly usedAt: string | null;
}

/** The server's databases except its own. */
export async function listDatabases(url: string): Promise<DatabaseRow[]> {
  return await withClient(url, async (admin) => {
    const { rows } = await admin.query<{ name: string; size: number | null; note: string | null }>(
      `select datname as name, pg_database_size(oid) as size, shobj_description(oid, 'pg_database') as note
       from pg_database where datname not in ('postgres', 'template0', 'template1') order by datname`,
    );
    return rows.map(({ name, size, note }) => {
      const isTemplate = name.startsWith(prefix);
      const known = isTemplate && note !== null ? (JSON.parse(note) as TemplateNote) : undefined;
      const kind = !isTemplate ? 'database' : name.endsWith(draftSuffix) ? 'draft' : 'template';
      return { name, kind, sizeBytes: size, users: known?.users ?? null, seed: known?.seed ?? null, usedAt: known?.usedAt ?? null };
    });
  });
}

/** Removes everything in a database, then makes its schema anew. */
export async function resetDatabase(host: Host, url: string): Promise<{ applied: number }> {
  await withClient(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select quote_ident(nspname) as name from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'`,
    );
    await client.query(`drop schema ${rows.map(({ name }) => name).join(', ')} cascade; create schema public`);
  });
  return { applied: (await migrate(host, url)).applied.length };
}
