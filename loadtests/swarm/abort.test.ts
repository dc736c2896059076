import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { runSwarm, type RunSoFar } from './coordinator.ts';

const server = createServer((_request, response) => response.end('ok'));
let target = '';
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

it('ends a run that is judged, hands over what was measured, and does not call it interrupted', async () => {
  const asked: RunSoFar[] = [];
  const measured = await runSwarm({
    host: createNodeHost(), scenarioFile: fileURLToPath(new URL('./fixtures/hello.ts', import.meta.url)), target, runId: 'aabbccdd', log: () => undefined,
    overrides: { users: 20, rampMs: 0, holdMs: 60_000, workers: 1, thinkTimeMs: { kind: 'constant', value: 100 } },
    abortWhen: (soFar) => {
      asked.push(soFar);
      return soFar.elapsedMs >= 2_000 ? 'enough seen' : undefined;
    },
  });
  expect(measured).toMatchObject({ aborted: 'enough seen', interrupted: false, workersLost: [] });
  expect(measured.endedAtMs - measured.startedAtMs).toBeLessThan(20_000);
  expect(asked.slice(0, 2).map(({ elapsedMs, phases }) => [elapsedMs, phases])).toEqual([
    [1_000, [{ name: 'hold', startMs: 0, endMs: 1_000 }]],
    [2_000, [{ name: 'hold', startMs: 0, endMs: 2_000 }]],
  ]);
  const total = (soFar: Pick<RunSoFar, 'operations'>): number => soFar.operations.reduce((sum, sample) => sum + sample.total, 0);
  expect(total(asked[0]!)).toBeGreaterThan(0);
  expect(total(measured)).toBeGreaterThanOrEqual(total(asked[1]!));
});
