import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { runBench } from '../../ops/core/bench-cli.ts';
import type { BenchOptions } from '../../ops/core/bench-cli.ts';
import type { BenchRow } from '../../ops/core/bench-row.ts';
import { SoraError } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { interleave, spreadOf } from '../../ops/core/statistics.ts';
import type { Database } from '../platform/database.ts';
import { migrate } from '../platform/migrations.ts';
import { createPostgresDatabase } from '../platform/postgres.ts';
import { createBatchedWalletStore } from './store-batched.ts';
import { createPlainWalletStore, type TransferItem, type WalletStore } from './store.ts';

/** Each waits for the answer to its transfer before it asks for the next. */
const callers = 400;
const users = 10_000;
/** Who is paid in the hot rows: the creator of everybody's live stream. */
const hotUser = 1;
const poolSize = 10;
const fundsTokens = 1_000_000_000;

interface Variant {
  readonly name: string;
  readonly store: WalletStore;
  readonly payee: () => number;
}

/** Transfers per second through the store the api uses and, for scale, through the plain one; ends with an audit of the ledger. */
export async function benchLedger(host: Host, url: string, options: { roundMs: number; rounds: number } & BenchOptions): Promise<BenchRow[]> {
  const db = createPostgresDatabase({ host, url, poolSize, applicationName: 'ledger-bench' });
  try {
    options.say(`ledger: funds ${users} wallets`);
    await fund(host, db);
    const durability = await readDurability(db);
    const anyone = (): number => 1 + Math.floor(host.random.float() * users);
    const [batched, plain] = [createBatchedWalletStore(host, db), createPlainWalletStore(db)];
    const variants: Variant[] = [
      { name: 'transfers, spread', store: batched, payee: anyone },
      { name: 'transfers, one hot account', store: batched, payee: () => hotUser },
      { name: 'plain store, spread', store: plain, payee: anyone },
      { name: 'plain store, one hot account', store: plain, payee: () => hotUser },
    ];
    const measured = await interleave(variants, options.rounds, async ({ name, store, payee }, round) => {
      options.say(`ledger: ${name}, ${round === 0 ? 'warm-up' : `round ${round} of ${options.rounds}`}`);
      return await drive(host, store, () => transferBetween(host, anyone(), payee()), options.roundMs);
    });
    await proveBalanced(plain);
    return variants.map(({ name, store }, index) => ({
      group: 'ledger',
      name,
      unit: 'transfers/s',
      ...spreadOf(measured[index] ?? []),
      note: store === plain ? `baseline: a commit each, ${poolSize} connections` : `${callers} callers, ${durability}`,
    }));
  } finally {
    await db.close();
  }
}

/** Transfers answered per second; a refusal ends the benchmark, as it would be counted for work. */
async function drive(host: Host, store: WalletStore, next: () => TransferItem, durationMs: number): Promise<number> {
  const startMs = host.clock.monotonicMs();
  const endMs = startMs + durationMs;
  let settled = 0;
  const call = async (): Promise<void> => {
    while (host.clock.monotonicMs() < endMs) {
      const { outcome } = await store.transfer(next());
      if (outcome !== 'ok') throw new SoraError('transfer_refused', `a transfer of the benchmark was answered ${outcome}`);
      settled++;
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  return (settled / (host.clock.monotonicMs() - startMs)) * 1_000;
}

function transferBetween(host: Host, payerId: number, payeeId: number): TransferItem {
  const amount = 1 + Math.floor(host.random.float() * 100);
  return { writeId: host.random.uuid(), payerId: payerId === payeeId ? (payerId % users) + 1 : payerId, payeeId, amount, kind: 'tip' };
}

async function fund(host: Host, db: Database): Promise<void> {
  await db.query({ name: 'bench_users', text: `insert into accounts (id, email, password_hash)
    select n, 'user' || n || '@example.test', 'none' from generate_series(1, $1::int) n` }, [users]);
  const ids = Array.from({ length: users }, (_, index) => index + 1);
  await db.query({ name: 'bench_fund', text: 'select outcome from wallet_credit($1, $2, $3, $4)' }, [
    ids.map(() => host.random.uuid()), ids, ids.map(() => fundsTokens), ids.map(() => 'grant'),
  ]);
}

async function readDurability(db: Database): Promise<string> {
  const [row] = await db.query<{ fsync: string; commit: string }>({
    name: 'bench_durability', text: `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit` });
  return `fsync ${row?.fsync}, synchronous_commit ${row?.commit}`;
}

async function proveBalanced(store: WalletStore): Promise<void> {
  const audit = await store.audit();
  if (!audit.balanced) {
    throw new SoraError('ledger_unbalanced', `after the benchmark ${audit.mismatchCount} accounts and ${audit.brokenTransferCount} transfers differ from their entries`);
  }
}

/** The maintenance database of DATABASE_URL, or of a PostgreSQL lent for as long as we live. */
async function borrowServer(host: Host): Promise<{ url: string; giveBack(): Promise<void> }> {
  const given = host.process.env['DATABASE_URL'];
  if (given !== undefined && given !== '') return { url: given, giveBack: () => Promise.resolve() };
  const entry = fileURLToPath(new URL('../../ops/supervisor/lend-postgres.ts', import.meta.url));
  const lender = spawn(host.process.execPath, [entry], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(lender, 'exit');
  const line = await Promise.race([once(lender.stdout, 'data'), exited.then(() => undefined)]);
  if (line === undefined) throw new SoraError('database_not_ready', 'no PostgreSQL could be lent', { hint: 'set DATABASE_URL to use another one' });
  return {
    url: String(line[0]).trim(),
    giveBack: async () => {
      lender.stdin.end();
      await exited;
    },
  };
}

/** Gives `work` an empty migrated database and drops it afterwards; what else the server holds is left alone. */
async function withDatabase<Result>(host: Host, work: (url: string) => Promise<Result>): Promise<Result> {
  const server = await borrowServer(host);
  const admin = new Client({ connectionString: server.url });
  const name = `sora_bench_${host.random.bytes(6).toString('hex')}`;
  try {
    await admin.connect();
    await admin.query(`create database ${name}`);
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    await migrate(host, url.href);
    return await work(url.href);
  } finally {
    await admin.query(`drop database if exists ${name} with (force)`).catch(() => undefined);
    await admin.end().catch(() => undefined);
    await server.giveBack();
  }
}

if (import.meta.main) {
  await runBench(createNodeHost(), (host, options) =>
    withDatabase(host, (url) => benchLedger(host, url, { ...options, ...(options.quick ? { roundMs: 700, rounds: 2 } : { roundMs: 3_000, rounds: 4 }) })));
}
