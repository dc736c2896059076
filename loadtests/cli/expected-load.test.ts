import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { expectedLoad, loadText } from './expected-load.ts';
import { prepareRun } from './prepare.ts';

const host = createTestHost();
const folder = mkdtempSync(join(tmpdir(), 'sora-expected-'));
afterAll(() => rmSync(folder, { recursive: true }));
const target = ['--target', 'http://127.0.0.1:1'];

it('expects of shared iterations their steps, and no longer than they take', async () => {
  const run = await prepareRun(host, ['hello', '--target', 'http://127.0.0.1:1', '--think', '2s']);
  const sharing = (users: number, iterations: number): typeof run => ({ ...run, users, holdMs: 600_000, rampMs: 0, scenario: { ...run.scenario, arrival: { kind: 'iterations', users, iterations } } });
  expect(expectedLoad(sharing(10, 200))).toMatchObject({ operations: 200, operationsPerS: 5, durationMs: 40_000 });
  expect(expectedLoad(sharing(10, 200_000))).toMatchObject({ operations: 3_000, operationsPerS: 5, durationMs: 600_000 });
});
it('adds up stages of users over their time, and tells their peak', async () => {
  const load = expectedLoad(await prepareRun(host, ['hello', ...target, '--think', '2s', '--stages', '10s:100,20s:100,10s:300,5s:300']));
  // 500 + 2,000 + 2,000 + 1,500 user seconds, half an operation each.
  expect(load).toMatchObject({ operations: 3_000, durationMs: 45_000, peakPerS: 150, countsIterations: false });
});
it('adds up stages of arrivals, counts the steps of each, and says at least where journeys are functions', async () => {
  const write = (name: string, journey: string): string => {
    const file = join(folder, name);
    writeFileSync(file, `export default { name: 'open', description: 'work that arrives', users: 50, rampMs: 0, holdMs: 600000, thinkTimeMs: { kind: 'constant', value: 1000 },
      arrival: { kind: 'rate', stages: [{ perS: 10, durationMs: 1000 }] }, thresholds: {}, journeys: [{ name: 'one', weight: 1, ${journey} }] };`);
    return file;
  };
  const stages = [...target, '--stages', '2s:50,0s:300,2s:300,0s:50,3s:50'];
  const ofSteps = expectedLoad(await prepareRun(host, [write('steps.mjs', "steps: [{ op: 'a', run: async () => {} }, { op: 'b', run: async () => {} }]"), ...stages]));
  expect(ofSteps).toMatchObject({ operations: 1_600, durationMs: 7_000, operationsPerS: 100, peakPerS: 600 });
  expect(loadText(ofSteps)).toBe('about 1,600 requests, 100/s where judged and 600/s at the peak, 4.8 MB assuming 3 kB each, 7s and a drain of at most 30s');
  const ofFunction = expectedLoad(await prepareRun(host, [write('function.mjs', 'run: async () => {}'), ...stages]));
  expect(loadText(ofFunction)).toContain('at least 800 requests, 50/s where judged and 300/s at the peak (an iteration of a function counts as one');
});
