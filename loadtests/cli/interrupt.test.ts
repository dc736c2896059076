import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Summary } from '../report/summary-schema.ts';

const root = join(import.meta.dirname, '../..');
const home = mkdtempSync(join(tmpdir(), 'sora-interrupt-'));
const audits: string[] = [];
let likes = 0;

/** An api that takes likes and leaves the rest of a run unanswered: reading the feed ends by itself never. */
const server = createServer((request, reply) => {
  const path = request.url?.split('?')[0] ?? '';
  const answer = (value: unknown): void => void reply.setHeader('content-type', 'application/json').end(JSON.stringify(value));
  request.setEncoding('utf8');
  let body = '';
  request.on('data', (text: string) => (body += text)).on('end', () => {
    if (path === '/admin/sessions') return answer({ sessions: Array.from({ length: (JSON.parse(body) as { count: number }).count }, () => ({ accessToken: 'token' })) });
    if (path === '/admin/accounts/summary') return answer({ total: 100, seeded: 100 });
    if (path === '/feed' && request.url?.endsWith('limit=1') === true) return answer({ items: [{ id: 9 }] });
    if (path.endsWith('/like')) return (likes++, answer({ liked: true, likes: likes, created: true }));
    if (path.startsWith('/admin/') || path.startsWith('/ledger')) audits.push(path);
  });
});

let target = '';
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(home, { recursive: true });
});

it('a second interrupt writes what was measured, and waits neither for replies nor for the audit', { timeout: 60_000 }, async () => {
  const child = spawn(process.execPath, [join(root, 'loadtests/main.ts'), 'run', 'launch-mix', '--users', '100', '--think', '500ms', '--ramp', '1s', '--duration', '600s', '-o', 'json'], {
    env: { PATH: process.env['PATH'] ?? '', SORA_HOME: home, SORA_TARGET: target, SORA_ADMIN_URL: target, SORA_ADMIN_SECRET: 'secret' }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr, hurriedAtMs] = ['', '', 0];
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => {
    const before = stderr;
    stderr += bytes.toString();
    const isNew = (text: string): boolean => stderr.includes(text) && !before.includes(text);
    if (isNew('hold  users')) child.kill('SIGINT');
    if (isNew('Press Ctrl-C again')) {
      hurriedAtMs = performance.now();
      child.kill('SIGINT');
    }
  });
  const [code] = (await once(child, 'close')) as [number | null];
  // What is under way alone would be waited for 2 s.
  expect(performance.now() - hurriedAtMs).toBeLessThan(1_500);
  const summary = JSON.parse(stdout) as Summary;
  expect([code, summary.exitCode, summary.reasons.slice(0, 2), audits]).toEqual([105, 105, ['interrupted', 'audit: not run: the run was ended at once'], []]);
  expect(summary.audit?.acknowledgedWrites).toBeGreaterThan(0);
  expect(JSON.parse(readFileSync(join(home, 'runs/latest/summary.json'), 'utf8'))).toEqual(summary);
});

it('the first interrupt ends a setup that would go on, and a teardown follows', { timeout: 60_000 }, async () => {
  const file = join(home, 'slow-setup.ts');
  writeFileSync(file, `import { scenario } from 'sora';
export default scenario({
  name: 'slow-setup', description: 'its setup takes an hour', users: 1, rampMs: 0, holdMs: 1_000, thinkTimeMs: { kind: 'constant', value: 100 },
  setup: async () => { process.stderr.write('setup has begun\\n'); await new Promise((resolve) => setTimeout(resolve, 3_600_000)); },
  teardown: async () => { process.stderr.write('teardown has run\\n'); },
  timeouts: { setupMs: 3_600_000 },
  journeys: [{ name: 'visit', weight: 1, steps: [{ op: 'home', run: async ({ http }) => { await http.request({ method: 'GET', path: '/' }); } }] }], thresholds: {},
});
`);
  const child = spawn(process.execPath, [join(root, 'loadtests/main.ts'), 'run', file, '--target', target, '-o', 'json'], {
    env: { PATH: process.env['PATH'] ?? '', SORA_HOME: home }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr, stoppedAtMs] = ['', '', 0];
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
    if (stoppedAtMs > 0 || !stderr.includes('setup has begun')) return;
    stoppedAtMs = performance.now();
    child.kill('SIGINT');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  expect(performance.now() - stoppedAtMs).toBeLessThan(10_000);
  expect(stderr).toContain('teardown has run');
  expect([code, (JSON.parse(stdout) as Summary).reasons[0]]).toEqual([105, 'interrupted']);
});

it('ends its load when the command that started it is killed', { timeout: 60_000 }, async () => {
  const file = join(home, 'left.ts');
  writeFileSync(file, `import { scenario } from 'sora';
export default scenario({
  name: 'left', description: 'a long one', users: 2, rampMs: 0, holdMs: 600_000, thinkTimeMs: { kind: 'constant', value: 100 },
  journeys: [{ name: 'visit', weight: 1, steps: [{ op: 'home', run: async ({ http }) => { await http.request({ method: 'GET', path: '/' }); } }] }], thresholds: {},
});
`);
  const command = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const child = spawn(process.execPath, [join(root, 'loadtests/main.ts'), 'run', file, '--target', target, '-o', 'json'], {
    env: { PATH: process.env['PATH'] ?? '', SORA_HOME: home, SORA_COMMAND_PID: String(command.pid) }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
    if (/^0:\d\d hold/m.test(stderr)) command.kill('SIGKILL');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  expect(stderr).toContain('the command that started this is gone');
  expect([code, (JSON.parse(stdout) as Summary).reasons[0]]).toEqual([105, 'interrupted']);
});

it('says before the load that there is no place for what it measures', { timeout: 60_000 }, async () => {
  const taken = join(home, 'a-file');
  writeFileSync(taken, '');
  const child = spawn(process.execPath, [join(root, 'loadtests/main.ts'), 'run', 'hello', '--target', target], { env: { PATH: process.env['PATH'] ?? '', SORA_HOME: taken }, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  expect([code, stderr]).toEqual([104, expect.stringMatching(/runs cannot be kept in .*a-file.runs: .*\n.*SORA_HOME/)]);
});

it('an interrupt while the scenario is loaded ends with the same code as a later one, and says so', { timeout: 60_000 }, async () => {
  const file = join(home, 'slow-import.ts');
  writeFileSync(file, `process.stderr.write('it is loaded\\n');
await new Promise((resolve) => setTimeout(resolve, 3_600_000));
export default {};
`);
  const child = spawn(process.execPath, [join(root, 'loadtests/main.ts'), 'run', file, '--target', target], { env: { PATH: process.env['PATH'] ?? '', SORA_HOME: home }, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (bytes: Buffer) => {
    const isFirst = !stderr.includes('it is loaded');
    stderr += bytes.toString();
    if (isFirst && stderr.includes('it is loaded')) child.kill('SIGINT');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  expect([code, stderr]).toEqual([105, expect.stringContaining('stopped before anything was measured')]);
});
