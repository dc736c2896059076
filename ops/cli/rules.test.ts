import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createTestHost } from '../core/test-host.ts';
import { renderHelp } from './command.ts';
import { rules } from './rules.ts';

const root = mkdtempSync(join(tmpdir(), 'sora-rules-cli-'));
for (const folder of ['alerts/rules', 'alerts/tests', 'runbooks']) mkdirSync(join(root, folder), { recursive: true });
const write = (path: string, text: string): void => writeFileSync(join(root, path), text);
write('alerts/rules/up.yaml', `
groups:
  - name: up
    rules:
      - alert: Down
        expr: up == 0
        labels: {severity: high, owner: platform}
        annotations: {summary: '{{ $labels.job }} is down', description: d, impact: 'count(up == 0) # processes', runbook: runbooks/down.md}
`);
write('alerts/tests/up.test.yaml', `
rule_files: [../rules/up.yaml]
tests:
  - name: down
    input_series: [{series: 'up{job="api"}', values: '0 0'}]
    alert_rule_test: [{eval_time: 1m, alertname: Down, exp_alerts: [{exp_labels: {job: api, severity: high, owner: platform}, exp_annotations: {summary: api is down, description: d, impact: 'count(up == 0) # processes', runbook: runbooks/down.md}}]}]
`);
write('alerts/metrics.json', '{"schema": "sora.metrics/v1", "metrics": {}}');
write('runbooks/down.md', '# Down\n');
write('failing.yaml', `
rule_files: [alerts/rules/up.yaml]
tests:
  - name: silent
    alert_rule_test: [{eval_time: 1m, alertname: Down, exp_alerts: [{}]}]
`);
afterAll(() => rmSync(root, { recursive: true }));

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const host = createTestHost();
  const code = await rules.run({ host, root, home: join(root, '.sora'), topology: '' }, args);
  return { code, ...host.written };
}

describe('sora rules', () => {
  it('check finds nothing where all is there, and ends with 99 where something is missing', async () => {
    expect(await run('check')).toEqual({ code: 0, stdout: '', stderr: '1 rule in 1 file: nothing found\n' });
    rmSync(join(root, 'runbooks/down.md'));
    const { code, stdout } = await run('check');
    expect([code, stdout]).toEqual([99, 'alerts/rules/up.yaml:5:1: Down: the runbook runbooks/down.md does not exist\n']);
  });

  it('check finds tests beside rules elsewhere, and says where it looked', async () => {
    for (const folder of ['mine/rules', 'mine/tests']) mkdirSync(join(root, folder), { recursive: true });
    write('runbooks/down.md', '# Down\n');
    const rule = readFileSync(join(root, 'alerts/rules/up.yaml'), 'utf8').replace('Down', 'Gone');
    write('mine/rules/gone.yaml', rule);
    expect((await run('check', join(root, 'mine/rules/gone.yaml'))).stdout).toBe('mine/rules/gone.yaml:5:1: Gone: no test expects it to fire (in alerts/tests, mine/tests)\n');
    write('mine/tests/gone.test.yaml', readFileSync(join(root, 'alerts/tests/up.test.yaml'), 'utf8').replace('alertname: Down', 'alertname: Gone'));
    expect((await run('check', join(root, 'mine/rules/gone.yaml'))).code).toBe(0);
  });

  it('helps with one verb alone', () => {
    const page = renderHelp(rules, 'record');
    expect(page).toContain('writes what rules could read over a span that lies behind');
    expect(page).toContain('begins that long ago');
    expect(page).not.toContain('--run');
    expect(page).not.toContain('alerts/README.md');
    expect(renderHelp(rules, 'none')).toBe(renderHelp(rules));
  });

  it('test runs the tests of the checkout or those that are named, and ends with 99 where one fails', async () => {
    const well = await run('test');
    expect([well.code, well.stdout]).toEqual([0, expect.stringMatching(/^Unit Testing: {2}.*up\.test\.yaml\n {2}SUCCESS\n\n$/)]);
    const failed = await run('test', join(root, 'failing.yaml'));
    expect([failed.code, failed.stdout]).toEqual([99, expect.stringContaining('    name: silent,\n    alertname: Down, time: 1m')]);
    expect((await run('test', join(root, 'failing.yaml'), '--run', 'silent')).code).toBe(99);
    await expect(run('test', join(root, 'failing.yaml'), '--run', 'other')).rejects.toMatchObject({ exitCode: 104, message: '--run "other" finds the name of no test in 1 file' });
  });

  it('refuses verbs, files and recordings that are not there', async () => {
    await expect(run()).rejects.toMatchObject({ exitCode: 104, message: 'sora rules needs a verb' });
    await expect(run('tset')).rejects.toMatchObject({ exitCode: 104, hint: 'did you mean sora rules test?' });
    await expect(run('test', 'none.yaml')).rejects.toMatchObject({ exitCode: 104, message: expect.stringMatching(/^there is no file .*none\.yaml$/) as string });
    await expect(run('replay', join(root, 'failing.yaml'))).rejects.toMatchObject({ exitCode: 104 });
    await expect(run('test', '--run', '(')).rejects.toMatchObject({ exitCode: 104 });
    await expect(run('record')).rejects.toMatchObject({ exitCode: 104 });
    await expect(run('metrics')).rejects.toMatchObject({ message: 'no control plane runs' });
  });
});
