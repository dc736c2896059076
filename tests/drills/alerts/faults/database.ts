import type { Client } from 'pg';
import type { Fault, World } from '../fault.ts';
import { askSql, connect, freeze, processOf, runSql } from './reach.ts';

const burn = (slo: string): string[] => ['1h', '6h', '1d'].map((window) => `${slo}Burn${window}`);

/** Reads and writes of one kind share a connection, so only many kinds that wait take all connections. */
const busyTables = 'accounts, profiles, follows, posts, timelines, post_likes, conversations, messages, payment_intents, ai_messages, wallet_accounts';
const lockTries = 10;

export const lockedTables: Fault = {
  name: 'tables-locked', what: 'somebody holds an exclusive lock on the busiest tables', target: 'postgres',
  alerts: ['DatabaseLockContention', 'DatabasePoolSaturated', 'DatabasePoolWaitHigh'],
  async begin(world) {
    const client = await connect(world);
    for (let left = lockTries; ; left--) {
      try {
        await client.query(`begin; lock table ${busyTables} in access exclusive mode`);
        return () => client.end();
      } catch (error) {
        // The stack may hold some of them and wait for others: then one of the two is broken off.
        await client.query('rollback');
        if (left <= 1) throw error;
      }
    }
  },
  notes: async (world) => ({ fill: { 12345: await askSql(world, `select pid from pg_stat_activity where application_name = 'drill' and state = 'idle in transaction'`) } }),
  mitigation: ['npx sora db query "select pg_terminate_backend'],
};

/** What a wrong migration may do to each domain, and what takes it back. Bodies of functions know tables by number, so tables can be renamed under them. */
const breakages = [
  ['alter function feed_home rename to feed_home_lost', 'alter function feed_home_lost rename to feed_home'],
  ['alter table conversations rename to conversations_lost', 'alter table conversations_lost rename to conversations'],
  ['alter table profiles rename to profiles_lost', 'alter table profiles_lost rename to profiles'],
  ['alter table wallet_transfers add constraint drill_refuses check (false) not valid', 'alter table wallet_transfers drop constraint if exists drill_refuses'],
] as const;

export const brokenSchema: Fault = {
  name: 'schema-broken', what: 'a wrong migration renames what feeds, conversations and profiles are read from, and refuses every transfer', target: 'postgres',
  alerts: ['ApiErrorsHigh', 'UserErrorsHigh', 'WalletFailures', ...burn('ApiAvailability'), ...burn('FeedAvailability'), ...burn('ChatAvailability'), ...burn('WalletAvailability')],
  async begin(world) {
    await runSql(world, ...breakages.map(([make]) => make));
    return () => runSql(world, ...breakages.map(([, mend]) => mend));
  },
};

const stutterMs = { stopped: 2_200, running: 500 };

export const slowDatabase: Fault = {
  name: 'database-slow', what: `the database stands still ${stutterMs.stopped / 1_000} s of every ${(stutterMs.stopped + stutterMs.running) / 1_000} s`, target: 'postgres',
  alerts: ['UserLatencyHigh', 'ApiLatencyHigh', ...burn('ApiLatency'), ...burn('FeedLatency'), ...burn('ChatLatency')],
  begin(world) {
    const stop = new AbortController();
    const ended = stutter(world, stop.signal);
    return Promise.resolve(async () => {
      stop.abort();
      await ended;
    });
  },
};

async function stutter(world: World, stop: AbortSignal): Promise<void> {
  const { timers } = world.host;
  const pause = (ms: number): Promise<void> => timers.sleep(ms, stop).catch(() => undefined);
  while (!stop.aborted) {
    const thaw = freeze(world, processOf(world, 'postgres').pid);
    try {
      await pause(stutterMs.stopped);
    } finally {
      thaw();
    }
    await pause(stutterMs.running);
  }
}

export const stoppedDatabase: Fault = {
  name: 'database-stopped', what: "every process of Avalo's PostgreSQL stands still (SIGSTOP)", target: 'postgres',
  alerts: ['DatabaseDown'],
  begin(world) {
    const thaw = freeze(world, processOf(world, 'postgres').pid);
    return Promise.resolve(() => Promise.resolve(thaw()));
  },
};

/** Of the connections that the server allows. */
const connectionsShare = 0.88;

export const takenConnections: Fault = {
  name: 'connections-taken', what: `somebody opens connections to ${connectionsShare * 100} % of what the server allows`, target: 'postgres',
  alerts: ['DatabaseConnectionsHigh'],
  async begin(world) {
    const clients: Client[] = [];
    const first = await connect(world);
    clients.push(first);
    const { rows } = await first.query<{ missing: number }>(`select greatest(0, ceil(current_setting('max_connections')::int * ${connectionsShare})::int
      - (select count(*) from pg_stat_activity where backend_type = 'client backend')::int) as missing`);
    for (let left = rows[0]?.missing ?? 0; left > 0; left--) clients.push(await connect(world));
    return async () => void (await Promise.all(clients.map((client) => client.end())));
  },
  notes: () => ({ fill: { 'the-tool': 'drill' } }),
  mitigation: ['npx sora db query "select pg_terminate_backend'],
};

export const deadlock: Fault = {
  name: 'deadlock', what: 'two transactions take two locks in opposite order', target: 'postgres',
  alerts: ['DatabaseDeadlocks'],
  async begin(world) {
    await makeDeadlock(world);
    return () => Promise.resolve();
  },
  notes: () => ({ excused: { 'npx sora logs --service api': "the drill's own transactions met, so no request failed" } }),
};

/** One of the two is broken by the server. */
export async function makeDeadlock(world: World): Promise<void> {
  const [one, other] = [await connect(world), await connect(world)];
  const keys = [712_101, 712_102];
  await one.query(`begin; select pg_advisory_xact_lock(${keys[0]})`);
  await other.query(`begin; select pg_advisory_xact_lock(${keys[1]})`);
  await Promise.allSettled([one.query(`select pg_advisory_xact_lock(${keys[1]})`), other.query(`select pg_advisory_xact_lock(${keys[0]})`)]);
  await Promise.all([one.end(), other.end()]);
}

export const unbalancedLedger: Fault = {
  name: 'ledger-changed', what: 'somebody adds a token to a balance by hand', target: 'postgres',
  alerts: ['LedgerImbalance'],
  async begin(world) {
    const change = (by: number): Promise<void> => runSql(world, `update wallet_accounts set balance = balance + ${by} where id = 9000000000000000`);
    await change(1);
    return () => change(-1);
  },
};
