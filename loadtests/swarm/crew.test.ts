import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { Crew } from './crew.ts';
import { localOnly } from './guard.ts';
import { loadScenario } from './load-scenario.ts';
import { planRun } from './run-plan.ts';
import type { WorkerJob } from './worker-messages.ts';

const host = createNodeHost();
const scenarioFile = fileURLToPath(new URL('./fixtures/hello.ts', import.meta.url));

it('tells how a worker ended that did not get ready', { timeout: 30_000 }, async () => {
  const plan = planRun(await loadScenario(scenarioFile), { users: 1 }, 'aabbccdd');
  const job: WorkerJob = { worker: 0, scenarioFile, plan, target: 'http://127.0.0.1:1', policy: localOnly, sockets: 1, shared: undefined, sampledUser: 0, partition: { index: 0, count: 1 } };
  const missing = fileURLToPath(new URL('./no-such-worker.ts', import.meta.url));
  const crew = new Crew({ host, workerFile: missing, plan, users: 1, jobs: [job], graceMs: 1_000, onTick: undefined, log: () => undefined });
  await expect(crew.prepare().finally(() => crew.dismiss())).rejects.toThrow('worker 0 ended before it was ready (exit code 1)');
});
