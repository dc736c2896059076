import { z } from 'zod';
import { runBench } from '../../../ops/core/bench-cli.ts';
import type { BenchOptions } from '../../../ops/core/bench-cli.ts';
import type { BenchRow } from '../../../ops/core/bench-row.ts';
import { SoraError } from '../../../ops/core/error.ts';
import type { Host } from '../../../ops/core/host.ts';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { spreadOf } from '../../../ops/core/statistics.ts';
import { startBareTarget } from './bare-target.ts';
import type { BareTarget } from './bare-target.ts';
import { sora } from './clients.ts';
import { withRunsFolder } from './load-cost.ts';
import { measureCommand } from './measured-command.ts';
import { stalledResponseMs, stalledServiceMs } from './stall.ts';
import type { Stall } from './stall.ts';

const quantiles = z.object({ p50: z.number(), p99: z.number() });
const summary = z.object({
  operations: z.object({ achievedPerS: z.number(), failed: z.number() }),
  latencyMs: z.object({ response: quantiles, service: quantiles, lateness: quantiles }),
  generator: z.object({ cpuUsPerOperation: z.number() }),
});
type Summary = z.infer<typeof summary>;

interface Paced {
  readonly home: string;
  readonly users: number;
  readonly ratePerS: number;
  readonly seconds: number;
  readonly sockets: number;
  /** The server's own limit; none unless given. */
  readonly servedPerS?: number;
  readonly during?: (target: BareTarget) => void;
}

const fastPerS = 20_000;
const latenessP99MsMax = 10;
/** Below it the schedule was not kept, and its lateness is that of another rate. */
const achievedRatioMin = 0.99;
/** How far what is measured may be from what is computed on paper. */
const toleranceRatio = 0.05;

/** Whether the schedule is kept at a high rate, and what a stall of the server looks like by each clock. */
async function benchLateness(host: Host, { quick, say }: BenchOptions): Promise<BenchRow[]> {
  const rounds = quick ? 1 : 3;
  const stall: Stall = { durationMs: quick ? 20_000 : 60_000, stallMs: 2_000, arrivalsPerS: 500, servedPerS: 1_000, sockets: 10 };
  const fast: Summary[] = [];
  const stalled: Summary[] = [];
  await withRunsFolder(host, async (home) => {
    for (let round = 1; round <= rounds; round++) {
      say(`20,000 operations/s, round ${round} of ${rounds}`);
      fast.push(await runPaced(host, { home, users: fastPerS, ratePerS: fastPerS, seconds: quick ? 5 : 10, sockets: 64 }));
      say(`a stall of 2 s in ${stall.durationMs / 1_000} s, round ${round} of ${rounds}`);
      stalled.push(await runStalled(host, home, stall));
    }
  });
  const at = (runs: readonly Summary[], pick: (run: Summary) => number): ReturnType<typeof spreadOf> => spreadOf(runs.map(pick));
  return [
    { group: 'lateness', name: '20,000 operations/s', unit: 'ms, p99', ...at(fast, (run) => run.latencyMs.lateness.p99), must: { below: latenessP99MsMax } },
    { group: 'lateness', name: 'achieved', unit: 'operations/s', ...at(fast, (run) => run.operations.achievedPerS), must: { atLeast: achievedRatioMin * fastPerS } },
    { group: 'lateness', name: 'generator', unit: 'µs CPU/operation', ...at(fast, (run) => run.generator.cpuUsPerOperation) },
    stallRow('response time', at(stalled, (run) => run.latencyMs.response.p99), stalledResponseMs(stall, 0.99)),
    stallRow('service time', at(stalled, (run) => run.latencyMs.service.p99), stalledServiceMs(stall, 0.99)),
  ];
}

function stallRow(name: string, measured: ReturnType<typeof spreadOf>, paperMs: number): BenchRow {
  const must = { atLeast: paperMs * (1 - toleranceRatio), atMost: paperMs * (1 + toleranceRatio) };
  return { group: 'stall', name, unit: 'ms, p99', ...measured, must, note: `${Math.round(paperMs)} on paper` };
}

/** Mean pause of a user beside a stall: hardly anybody's next operation is due while one waits, so arrivals are independent, as on paper. */
const stalledPauseS = 100;

/** The stall comes after a third of the run. */
function runStalled(host: Host, home: string, stall: Stall): Promise<Summary> {
  const { durationMs, arrivalsPerS, servedPerS, sockets } = stall;
  return runPaced(host, {
    home, users: arrivalsPerS * stalledPauseS, ratePerS: arrivalsPerS, seconds: durationMs / 1_000, sockets, servedPerS,
    during: (target) => stopFor(host, target, durationMs / 3, stall.stallMs),
  });
}

async function runPaced(host: Host, { home, users, ratePerS, seconds, sockets, servedPerS, during }: Paced): Promise<Summary> {
  const target = await startBareTarget(host, servedPerS === undefined ? {} : { servedPerS });
  try {
    during?.(target);
    const client = sora(host, home);
    const load = { kind: 'pause', users, seconds, target: target.url } as const;
    const command = [...client.command(load), '--pace', 'due', '--think', `${(users / ratePerS) * 1_000}ms`, '--sockets', String(sockets), '--workers', '1'];
    const cost = await measureCommand(host, command, {
      timeoutMs: (seconds + 60) * 1_000, env: client.env?.(load) ?? {}, accepts: (exitCode) => exitCode === 0 || exitCode === 98,
    });
    const run = summary.parse(JSON.parse(cost.stdout));
    if (run.operations.failed > 0) throw new SoraError('bench_failed', `${run.operations.failed} operations at ${ratePerS}/s failed, and none may`);
    return run;
  } finally {
    target.stop();
  }
}

/** Stops the server's process for a while: no request is answered, none is refused. */
function stopFor(host: Host, { pid }: BareTarget, afterMs: number, stallMs: number): void {
  host.timers.after(afterMs, () => {
    host.process.kill(pid, 'SIGSTOP');
    host.timers.after(stallMs, () => void host.process.kill(pid, 'SIGCONT'));
  });
}

if (import.meta.main) await runBench(createNodeHost(), benchLateness);
