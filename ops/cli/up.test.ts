import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { loadRouting, routingFiles } from '../alerting/routing/load.ts';
import { createTestHost } from '../core/test-host.ts';
import { describeReach } from './alert-reach.ts';
import { nextSteps, up } from './up.ts';

test('what next names alerts where a control plane runs, and the address of the API', () => {
  const commandsOf = (urls: Record<string, string>): string[] => nextSteps(urls).map(([command]) => command);
  expect(commandsOf({ gateway: 'http://127.0.0.1:8080', control: 'http://127.0.0.1:8070' })).toEqual(expect.arrayContaining(['http://127.0.0.1:8080/docs', 'npx sora alerts ls']));
  expect(commandsOf({ gateway: 'http://127.0.0.1:8080' }).join()).not.toContain('alerts');
});

test('what alerting cannot read is said before anything is started', async () => {
  const root = resolve(import.meta.dirname, '../..');
  const home = mkdtempSync(join(tmpdir(), 'sora-up-'));
  try {
    const oncall = join(home, 'oncall.yaml');
    writeFileSync(oncall, 'people: 3\n');
    const host = createTestHost();
    const context = { host: { ...host, process: { ...host.process, env: { SORA_ALERT_ONCALL: oncall } } }, home, root, topology: join(root, 'topology.json') };
    await expect(up.run(context, [])).rejects.toMatchObject({ code: 'invalid_config', exitCode: 104, message: expect.stringContaining(oncall) as string, hint: expect.stringContaining('npx sora up --no-alerts') as string });
    expect(host.files.exists(join(home, 'stack'))).toBe(false);
  } finally {
    rmSync(home, { recursive: true });
  }
});

test('whom alerts reach is said by severity', () => {
  const load = (env: Record<string, string>): string => {
    const host = createTestHost();
    return describeReach(loadRouting({ ...host, process: { ...host.process, env } }, routingFiles(resolve(import.meta.dirname, '../..'))));
  };
  expect(load({})).toBe('critical, high, medium, low: the log alone');
  expect(load({ PAGERDUTY_ROUTING_KEY: 'k' })).toBe('critical: pagerduty; high, medium, low: the log alone');
});
