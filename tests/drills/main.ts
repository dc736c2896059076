/**
 * Proves what the platform promises by breaking it from outside: signals, a stopped database, a slow
 * provider, twice the load, wrong input. Each drill runs the real command line and checks stated
 * conditions. Run it with `npm run prove`, or `node ops/cli/bootstrap.mjs --exec tests/drills/main.ts`.
 * Exit code 0 when every condition held, 99 when one did not, 104 for wrong arguments.
 */
import { resolve } from 'node:path';
import { formatDuration } from '../../ops/core/duration.ts';
import { messageOf } from '../../ops/core/error.ts';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { badInput } from './bad-input.ts';
import { compareRuns } from './compare-runs.ts';
import { holds, renderCheck } from './check.ts';
import type { Check } from './check.ts';
import type { Drill, DrillContext } from './drill.ts';
import { frozenDb } from './frozen-db.ts';
import { killHarnessWorker } from './kill-harness-worker.ts';
import { killService } from './kill-service.ts';
import { killSupervisor } from './kill-supervisor.ts';
import { readArguments } from './arguments.ts';
import { overload } from './overload.ts';
import { slowAi } from './slow-ai.ts';

const drills: readonly Drill[] = [
  badInput,
  killService('kill-api', 'api', 'an api process'),
  killService('kill-worker', 'workers', 'a worker process'),
  killService('kill-gateway', 'gateway', 'the gateway'),
  killService('kill-postmaster', 'database', 'the postmaster'),
  killHarnessWorker,
  killSupervisor,
  slowAi,
  frozenDb,
  overload,
  compareRuns,
];

interface Outcome {
  readonly drill: string;
  readonly ok: boolean;
  readonly tookS: number;
  readonly checks: readonly Check[];
}

/** Runs a drill, and whatever becomes of it, waits for the end of all that it started. */
async function prove(drill: Drill, common: Omit<DrillContext, 'signal' | 'track'>, stop: AbortSignal): Promise<Outcome> {
  const { clock, stderr } = common.host;
  const startMs = clock.monotonicMs();
  stderr.write(`\n${drill.name}: ${drill.summary}\n`);
  const over = new AbortController();
  const started: Promise<unknown>[] = [];
  let checks: Check[];
  try {
    checks = await drill.run({ ...common, signal: AbortSignal.any([stop, over.signal]), track: (ended) => void started.push(ended) });
  } catch (error) {
    checks = [holds('the drill ran to its end', false, messageOf(error), 'no error')];
  } finally {
    over.abort();
    await Promise.allSettled(started);
  }
  return { drill: drill.name, ok: checks.every(({ ok }) => ok), tookS: Math.round((clock.monotonicMs() - startMs) / 1_000), checks };
}

function render({ drill, ok, tookS, checks }: Outcome): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return `${ok ? '✓' : '✗'} ${drill} (${tookS} s)\n${checks.map((check) => renderCheck(check, width)).join('\n')}\n`;
}

const host = createNodeHost();
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) host.process.onSignal(name, () => stop.abort(new Error('stopped by a signal')));
const root = resolve(import.meta.dirname, '../..');
const wanted = readArguments(host, drills);
if (wanted !== undefined) {
  const { users, ratePerS, holdMs } = wanted.size;
  host.stderr.write(`${wanted.drills.length} drills with ${users} users at ${ratePerS} operations/s, hold ${formatDuration(holdMs)}\n`);
  const common = { host, root, home: wanted.home ?? resolve(root, '.sora/drills'), size: wanted.size, say: (text: string) => host.stderr.write(`  ${text}\n`) };
  const outcomes: Outcome[] = [];
  for (const drill of wanted.drills) {
    if (stop.signal.aborted) break;
    const outcome = await prove(drill, common, stop.signal);
    outcomes.push(outcome);
    (wanted.json ? host.stderr : host.stdout).write(render(outcome));
  }
  if (wanted.json) host.stdout.write(`${JSON.stringify({ schema: 'sora.drills/v1', size: wanted.size, outcomes }, null, 2)}\n`);
  const passed = outcomes.filter(({ ok }) => ok).length;
  host.stderr.write(`\n${passed} of ${wanted.drills.length} drills passed\n`);
  host.process.setExitCode(stop.signal.aborted ? 105 : passed === wanted.drills.length ? 0 : 99);
}
