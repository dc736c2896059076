import { z } from 'zod';
import { runBench } from '../../../ops/core/bench-cli.ts';
import type { BenchOptions } from '../../../ops/core/bench-cli.ts';
import type { BenchRow } from '../../../ops/core/bench-row.ts';
import { SoraError } from '../../../ops/core/error.ts';
import type { Host } from '../../../ops/core/host.ts';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { spreadOf } from '../../../ops/core/statistics.ts';
import { soraCommand, startBackend } from './backend-stack.ts';
import type { BackendStack } from './backend-stack.ts';
import { compareCosts, costLimits } from './compare-costs.ts';
import { withRunsFolder } from './load-cost.ts';
import { measureCommand } from './measured-command.ts';
import { findPeer } from './peers.ts';
import { clientsOf, inTurns, ratioRow } from './ratio.ts';

const users = 2_000;
/** 1,000 operations a second: far below what the stack can, so that the generators are measured and not their wait for it. */
const thinkMs = 2_000;
/** Answered by an api process behind the gateway, without a limit for each client. */
const path = '/livez';
const quantiles = z.object({ p95: z.number().nullable(), p99: z.number().nullable() });
const summarySchema = z.object({
  operations: z.object({ failed: z.number(), achievedPerS: z.number() }),
  latencyMs: z.object({ response: quantiles, lateness: quantiles }),
  generator: z.object({ cpuUsPerOperation: z.number(), rssBytes: z.number() }),
});
type Summary = z.infer<typeof summarySchema>;

/** The same figures against the whole backend: one small request without a pause, then the launch mix at 1,000 operations a second. */
async function benchBackend(host: Host, { quick, say }: BenchOptions): Promise<BenchRow[]> {
  return await withRunsFolder(host, async (home) => {
    say(`starting the stack with ${users} users`);
    const stack = await startBackend(host, home, users);
    try {
      const group = 'backend, 50 connections';
      const load = { kind: 'bare', target: stack.gatewayUrl, path, users: 50, seconds: quick ? 3 : 4 } as const;
      const compared = await compareCosts(host, say, { group, load, rounds: quick ? 1 : 3, home, names: Object.keys(costLimits), shortSeconds: 1 });
      return [...compared.rows, ...(await benchMix(host, stack, { quick, say }))];
    } finally {
      await stack.stop();
    }
  });
}

/** The harness and k6 play the same journeys at the same rate, each as `sora load` starts it, and are measured as their runs report. */
async function benchMix(host: Host, stack: BackendStack, { quick, say }: BenchOptions): Promise<BenchRow[]> {
  const group = 'backend, launch mix';
  const k6 = findPeer(host, 'k6');
  const seconds = quick ? 8 : 11;
  const players: readonly { readonly name: string }[] = [{ name: 'sora' }, ...clientsOf([k6])];
  const runs = await inTurns(players, quick ? 1 : 3, async ({ name }, round) => {
    say(`${name}, ${group}, round ${round}`);
    return await playMix(host, stack, name, seconds);
  });
  const rowsOf = (name: string, figures: readonly Figure[]): BenchRow[] => figures.map(({ unit, pick, ...rest }) => ({ group, name, unit, ...spreadOf(runs(name).map(pick)), ...rest }));
  const cpuOf = (name: string): number[] => runs(name).map(cpu.pick);
  return [
    ...rowsOf('sora', [cpu, memory, p95, achieved, { unit: 'ms lateness, p99', pick: (run) => run.latencyMs.lateness.p99 ?? Number.NaN, must: { below: 10 } }]),
    ...(k6.kind === 'found' ? rowsOf('k6', [cpu, memory, p95, achieved]) : []),
    ratioRow({ group, figure: 'CPU/operation', must: { atMost: 1 / 8 } }, k6, cpuOf('sora'), cpuOf('k6')),
  ];
}

interface Figure {
  readonly unit: string;
  readonly pick: (run: Summary) => number;
  readonly must?: { readonly below: number };
}

const cpu: Figure = { unit: 'µs CPU/operation', pick: (run) => run.generator.cpuUsPerOperation };
const memory: Figure = { unit: 'MB resident', pick: (run) => run.generator.rssBytes / 1e6 };
const p95: Figure = { unit: 'ms response, p95', pick: (run) => run.latencyMs.response.p95 ?? Number.NaN };
const achieved: Figure = { unit: 'operations/s', pick: (run) => run.operations.achievedPerS };

async function playMix(host: Host, stack: BackendStack, name: string, seconds: number): Promise<Summary> {
  const what = name === 'sora' ? ['run', 'launch-mix', '--ramp', '2s'] : ['k6', 'load'];
  const command = soraCommand(host, 'load', ...what, '--users', String(users), '--think', `${thinkMs}ms`, '--duration', `${seconds}s`, '--quiet', '-o', 'json', '--stack', 'running');
  const cost = await measureCommand(host, command, { timeoutMs: (seconds + 120) * 1_000, env: stack.env, accepts: (exitCode) => exitCode === 0 || exitCode === 98 || exitCode === 99 });
  const run = summarySchema.parse(JSON.parse(cost.stdout));
  if (run.operations.failed > 0) throw new SoraError('bench_failed', `${run.operations.failed} operations of ${name} on the backend failed, and none may`);
  return run;
}

if (import.meta.main) await runBench(createNodeHost(), benchBackend);
