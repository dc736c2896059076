import { z } from 'zod';
import { runBench } from '../../../ops/core/bench-cli.ts';
import type { BenchOptions } from '../../../ops/core/bench-cli.ts';
import type { BenchRow } from '../../../ops/core/bench-row.ts';
import type { Host } from '../../../ops/core/host.ts';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { spreadOf } from '../../../ops/core/statistics.ts';
import { startBareTarget } from './bare-target.ts';
import { sora } from './clients.ts';
import { measureCommand } from './measured-command.ts';

/** Operations a second of every run, so that only the number of users differs. */
const ratePerS = 10_000;
const fewUsers = 1_000;

const seen = z.object({ usersCompletedRatio: z.number() });

/**
 * Marginal memory of a user with journey state, over all processes of the harness, after every user has
 * run a step: (RSS at N - RSS at 1,000 users) / (N - 1,000), at the same rate.
 */
async function benchMemory(host: Host, { quick, say }: BenchOptions): Promise<BenchRow[]> {
  const sizes = quick ? [20_000] : [100_000, 1_000_000];
  const rounds = quick ? 1 : 3;
  const rows: BenchRow[] = [];
  for (const users of sizes) {
    const seconds = Math.ceil(users / ratePerS) + 10;
    const perUser: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      say(`${users} users for ${seconds} s, round ${round}`);
      const few = await measureRss(host, fewUsers, seconds);
      const many = await measureRss(host, users, seconds);
      perUser.push((many - few) / (users - fewUsers));
    }
    rows.push({ group: 'memory', name: `${users.toLocaleString('en-US')} users`, unit: 'bytes/user, marginal', ...spreadOf(perUser) });
  }
  return rows;
}

async function measureRss(host: Host, users: number, seconds: number): Promise<number> {
  const target = await startBareTarget(host);
  try {
    const client = sora(host);
    const cost = await measureCommand(host, client.command({ kind: 'memory', users, seconds, target: target.url }), {
      env: { BENCH_PAUSE_MS: String((users / ratePerS) * 1_000) }, timeoutMs: (seconds + 180) * 1_000, accepts: (exitCode) => exitCode === 0 || exitCode === 98,
    });
    const { usersCompletedRatio } = seen.parse(JSON.parse(cost.stdout));
    if (usersCompletedRatio < 1) throw new Error(`only ${usersCompletedRatio} of the users had run a step`);
    return cost.rssMaxBytes;
  } finally {
    target.stop();
  }
}

if (import.meta.main) await runBench(createNodeHost(), benchMemory);
