import { expect, test } from 'vitest';
import type { StackProcess, StackState } from '../supervisor/stack-state.ts';
import { processEvents } from './process-events.ts';

const process: StackProcess = { name: 'api', service: 'api', kind: 'api', pid: 1, port: 1, state: 'ready', restarts: 0, url: null, startedAt: null, readyAt: null, crashes: 0, metricsUrl: null, memoryLimitBytes: null };
const stack = (changed: Partial<StackProcess>, phase: StackState['phase'] = 'up', instance = 'i'): StackState => ({ schema: 'sora.stack/v1', instance, supervisorPid: 1, startedAt: '', phase, database: '', processes: [{ ...process, ...changed }], tasks: [], urls: {} });
const states = (before: StackState | undefined, after: StackState | undefined): string[] => processEvents(before, after, 7).map(({ details }) => (details.kind === 'process' ? `${details.process} ${details.state}` : ''));

test('changes of processes are told, and what came back between two looks', () => {
  expect(states(stack({}), stack({ state: 'unready' }))).toEqual(['api unready']);
  expect(states(stack({ state: 'unready' }), stack({}))).toEqual(['api ready']);
  expect(states(stack({}), stack({ state: 'backoff' }))).toEqual(['api backoff']);
  expect(states(stack({}), stack({ restarts: 2 }))).toEqual(['api restarted', 'api restarted']);
  expect(states(stack({ state: 'backoff', restarts: 3 }), stack({ state: 'failed', restarts: 3 }))).toEqual(['api failed']);
  expect(states(stack({}), stack({}))).toEqual([]);
  expect(states(stack({}), stack({ state: 'starting' }))).toEqual([]);
});

test('each restart is told once, whatever state the look catches', () => {
  const looks = [stack({}), stack({ state: 'unready' }), stack({ state: 'starting', restarts: 1 }), stack({ restarts: 1 }), stack({ state: 'backoff', restarts: 3 }), stack({ state: 'failed', restarts: 4 })];
  const told = looks.slice(1).map((look, index) => states(looks[index], look));
  expect(told).toEqual([['api unready'], ['api restarted'], ['api ready'], ['api restarted', 'api restarted', 'api backoff'], ['api restarted', 'api failed']]);
  const keys = processEvents(looks[3], looks[4], 7).map(({ key }) => key);
  expect(new Set(keys).size).toBe(3);
  expect(states(stack({}), stack({ restarts: 1_000 }))).toHaveLength(20);
});

test('a stack that is new, another, or stopped on purpose has no story', () => {
  expect(states(undefined, stack({ state: 'failed' }))).toEqual([]);
  expect(states(stack({}), undefined)).toEqual([]);
  expect(states(stack({}), stack({ state: 'failed' }, 'up', 'other'))).toEqual([]);
  expect(states(stack({}), stack({ state: 'stopping' }, 'stopping'))).toEqual([]);
});
