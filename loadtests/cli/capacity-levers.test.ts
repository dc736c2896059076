import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { startLimitedServer } from '../capacity/fixture-server.ts';
import { capacitySchema } from '../capacity/result-schema.ts';
import type { CapacityResult } from '../capacity/result-schema.ts';

const host = createNodeHost();
const root = join(import.meta.dirname, '../..');
const capacityPerS = 120;
/** What the generator may do to itself on a busy machine is not what is tested here. */
const patience = ['--validity', 'lateness=5s', '--validity', 'loop-delay=5s', '--validity', 'cpu=100%', '--validity', 'users=50%'];
let home = '';
let server: Awaited<ReturnType<typeof startLimitedServer>>;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'sora-levers-'));
  server = await startLimitedServer(capacityPerS, () => host.clock.monotonicMs());
});
afterAll(async () => {
  await server.stop();
  rmSync(home, { recursive: true });
});

function capacity(scenario: string, text: string, flags: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const path = join(home, `${scenario}.ts`);
  writeFileSync(path, `import { scenario } from ${JSON.stringify(join(root, 'loadtests/swarm/scenario.ts'))};
const open = async ({ http }) => void (await http.request({ method: 'GET', path: '/' }));
export default scenario({ name: ${JSON.stringify(scenario)}, description: '', thresholds: { http_req_failed: ['rate<0.01'] }, ${text} });\n`);
  const args = ['capacity', path, '--target', server.url, '--precision', '100', '--probes', '6', '-o', 'json', ...patience, ...flags];
  const child = spawn(process.execPath, [join(root, 'loadtests/main.ts'), ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, SORA_HOME: home, NO_COLOR: '1' } });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => child.once('error', reject).once('close', (code) => resolve({ code, stdout, stderr })));
}

function found({ stdout, stderr }: { stdout: string; stderr: string }): CapacityResult {
  expect(stderr).toContain('✓ PASS');
  return capacitySchema.parse(JSON.parse(stdout));
}

describe('load capacity', () => {
  it('searches by the rate of arrivals where work arrives', { timeout: 120_000 }, async () => {
    const ran = await capacity('visits', `users: 400, thinkTimeMs: { kind: 'constant', value: 0 },
      arrival: { kind: 'sessions', stages: [{ perS: 15, durationMs: 1_000 }, { perS: 15, durationMs: 5_000 }] },
      journeys: [{ name: 'visit', weight: 1, run: async (user) => { await open(user); await user.think(50); await open(user); } }],`, ['--hold', '1s']);
    const result = found(ran);
    expect(ran.stderr).toContain('from 15 arrivals/s');
    // Each arrival makes two requests.
    expect(result).toMatchObject({ unit: 'arrivals', capacity: { confirmed: true, bound: 'thresholds' } });
    expect(result.capacity.ratePerS).toBeGreaterThanOrEqual(30);
    expect(result.capacity.ratePerS).toBeLessThanOrEqual((capacityPerS / 2) * 1.5);
  });

  it('sets the rate of steps with pauses of their own', { timeout: 120_000 }, async () => {
    const result = found(await capacity('recorded', `users: 40, rampMs: 0, holdMs: 9_000, thinkTimeMs: { kind: 'constant', value: 2_000 },
      journeys: [{ name: 'visit', weight: 1, steps: [{ op: 'open', run: open }, { op: 'read', run: open, thinkTimeMs: { kind: 'uniform', from: 4_000, to: 8_000 } }, { op: 'leave', run: open, thinkTimeMs: { kind: 'constant', value: 1_000 } }] }],`, ['--hold', '2s', '--from', '60/s']));
    expect(result.capacity).toMatchObject({ confirmed: true, bound: 'thresholds' });
    expect(result.probes[0]).toMatchObject({ ratePerS: 60, outcome: 'met' });
    expect(result.probes[0]?.offeredPerS).toBeGreaterThan(50);
    expect(result.unit).toBeUndefined();
  });

  it('learns from its first probe how often functions act', { timeout: 120_000 }, async () => {
    const result = found(await capacity('functions', `users: 40, rampMs: 0, holdMs: 9_000, thinkTimeMs: { kind: 'constant', value: 1_000 },
      journeys: [{ name: 'visit', weight: 1, run: async (user) => { for (let n = 0; n < 3; n++) { await user.think(3_000); await open(user); } } }],`, ['--hold', '3s', '--from', '40/s']));
    expect(result.probes.slice(0, 2)).toMatchObject([{ ratePerS: 40, outcome: 'unclear' }, { ratePerS: 40, outcome: 'met' }]);
    expect(result.capacity).toMatchObject({ confirmed: true, bound: 'thresholds' });
    expect(result.capacity.ratePerS).toBeLessThanOrEqual(capacityPerS * 1.5);
  });

  it('searches among users who come in stages by their think time', { timeout: 120_000 }, async () => {
    const result = found(await capacity('stages', `thinkTimeMs: { kind: 'exponential', mean: 500 },
      arrival: { kind: 'users', stages: [{ users: 30, durationMs: 1_000 }, { users: 30, durationMs: 5_000 }] },
      journeys: [{ name: 'visit', weight: 1, steps: [{ op: 'open', run: open }] }],`, ['--hold', '2s']));
    expect(result.search.fromPerS).toBe(60);
    expect(result.capacity).toMatchObject({ confirmed: true, bound: 'thresholds' });
  });

  it('says of shared iterations that they come at no rate', { timeout: 30_000 }, async () => {
    const { code, stderr } = await capacity('shared', `thinkTimeMs: { kind: 'constant', value: 0 },
      arrival: { kind: 'iterations', users: 4, iterations: 40 }, journeys: [{ name: 'visit', weight: 1, steps: [{ op: 'open', run: open }] }],`, []);
    expect([code, stderr]).toEqual([104, expect.stringContaining('shared shares iterations, which come at no rate')]);
  });
});
