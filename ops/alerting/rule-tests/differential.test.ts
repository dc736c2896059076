import { spawnSync } from 'node:child_process';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findReferences } from '../../../tests/go-tools.ts';
import { createNodeHost } from '../../core/node-host.ts';
import { goTools } from '../../core/tools.ts';
import { runRuleTests } from './run-tests.ts';

const host = createNodeHost();
const root = join(import.meta.dirname, '../../..');
const fixtures = join(import.meta.dirname, 'fixtures');
const listed = (folder: string): string[] => host.files.list(folder).filter((name) => name.endsWith('.yaml')).map((name) => join(folder, name));

const references = await findReferences(host, { promtool: goTools.promtool });
const promtool = typeof references === 'string' ? undefined : references.promtool.path;

/** Differences between what was expected and what came are told in the same words; other failures only are failures. */
const comparable = (text: string): string[] => text.split('\n').map((line) => line.trimEnd()).filter((line) => /^ {4}(alertname|expr|name): |^ {8}/.test(line) && !line.includes(', err: ')).sort();

describe('rule tests of the fixtures', () => {
  it.each(listed(fixtures).map((path) => relative(fixtures, path)))('%s ends as it is named', async (name) => {
    const { failures, testCount } = await runRuleTests(host.files, join(fixtures, name));
    expect(failures.length > 0, failures.join('\n')).toBe(name.startsWith('fail-'));
    if (failures.length === 0) expect(testCount).toBeGreaterThan(0);
  });

  it('runs only the tests whose name is asked for', async () => {
    const { failures, testCount } = await runRuleTests(host.files, join(fixtures, 'pass-lives.yaml'), { run: /requests/ });
    expect([failures, testCount]).toEqual([[], 1]);
  });

  it('lets tests begin at another time than the epoch', async () => {
    const text = 'tests:\n  - start_timestamp: 2026-01-01T00:00:00Z\n    input_series: [{series: up, values: 0x5}]\n    promql_expr_test: [{expr: time() + 0 * sum(up), eval_time: 1m, exp_samples: [{labels: "{}", value: 1767225660}]}]\n';
    const { failures } = await runRuleTests({ ...host.files, readText: () => text }, 'start.yaml');
    expect(failures).toEqual([]);
  });
});

describe.skipIf(promtool === undefined)(`rule tests beside promtool${typeof references === 'string' ? ` (skipped: ${references})` : ''}`, () => {
  it.each(listed(fixtures).map((path) => relative(fixtures, path)))('%s: the same verdict for the same reasons', async (name) => {
    const { status, stdout, stderr } = spawnSync(promtool ?? '', ['test', 'rules', name], { cwd: fixtures, encoding: 'utf8', timeout: 60_000 });
    const { failures } = await runRuleTests(host.files, join(fixtures, name));
    expect({ passes: status === 0 }, `${stdout}${stderr}`).toEqual({ passes: name.startsWith('pass-') });
    expect(comparable(failures.join('\n'))).toEqual(comparable(`${stdout}\n${stderr}`));
  });
});

const shipped = { rules: listed(join(root, 'alerts/rules')), pending: listed(join(root, 'alerts/pending')), tests: listed(join(root, 'alerts/tests')) };

describe('the rules that ship', () => {
  it.each(shipped.tests.map((path) => relative(root, path)))('%s passes', async (name) => {
    const { failures, testCount } = await runRuleTests(host.files, join(root, name));
    expect(failures).toEqual([]);
    expect(testCount).toBeGreaterThan(0);
  }, 60_000);

  // One process for all files: each start of promtool costs as much as a file.
  it.skipIf(promtool === undefined).each([
    ['promtool check rules', ['check', 'rules', '--lint=all', '--lint-fatal', ...shipped.rules, ...shipped.pending]],
    ['promtool test rules', ['test', 'rules', ...shipped.tests]],
  ])('pass %s', (_, parameters) => {
    const { status, stdout, stderr } = spawnSync(promtool ?? '', parameters, { cwd: root, encoding: 'utf8', timeout: 300_000 });
    expect(status, `${stdout}${stderr}`).toBe(0);
    expect(stdout.match(/SUCCESS/g)).toHaveLength(parameters.length - parameters.findIndex((parameter) => parameter.endsWith('.yaml')));
  }, 300_000);
});
