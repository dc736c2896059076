import { z } from 'zod';
import { runBench } from '../../../ops/core/bench-cli.ts';
import type { BenchOptions } from '../../../ops/core/bench-cli.ts';
import type { BenchRow } from '../../../ops/core/bench-row.ts';
import type { Host } from '../../../ops/core/host.ts';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { spreadOf } from '../../../ops/core/statistics.ts';
import { startBareTarget } from './bare-target.ts';
import type { BareTarget } from './bare-target.ts';
import { sora } from './clients.ts';
import { measureCommand } from './measured-command.ts';

const quantiles = z.object({ p50: z.number(), p99: z.number() });
const summary = z.object({
  operations: z.object({ achievedPerS: z.number() }),
  latencyMs: z.object({ response: quantiles, service: quantiles, lateness: quantiles }),
  generator: z.object({ cpuUsPerOperation: z.number() }),
});
type Summary = z.infer<typeof summary>;

interface Paced {
  readonly users: number;
  readonly ratePerS: number;
  readonly seconds: number;
  readonly sockets: number;
}

/** Whether the schedule is kept at a high rate, and what a stall of the server looks like by each clock. */
async function benchLateness(host: Host, { quick, say }: BenchOptions): Promise<BenchRow[]> {
  const rounds = quick ? 1 : 3;
  const fast: Summary[] = [];
  const stalled: Summary[] = [];
  for (let round = 1; round <= rounds; round++) {
    say(`20,000 operations/s, round ${round}`);
    fast.push(await runPaced(host, { users: 20_000, ratePerS: 20_000, seconds: quick ? 5 : 20, sockets: 64 }, () => undefined));
    say(`a stall of 2 s in ${quick ? 20 : 60} s, round ${round}`);
    stalled.push(await runPaced(host, { users: 500, ratePerS: 500, seconds: quick ? 20 : 60, sockets: 10 }, (target) => stall(host, target, quick ? 8_000 : 20_000)));
  }
  const at = (runs: readonly Summary[], pick: (run: Summary) => number): ReturnType<typeof spreadOf> => spreadOf(runs.map(pick));
  return [
    { group: 'lateness', name: '20,000 operations/s', unit: 'ms, p99', ...at(fast, (run) => run.latencyMs.lateness.p99), note: 'must be below 10' },
    { group: 'lateness', name: 'achieved', unit: 'operations/s', ...at(fast, (run) => run.operations.achievedPerS) },
    { group: 'lateness', name: 'generator', unit: 'µs CPU/operation', ...at(fast, (run) => run.generator.cpuUsPerOperation) },
    { group: 'stall', name: 'response time', unit: 'ms, p99', ...at(stalled, (run) => run.latencyMs.response.p99), note: `${stalledP99Ms(quick ? 20 : 60).toFixed(0)} by calculation` },
    { group: 'stall', name: 'service time', unit: 'ms, p99', ...at(stalled, (run) => run.latencyMs.service.p99), note: 'the 10 requests that were out are below 1 %: as without a stall' },
  ];
}

const stallMs = 2_000;

/**
 * p99 of the response time when one stall stops everything: what falls due meanwhile waits until its end, so
 * waits are uniform over 0 to 2 s; the slowest 1 % of all are the slowest (1 % · duration / stall) of these.
 */
export function stalledP99Ms(durationS: number): number {
  return stallMs * (1 - (0.01 * durationS * 1_000) / stallMs);
}

async function runPaced(host: Host, { users, ratePerS, seconds, sockets }: Paced, during: (target: BareTarget) => void): Promise<Summary> {
  const target = await startBareTarget(host);
  try {
    during(target);
    const command = [
      ...sora(host).command({ kind: 'pause', users, seconds, target: target.url }),
      '--pace', 'due', '--think', `${(users / ratePerS) * 1_000}ms`, '--sockets', String(sockets), '--workers', '1',
    ];
    const cost = await measureCommand(host, command, { timeoutMs: (seconds + 60) * 1_000, accepts: (exitCode) => exitCode === 0 || exitCode === 98 });
    return summary.parse(JSON.parse(cost.stdout));
  } finally {
    target.stop();
  }
}

/** Stops the server's process for a while: no request is answered, none is refused. */
function stall(host: Host, { pid }: BareTarget, afterMs: number): void {
  host.timers.after(afterMs, () => {
    host.process.kill(pid, 'SIGSTOP');
    host.timers.after(stallMs, () => void host.process.kill(pid, 'SIGCONT'));
  });
}

if (import.meta.main) await runBench(createNodeHost(), benchLateness);
