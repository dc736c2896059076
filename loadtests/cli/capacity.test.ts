import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestHost } from '../../ops/core/test-host.ts';
import { startLimitedServer } from '../capacity/fixture-server.ts';
import { capacitySchema } from '../capacity/result-schema.ts';
import { RunStore } from '../runs/store.ts';
import { suiteResultSchema } from '../suites/result-schema.ts';
import { capacityCommand } from './capacity.ts';

const host = createNodeHost();
const root = join(import.meta.dirname, '../..');
const capacityPerS = 120;
let home = '';
let server: Awaited<ReturnType<typeof startLimitedServer>>;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'sora-capacity-'));
  server = await startLimitedServer(capacityPerS, () => host.clock.monotonicMs());
});
afterAll(async () => {
  await server.stop();
  rmSync(home, { recursive: true });
});

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the generator may do to itself on a busy machine is not what is tested here. */
const patience = ['--validity', 'lateness=5s', '--validity', 'loop-delay=5s', '--validity', 'cpu=100%', '--validity', 'users=50%'];

function harness(args: readonly string[], onStderr?: (text: string, stop: () => void) => void): Promise<Ran> {
  const child = spawn(process.execPath, [join(root, 'loadtests/main.ts'), ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, SORA_HOME: home, NO_COLOR: '1' } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    onStderr?.(stderr, () => void child.kill('SIGINT'));
  });
  return new Promise((resolve, reject) => child.once('error', reject).once('close', (code) => resolve({ code, stdout, stderr })));
}

describe('load capacity', () => {
  it.each([['--run-id', 'friday'], ['--start-at', '2099-01-31T14:23:05Z'], ['--partition', '0/2'], ['--baseline', 'last:5'], ['--out', 'csv=seconds.csv']])('hands no %s on to its probes', async (flag, value) => {
    await expect(capacityCommand(createTestHost(), ['hello', '--target', server.url, flag, value])).rejects.toMatchObject({ exitCode: 104, message: expect.stringMatching(`${flag}.* cannot be given here: `) as string });
  });

  it('finds the rate of a real server whose capacity is known', { timeout: 120_000 }, async () => {
    const ran = await harness(['capacity', 'hello', '--target', server.url, '--from', '60/s', '--hold', '1s', '--precision', '100', '--probes', '7', '--today', '30/s', '-o', 'json', ...patience]);
    const result = capacitySchema.parse(JSON.parse(ran.stdout));
    expect(ran.stderr).toContain('✓ PASS');
    expect(ran.code).toBe(0);
    // A bucket of half a second lets a short hold do somewhat better than the rate.
    expect(result.capacity.ratePerS).toBeGreaterThanOrEqual(60);
    expect(result.capacity.ratePerS).toBeLessThanOrEqual(capacityPerS * 1.5);
    expect(result.capacity).toMatchObject({ confirmed: true, bound: 'thresholds' });
    expect(result.headroomRatio).toBeGreaterThanOrEqual(1);
    expect(result.probes.length).toBeLessThanOrEqual(7);
    // What the whole will use is told before, and what it used after.
    expect(ran.stderr).toMatch(/resources unknown: no earlier run of hello|at most about CPU/);
    expect(result.resources).toMatchObject({ used: { runs: result.probes.length, system: null }, money: null });
    expect(result.resources?.used.cpuS).toBeGreaterThan(0);
    expect(ran.stderr).toContain(`${result.probes.length} runs: CPU `);
    const folder = join(home, 'runs', result.runId);
    expect(JSON.parse(readFileSync(join(folder, 'capacity.json'), 'utf8'))).toEqual(result);
    expect(readFileSync(join(folder, 'capacity.html'), 'utf8')).toContain('Throughput by concurrency');
    // The confirming run stands for the search; each probe is kept below it.
    expect(JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'))).toMatchObject({ runId: result.runId, verdict: 'pass' });
    for (const probe of result.probes) expect(host.files.exists(join(folder, 'probes/runs', probe.runId, 'report.html'))).toBe(true);
    // Later runs are compared with it by its blocks.
    expect(new RunStore(host, join(home, 'runs')).readBlocks(result.runId)).toMatchObject({ runId: result.runId, operations: { home: expect.anything() } });
  });

  it('stops its probe when interrupted, and says so', { timeout: 60_000 }, async () => {
    let isStopped = false;
    const ran = await harness(['capacity', 'hello', '--target', server.url, '--from', '20/s', '--hold', '1s', '-o', 'json', ...patience], (text, stop) => {
      if (isStopped || !text.includes(' 1  rise')) return;
      isStopped = true;
      stop();
    });
    expect(ran.code).toBe(105);
    expect(JSON.parse(ran.stdout)).toMatchObject({ verdict: 'insufficient', reasons: ['interrupted'], probes: [expect.anything()] });
  });
});

describe('load suite', () => {
  it('runs parts side by side and in a spike, tells what it lacks, and writes one result', { timeout: 120_000 }, async () => {
    const load = { scenario: 'hello', users: 20, thinkS: 1 };
    const path = join(home, 'my-suite.json');
    const common = { target: 'visitors', rampS: 1, holdS: 2 };
    writeFileSync(path, JSON.stringify({
      name: 'mine', description: 'three kinds of part', parts: [
        { ...common, kind: 'run', name: 'together', loads: [load, { ...load, thresholds: ['response_time: p(95)<5000'] }] },
        { ...common, kind: 'spike', name: 'spike', loads: [load], times: 2, spikeS: 2, p95Ms: 5_000, recoveryMaxS: 2, goodputMin: 0.5 },
        { ...common, kind: 'run', name: 'lacking', loads: [{ ...load, needs: 'services/no-such-backend' }] },
      ],
    }));
    const ran = await harness(['suite', path, '--target', server.url, '-o', 'json', ...patience]);
    const result = suiteResultSchema.parse(JSON.parse(ran.stdout));
    expect(result.parts.map(({ name, verdict }) => [name, verdict])).toEqual([['together', 'pass'], ['spike', 'pass'], ['lacking', 'not-run']]);
    expect(result).toMatchObject({ verdict: 'insufficient', exitCode: 98, reasons: ['lacking: not run: needs services/no-such-backend'] });
    expect(ran.code).toBe(98);
    expect(result.parts[0]?.used?.runs).toBe(2);
    expect(result.resources).toMatchObject({ used: { runs: 4, operations: result.parts.reduce((sum, { used }) => sum + (used?.operations ?? 0), 0), system: null }, money: null });
    expect(ran.stderr).toMatch(/\n {2}(about CPU .* in all|resources unknown: no earlier run of hello )/);
    expect(result.parts[0]?.runs).toHaveLength(2);
    expect(result.parts[0]?.checks.map(({ name }) => name)).toContain('hello: response_time: p(95)<5000');
    expect(result.parts[1]?.checks.find(({ name }) => name === 'hello: recovery')).toMatchObject({ ok: true });
    expect(result.parts[1]?.checks.find(({ name }) => name === 'goodput')?.measured).toBeGreaterThan(1);
    const folder = join(home, 'suites', result.suiteId);
    expect(readFileSync(join(folder, 'junit.xml'), 'utf8')).toContain('<skipped message="not run: needs services/no-such-backend"');
    for (const { runId } of result.parts.flatMap(({ runs }) => runs)) expect(host.files.exists(join(folder, 'runs', runId, 'report.html'))).toBe(true);
  });
});
