import { tmpdir } from 'node:os';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { measureFsync, describeMachine } from './machine.ts';
import { createProcessSampler, createTreeSampler, readProcessTable } from './processes.ts';
import type { ProcessRow } from './processes.ts';

const host = createNodeHost();
const row = (pid: number, parentPid: number, cpuUs: number, rssBytes = 100, privateBytes = 40): ProcessRow => ({ pid, parentPid, cpuUs, rssBytes, privateBytes });

describe('createProcessSampler', () => {
  it('adds children to their process and follows a restart', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sora-state-'));
    const path = join(folder, 'state.json');
    const state = (api: number): void => host.files.writeText(path, JSON.stringify({ processes: [{ name: 'postgres', pid: 10 }, { name: 'api-1', pid: api }, { name: 'gone', pid: null }] }));
    let table: ProcessRow[] = [row(1, 0, 9e9), row(10, 1, 1_000), row(11, 10, 500), row(20, 1, 2_000)];
    const sampler = createProcessSampler(host, path, () => table);
    state(20);
    sampler.sample();
    table = [row(10, 1, 1_600), row(11, 10, 700), row(12, 10, 300), row(20, 1, 3_000)];
    sampler.sample();
    state(21);
    table = [row(10, 1, 1_600), row(21, 1, 400, 900)];
    sampler.sample();
    rmSync(folder, { recursive: true });
    sampler.sample();
    expect(sampler.result(10)).toEqual([
      { name: 'api-1', cpuUsPerOperation: 140, rssMaxBytes: 900 },
      { name: 'postgres', cpuUsPerOperation: 110, rssMaxBytes: 180 },
    ]);
    expect(sampler.result(0)[0]?.cpuUsPerOperation).toBeNull();
    const { processes, memory } = sampler.usage();
    expect(processes.map(({ name, cpuS }) => [name, cpuS])).toEqual([['api-1', 0.001_4], ['postgres', 0.001_1]]);
    expect(memory.points()[0]?.bytes).toEqual({ postgres: 140, 'api-1': 100 });
  });
  it('follows one process with what it starts, such as k6 and its browsers', () => {
    let table: ProcessRow[] = [row(1, 0, 9e9), row(10, 1, 0)];
    const sampler = createTreeSampler(host, () => [{ name: 'generator', pid: 10 }], () => table);
    sampler.sample();
    table = [row(10, 1, 2_000, 500), row(11, 10, 700, 300, 200), row(30, 1, 5_000)];
    sampler.sample();
    table = [row(10, 1, 2_500, 400)];
    sampler.sample();
    expect(sampler.usage().processes).toMatchObject([{ name: 'generator', cpuS: 0.003_2 }]);
    expect(sampler.result(1)).toEqual([{ name: 'generator', cpuUsPerOperation: 3_200, rssMaxBytes: 700 }]);
  });

  it('reads the real table of processes', () => {
    const own = readProcessTable(host).find((process) => process.pid === host.process.pid);
    expect(own?.cpuUs).toBeGreaterThan(0);
    expect(own?.rssBytes).toBeGreaterThan(10e6);
  });
});

describe('the machine', () => {
  it('measures the disk in the first folder that can be written', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sora-fsync-'));
    expect(measureFsync(host, ['/no/such/folder', folder])).toBeGreaterThanOrEqual(0);
    expect(host.files.list(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
    expect(measureFsync(host, ['/no/such/folder'])).toBeNull();
  });
  it('leaves unknown what it cannot ask', async () => {
    expect(await describeMachine(host, tmpdir(), 'postgres://nobody@127.0.0.1:1/none')).toMatchObject({ fsync: null, synchronous_commit: null, fileSystem: null, fsyncMedianMs: null });
    expect(await describeMachine(host, tmpdir(), undefined)).toMatchObject({ fileSystem: null, fsyncMedianMs: null });
  });
});
