import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { createNodeHost } from '../core/node-host.ts';
import type { StackProcess, StackState } from '../supervisor/stack-state.ts';
import { renderFamilies } from './exposition.ts';
import { processFamilies } from './process-metrics.ts';
import type { Observed } from './process-metrics.ts';
import { readMachine, readUsage } from './process-usage.ts';
import { listTargets } from './targets.ts';
import { parseTopology } from '../supervisor/topology.ts';

const api: StackProcess = {
  name: 'api-1', service: 'api', kind: 'api', pid: 10, port: 8_081, state: 'ready', restarts: 2, url: 'http://127.0.0.1:8081', startedAt: '2026-01-01T00:00:00.000Z',
  readyAt: '2026-01-01T00:00:01.250Z', crashes: 1, metricsUrl: 'http://127.0.0.1:8081/metrics', memoryLimitBytes: 1_000,
};
const doomed: StackProcess = { ...api, name: 'doomed', service: 'doomed', pid: null, state: 'failed', startedAt: null, readyAt: null, crashes: 5, metricsUrl: null, memoryLimitBytes: null };
const stack: StackState = { schema: 'sora.stack/v1', instance: 'i', supervisorPid: 1, startedAt: '', phase: 'up', database: 'sora', processes: [api, doomed], tasks: [], urls: {} };
const observed: Observed = {
  stack, supervisorUp: true, usage: new Map([[10, { cpuS: 1.5, residentBytes: 900 }]]), machine: { memoryBytes: 5_000, memoryAvailableBytes: 2_000, cores: 2 }, disk: { sizeBytes: 70, freeBytes: 30 },
};
const lines = (changed: Partial<Observed> = {}): string[] => renderFamilies(processFamilies({ ...observed, ...changed })).split('\n');

test('every process of the stack has its figures, and one that is gone those that stay', () => {
  const labels = '{process="api-1",service="api",kind="api"}';
  const gone = '{process="doomed",service="doomed",kind="api"}';
  expect(lines()).toEqual(expect.arrayContaining([
    'sora_supervisor_up 1', `sora_process_up${labels} 1`, `sora_process_up${gone} 0`, `sora_process_restarts_total${labels} 2`, `sora_process_crash_looping${labels} 0`, `sora_process_crash_looping${gone} 1`,
    `sora_process_cold_start_seconds${labels} 1.25`, `sora_process_cpu_seconds_total${labels} 1.5`, `sora_process_resident_memory_bytes${labels} 900`, `sora_process_memory_limit_bytes${labels} 1000`,
    `sora_process_memory_limit_bytes${gone} 5000`, 'sora_process_state{process="doomed",service="doomed",kind="api",state="failed"} 1', 'sora_disk_free_bytes{volume="state"} 30', 'sora_machine_memory_available_bytes 2000',
  ]));
  expect(lines().some((line) => line.startsWith(`sora_process_resident_memory_bytes${gone}`))).toBe(false);
  expect(lines({ supervisorUp: false })).toEqual(expect.arrayContaining(['sora_supervisor_up 0', `sora_process_up${labels} 0`]));
  expect(lines({ stack: undefined }).some((line) => line.startsWith('sora_process') || line.startsWith('sora_supervisor'))).toBe(false);
});

test('label values are escaped', () => {
  const text = renderFamilies([{ name: 'a', type: 'gauge', help: 'h', samples: [[{ path: 'C:\\x "y"\nz' }, Number.POSITIVE_INFINITY], [{}, Number.NaN]] }]);
  expect(text).toBe('# HELP a h\n# TYPE a gauge\na{path="C:\\\\x \\"y\\"\\nz"} +Inf\na NaN\n');
});

test('the usage of a process counts its children', async () => {
  const host = createNodeHost();
  // The parent idles; only its child works.
  const work = 'let x = 0; for (let i = 0; i < 1e8; i++) x += i; console.log("done"); setTimeout(() => {}, 1e6)';
  const parent = spawn(process.execPath, ['-e', `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(work)}], { stdio: "inherit" })`], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  const { pid = 0 } = parent;
  try {
    await once(parent.stdout, 'data');
    const usage = readUsage(host, [pid, process.pid]);
    expect(usage.get(pid)?.cpuS).toBeGreaterThan(0.05);
    expect(usage.get(pid)?.residentBytes).toBeGreaterThan(20e6);
    expect(usage.get(process.pid)?.residentBytes).toBeGreaterThan(20e6);
  } finally {
    process.kill(-pid, 'SIGKILL');
  }
  expect(readUsage(host, [4_194_304]).size).toBe(0);
  const machine = readMachine(host);
  expect(machine.memoryAvailableBytes).toBeGreaterThan(0);
  expect(machine.memoryAvailableBytes).toBeLessThanOrEqual(machine.memoryBytes);
});

test('targets are the processes that have metrics, else the ports of the topology, and what is configured', () => {
  const extra = { job: 'other', url: 'https://x.example/metrics', labels: { zone: 'a' }, bearerToken: 't' };
  const topology = parseTopology({ version: 1, ports: { web: 8_000, admin: 8_100 }, processes: [
    { name: 'web', kind: 'api', runtime: 'node', entry: 'x.ts', port: 'web', replicas: 2, readiness: { kind: 'http', path: '/', timeoutMs: 1_000 } },
    { name: 'gate', kind: 'gateway', runtime: 'node', entry: 'x.ts', port: 'web', readiness: { kind: 'http', port: 'admin', path: '/', timeoutMs: 1_000 } },
  ] });
  expect(listTargets(stack, topology, { targets: [extra] })).toEqual([{ job: 'api', url: 'http://127.0.0.1:8081/metrics', labels: {} }, extra]);
  expect(listTargets(undefined, topology, { targets: [] }).map(({ job, url }) => [job, url])).toEqual([['web', 'http://127.0.0.1:8000/metrics'], ['web', 'http://127.0.0.1:8001/metrics'], ['gate', 'http://127.0.0.1:8100/metrics']]);
});
