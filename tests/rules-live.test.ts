import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rules } from '../ops/cli/rules.ts';
import { createNodeHost } from '../ops/core/node-host.ts';
import { createTestHost } from '../ops/core/test-host.ts';
import { findFreePorts } from '../ops/supervisor/ports.ts';
import { readLiveStack } from '../ops/supervisor/stack-state.ts';
import { readTopology } from '../ops/supervisor/topology.ts';

const host = createNodeHost();
const root = join(import.meta.dirname, '..');
let home = '';

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'sora-rules-live-'));
  // As root the database has another user, who must be able to pass.
  chmodSync(home, 0o711);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function check(...given: string[]): Promise<string> {
  const own = createTestHost();
  await rules.run({ host: own, root, home, topology: join(root, 'topology.json') }, ['check', '--live', ...given]);
  return own.written.stdout;
}

test('every metric that a shipped rule asks for is exported by the stack, before any user came', { timeout: 180_000 }, async () => {
  const names = Object.keys(readTopology(host, join(root, 'topology.json')).ports);
  const ports = await findFreePorts(names.length);
  const flags = names.flatMap((name, index) => ['--port', `${name}=${ports[index]}`]);
  const stack = spawn(process.execPath, [join(root, 'ops/cli/bootstrap.mjs'), 'up', ...flags], {
    cwd: root, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, SORA_HOME: home, NO_COLOR: '1', DATABASE_URL: '', PROMETHEUS_URL: '', SORA_SCRAPE_INTERVAL: '2s' },
  });
  const exited = once(stack, 'exit');
  let said = '';
  stack.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
  try {
    await expect.poll(() => stack.exitCode ?? readLiveStack(host, join(home, 'stack'))?.phase, { timeout: 90_000, interval: 200 }).toBe('up');
    await expect.poll(() => check(), { timeout: 60_000, interval: 1_000 }).toBe('');
    writeFileSync(join(home, 'renamed.yaml'), "groups: [{name: renamed, rules: [{record: 'jobs:deep', expr: queue_depth + up + queue_depth_before_its_name_changed}]}]");
    expect(await check(join(home, 'renamed.yaml'))).toContain('jobs:deep: queue_depth_before_its_name_changed: no process of the running stack exports it\n');
    expect(await check(join(home, 'renamed.yaml'))).not.toMatch(/queue_depth: no process of/);
  } catch (error) {
    process.stderr.write(`the stack said:\n${said}\n`);
    throw error;
  } finally {
    stack.kill('SIGINT');
    await exited;
  }
});
