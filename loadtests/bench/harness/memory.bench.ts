import { z } from 'zod';
import { runBench } from '../../../ops/core/bench-cli.ts';
import type { BenchOptions } from '../../../ops/core/bench-cli.ts';
import type { BenchRow } from '../../../ops/core/bench-row.ts';
import { SoraError } from '../../../ops/core/error.ts';
import type { Host } from '../../../ops/core/host.ts';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { spreadOf } from '../../../ops/core/statistics.ts';
import { startBareTarget } from './bare-target.ts';
import { sora } from './clients.ts';
import { withRunsFolder } from './load-cost.ts';
import { measureCommand } from './measured-command.ts';

/** Operations a second of every run, so that only the number of users differs. */
const ratePerS = 25_000;
const fewUsers = 1_000;
/** After every user has had its turn, and the whole of a run with few: memory settles meanwhile. */
const settleSeconds = 5;
const bytesPerUserMax = 2_000;

const seen = z.object({ usersCompletedRatio: z.number(), operations: z.object({ failed: z.number() }) });

/**
 * Marginal memory of a user with journey state, over all processes of the harness, after every user has
 * run a step: (RSS at N - RSS at 1,000 users) / (N - 1,000), at the same rate.
 */
async function benchMemory(host: Host, { quick, say }: BenchOptions): Promise<BenchRow[]> {
  const sizes = quick ? [20_000] : [100_000, 1_000_000];
  const rounds = quick ? 1 : 3;
  const perUser = new Map(sizes.map((users) => [users, [] as number[]]));
  const fixed: number[] = [];
  await withRunsFolder(host, async (home) => {
    for (let round = 1; round <= rounds; round++) {
      say(`${fewUsers} users, round ${round} of ${rounds}`);
      const few = await measureRss(host, home, fewUsers);
      fixed.push(few);
      for (const users of sizes) {
        say(`${users} users, round ${round} of ${rounds}`);
        perUser.get(users)?.push(((await measureRss(host, home, users)) - few) / (users - fewUsers));
      }
    }
  });
  return [
    { group: 'memory', name: '1,000 users', unit: 'MB, fixed part', ...spreadOf(fixed.map((bytes) => bytes / 1e6)) },
    ...[...perUser].map(([users, values]) => ({
      group: 'memory', name: `${users.toLocaleString('en-US')} users`, unit: 'bytes/user, marginal', ...spreadOf(values), must: { atMost: bytesPerUserMax },
    })),
  ];
}

async function measureRss(host: Host, home: string, users: number): Promise<number> {
  const seconds = Math.ceil(users / ratePerS) + settleSeconds;
  const target = await startBareTarget(host);
  try {
    const load = { kind: 'memory', users, seconds, target: target.url } as const;
    const client = sora(host, home);
    const cost = await measureCommand(host, client.command(load), {
      env: { ...client.env?.(load), BENCH_PAUSE_MS: String((users / ratePerS) * 1_000) },
      timeoutMs: (seconds + 180) * 1_000, accepts: (exitCode) => exitCode === 0 || exitCode === 98,
    });
    const { usersCompletedRatio, operations } = seen.parse(JSON.parse(cost.stdout));
    if (usersCompletedRatio < 1) throw new SoraError('bench_failed', `only ${usersCompletedRatio} of the ${users} users had run a step, and all must`);
    if (operations.failed > 0) throw new SoraError('bench_failed', `${operations.failed} operations of ${users} users failed, and none may`);
    return cost.rssMaxBytes;
  } finally {
    target.stop();
  }
}

if (import.meta.main) await runBench(createNodeHost(), benchMemory);
