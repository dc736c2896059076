import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { composeMeasurement } from './compose-measurement.ts';
import { Crew } from './crew.ts';
import { localOnly } from './guard.ts';
import { loadScenario } from './load-scenario.ts';
import { planRun } from './run-plan.ts';
import type { WorkerJob } from './worker-messages.ts';

const host = createNodeHost();
const scenarioFile = fileURLToPath(new URL('./fixtures/hello.ts', import.meta.url));

const jobOf = (plan: WorkerJob['plan']): WorkerJob => ({
  worker: 0, scenarioFile, plan, target: 'http://127.0.0.1:1', policy: localOnly, sockets: 1, shared: undefined, nurseryMb: 8, sampledUser: 0, partition: { index: 0, count: 1 },
});

it('tells how a worker ended that did not get ready', { timeout: 30_000 }, async () => {
  const plan = planRun(await loadScenario(scenarioFile), { users: 1 }, 'aabbccdd');
  const missing = fileURLToPath(new URL('./no-such-worker.ts', import.meta.url));
  const crew = new Crew({ host, workerFile: missing, plan, users: 1, jobs: [jobOf(plan)], graceMs: 1_000, onTick: undefined, log: () => undefined });
  await expect(crew.prepare().finally(() => crew.dismiss())).rejects.toThrow('worker 0 ended before it was ready (exit code 1)');
});

it('does not call a worker back to life that ended between getting ready and the start', { timeout: 30_000 }, async () => {
  const plan = planRun(await loadScenario(scenarioFile), { users: 1, rampMs: 0, holdMs: 60_000 }, 'aabbccdd');
  const said: string[] = [];
  const workerFile = fileURLToPath(new URL('./worker-main.ts', import.meta.url));
  const crew = new Crew({ host, workerFile, plan, users: 1, jobs: [jobOf(plan)], graceMs: 1_000, onTick: undefined, log: (message) => said.push(message) });
  try {
    await crew.prepare();
    const [pid = 0] = crew.pids;
    host.process.kill(pid, 'SIGKILL');
    // It is gone once its exit was noticed here.
    await expect.poll(() => host.process.kill(pid, 0), { timeout: 10_000 }).toBe(false);
    expect(await crew.run(host.clock.nowMs())).toMatchObject({ workersLost: [0], interrupted: false, aborted: undefined });
    expect(said).toContainEqual(expect.stringContaining('worker 0 is lost (signal SIGKILL)'));
  } finally {
    crew.dismiss();
  }
});

it('says of a worker that the scenario blocks that it does, and counts it among the workers', { timeout: 30_000 }, async () => {
  let skippedMs = 0;
  // Time is moved on: the coordinator waits for the run's end and 15 s more.
  const hasty = {
    ...host,
    clock: { ...host.clock, nowMs: () => host.clock.nowMs(), monotonicMs: () => host.clock.monotonicMs() + skippedMs },
    timers: { ...host.timers, after: (ms: number, run: () => void) => host.timers.after(Math.min(ms, 1_500), () => { skippedMs += ms; run(); }) },
  };
  const spins = fileURLToPath(new URL('./fixtures/spins.ts', import.meta.url));
  const plan = planRun(await loadScenario(spins), { drainMs: 1_000 }, 'aabbccdd');
  const workerFile = fileURLToPath(new URL('./worker-main.ts', import.meta.url));
  const crew = new Crew({ host: hasty, workerFile, plan, users: 1, jobs: [{ ...jobOf(plan), scenarioFile: spins }], graceMs: 1_000, onTick: undefined, log: () => undefined });
  try {
    await crew.prepare();
    const startedAtMs = host.clock.nowMs();
    const outcome = await crew.run(startedAtMs);
    const measured = composeMeasurement({
      ...outcome, plan, scenario: 'spins', target: 'http://127.0.0.1:1', runId: 'r', transport: 'pooled', runtime: 'node', sourceAddresses: 0, sockets: 1, workers: 1,
      startedAtMs, endedAtMs: host.clock.nowMs(),
    });
    expect([measured.workersLost, measured.workers.length]).toEqual([[0], 1]);
    expect(measured.errors).toMatchObject([{ kind: 'worker blocked', count: 1, firstMessage: expect.stringMatching(/^worker 0 is lost: no report in time, and silent for \d+ s: the scenario's code blocks it/) as string }]);
  } finally {
    crew.dismiss();
  }
});
