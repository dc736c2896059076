import { expect, test } from 'vitest';
import type { StackProcess } from '../supervisor/stack-state.ts';
import { adviseOn } from './status.ts';

const process = (name: string, state: StackProcess['state']): StackProcess => ({
  name, state, service: name, kind: 'worker', pid: null, port: null, restarts: 4, url: null, startedAt: null, readyAt: null, crashes: 5, metricsUrl: null, memoryLimitBytes: null,
});

test('what was given up is named with the next step, and nothing is said of sound processes', () => {
  expect(adviseOn({ processes: [process('api', 'ready')], tasks: [] })).toBe('');
  expect(adviseOn({ processes: [process('api', 'ready'), process('workers', 'failed')], tasks: [] })).toBe('workers ended too often and is not started again: npx sora logs --service workers says why; once that is mended: npx sora retry\n');
});
