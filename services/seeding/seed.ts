import type { Client } from 'pg';
import { exitCodes, SoraError } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { hashPassword } from '../accounts/password.ts';
import { migrate } from '../platform/migrations.ts';
import { withClient } from './connect.ts';
import { copyRows, dropIndexes, type TableFill } from './copy.ts';
import { buildGraph } from './graph.ts';
import { hash32, streams } from './hash.ts';
import { planSeed, seededPassword, seederVersion, type SeedOptions, type SeedPlan } from './plan.ts';
import { tableFills } from './tables.ts';

/** Connections that fill tables at once: while one builds indexes, another takes rows. */
const connections = 3;

export interface SeedResult {
  readonly users: number;
  readonly seed: number;
  readonly posts: number;
  readonly conversations: number;
  readonly adminId: number;
  readonly rows: number;
  readonly durationMs: number;
}

/**
 * Brings the schema up to date, empties the domains' tables and fills them. The data is a function
 * of the options alone.
 * @throws SoraError `foreign_accounts` (104) when the database holds accounts that the seeder did not make
 */
export async function seedDatabase(host: Host, url: string, options: SeedOptions): Promise<SeedResult> {
  const plan = planSeed(options);
  const startMs = host.clock.monotonicMs();
  await withClient(url, (client) => refuseForeignAccounts(client, plan.users));
  await migrate(host, url);
  await withClient(url, (client) => begin(client, plan));
  const fills = tableFills(plan, buildGraph(plan), await sharedHash(host, plan));
  host.stderr.write(`seeding ${plan.users} users: graph ready after ${seconds(host, startMs)} s\n`);
  await fillAll(host, url, fills, startMs);
  await withClient(url, (client) => finish(client, plan));
  const rows = fills.reduce((sum, fill) => sum + fill.rows, 0);
  const durationMs = Math.round(host.clock.monotonicMs() - startMs);
  host.stderr.write(`seeded ${rows} rows in ${seconds(host, startMs)} s\n`);
  const { users, seed, posts, conversations, adminId } = plan;
  return { users, seed, posts, conversations, adminId, rows, durationMs };
}

const seconds = (host: Host, startMs: number): string => ((host.clock.monotonicMs() - startMs) / 1_000).toFixed(1);

async function refuseForeignAccounts(client: Client, users: number): Promise<void> {
  const { rows } = await client.query<{ found: boolean }>(`select to_regclass('public.accounts') is not null as found`);
  if (rows[0]?.found !== true) return;
  const counted = await client.query<{ count: number }>('select count(*) as count from accounts where not seeded');
  const count = counted.rows[0]?.count ?? 0;
  if (count === 0) return;
  throw new SoraError('foreign_accounts', `database "${client.database ?? ''}" holds ${count} account${count === 1 ? '' : 's'} that the seeder did not make; it may hold none`, {
    exitCode: exitCodes.invalidConfig,
    hint: `seed another database, or empty this one of all it holds and seed it: npx sora db reset --yes, then npx sora db seed --users ${users}`,
  });
}

/** From here until `finish` the database says that it is half made. */
async function begin(client: Client, plan: SeedPlan): Promise<void> {
  await client.query('delete from seed_info');
  await client.query(
    `insert into seed_info (state, seeder_version, seed, users, posts, conversations, admin_id) values ('filling', $1, $2, $3, $4, $5, $6)`,
    [seederVersion, plan.seed, plan.users, plan.posts, plan.conversations, plan.adminId],
  );
  // What earlier runs left in tables that the seeder does not fill: sessions, payments, outbox and the like.
  const { rows } = await client.query<{ name: string }>(
    `select quote_ident(tablename) as name from pg_tables where schemaname = 'public' and tablename not in ('platform_migrations', 'seed_info')`,
  );
  await client.query(`truncate ${rows.map(({ name }) => name).join(', ')} restart identity cascade`);
}

/** One argon2id hash for all, made with the real costs from a salt that the seed decides. */
async function sharedHash(host: Host, plan: SeedPlan): Promise<string> {
  const bytes = (count: number): Buffer => Buffer.from(Array.from({ length: count }, (_, index) => hash32(plan.seed, streams.salt, index) & 0xff));
  return await hashPassword({ ...host.random, bytes }, seededPassword);
}

async function fillAll(host: Host, url: string, fills: readonly TableFill[], startMs: number): Promise<void> {
  const waiting = [...fills];
  const worker = async (client: Client): Promise<void> => {
    // Large sorts of the index builds stay in memory; commits of half-made tables need not wait for the disk,
    // as the last one does.
    await client.query(`set maintenance_work_mem = '512MB'; set synchronous_commit = off`);
    for (let fill = waiting.shift(); fill !== undefined; fill = waiting.shift()) {
      await fillTable(client, fill);
      host.stderr.write(`  ${fill.table}: ${fill.rows} rows after ${seconds(host, startMs)} s\n`);
    }
  };
  const results = await Promise.allSettled(Array.from({ length: connections }, () => withClient(url, worker)));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function fillTable(client: Client, fill: TableFill): Promise<void> {
  await client.query('begin');
  // Empty already; done again here because rows can be frozen only in the transaction that truncated.
  await client.query(`truncate ${fill.table} cascade`);
  const indexes = await dropIndexes(client, fill.table);
  await copyRows(client, fill);
  for (const create of indexes) await client.query(create);
  await client.query('commit');
  await client.query(`analyze ${fill.table}`);
}

const sequences = ['accounts', 'posts', 'conversations', 'messages', 'wallet_transfers'] as const;

async function finish(client: Client, plan: SeedPlan): Promise<void> {
  for (const table of sequences) {
    await client.query(`select setval(pg_get_serial_sequence('${table}', 'id'), greatest((select max(id) from ${table}), 1))`);
  }
  await client.query(`update seed_info set state = 'complete' where seed = $1`, [plan.seed]);
  // Written out now, so that neither the first clone nor the first minute of a run pays for it.
  await client.query('checkpoint').catch(() => undefined);
}
