/** SORA's reading of the routing file beside that of Alertmanager's own tool. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { createNodeHost } from '../../core/node-host.ts';
import { goTools } from '../../core/tools.ts';
import { findReferences } from '../../../tests/go-tools.ts';
import { parseRouting } from './config.ts';
import { matchRoutes } from './route.ts';

const run = promisify(execFile);
const host = createNodeHost();
const root = resolve(import.meta.dirname, '../../..');
const references = await findReferences(host, { amtool: goTools.amtool });
const isHere = typeof references !== 'string';

const receivers = ['r0', 'r1', 'r2', 'r3'];
const names = ['a', 'b', 'team', 'größe'];
const values = ['', 'x', 'y', 'xy', 'x y', '"', '\\', '5', 'true', 'ä'];
const patterns = ['x|y', '.*', '.+', 'x.*', '[xy]+', '', '(?i)X', '\\d', '^x$', 'x\\|y', '[^x]*', 'true'];

interface RawRoute {
  receiver?: string;
  match?: Record<string, string>;
  match_re?: Record<string, string>;
  matchers?: string[];
  continue?: boolean;
  routes?: RawRoute[];
}

const value = fc.constantFrom(...values);
const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
const matcher = fc.oneof(
  fc.tuple(fc.constantFrom(...names), fc.constantFrom('=', '!='), value).map(([name, operator, text]) => `${name}${operator}${quoted(text)}`),
  fc.tuple(fc.constantFrom(...names), fc.constantFrom('=~', '!~'), fc.constantFrom(...patterns)).map(([name, operator, text]) => `${name} ${operator} ${quoted(text)}`),
  fc.tuple(fc.constantFrom('a', 'b', '"größe"', '"team"'), fc.constantFrom('x', 'xy', 'a=b', 'ä', "x'y", '"x\\ty"', 'x y')).map(([name, text]) => `${name}=${text}`),
  fc.constantFrom('{a="x",b!="y"}', 'a=x,b=y', '{}', '', 'a=~x.*, team!=""', '{a=x', 'a="x\\d"', 'a="\\u00e4"', 'a=', 'a=x,', '{a="x",}'),
);
const { route } = fc.letrec<{ route: RawRoute }>((tie) => ({
  route: fc.record(
    {
      receiver: fc.constantFrom(...receivers),
      match: fc.dictionary(fc.constantFrom('a', 'b', 'team'), fc.constantFrom('x', 'y', '5', ''), { maxKeys: 1 }),
      match_re: fc.dictionary(fc.constantFrom('a', 'b', 'team'), fc.constantFrom(...patterns), { maxKeys: 1 }),
      matchers: fc.array(matcher, { maxLength: 2 }),
      continue: fc.boolean(),
      routes: fc.array(tie('route'), { maxLength: 3, depthIdentifier: 'route' }),
    },
    { requiredKeys: [] },
  ),
}));

const labels = fc.dictionary(fc.constantFrom(...names), fc.constantFrom('x', 'y', 'xy', 'x y', '5', 'true', 'ä', '"', '\\', 'a=b'), { maxKeys: 4 });

describe.skipIf(!isHere)(`amtool${isHere ? '' : ` (skipped: ${references})`}`, () => {
  const amtool = isHere ? references.amtool.path : '';
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sora-routing-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What both say of a file, and of where label sets go; `refused` where it is. */
  async function compare(source: string, sets: readonly Record<string, string>[]): Promise<{ ours: unknown; theirs: unknown }> {
    const file = join(folder, 'routing.yaml');
    writeFileSync(file, source);
    let ours: unknown;
    try {
      const { root } = parseRouting(file, source);
      ours = sets.map((set) => matchRoutes(root, set).map(({ receiver }) => receiver).join(','));
    } catch {
      ours = 'refused';
    }
    try {
      const asked = (sets.length === 0 ? [{}] : sets).map((set) => run(amtool, ['config', 'routes', 'test', `--config.file=${file}`, ...Object.entries(set).map(([name, text]) => `${name}=${quoted(text)}`)]));
      return { ours, // Warnings come first.
        theirs: (await Promise.all(asked)).map(({ stdout }) => stdout.trim().split('\n').at(-1)) };
    } catch {
      return { ours, theirs: 'refused' };
    }
  }

  test('accepts the routing file of the checkout', async () => {
    const { stdout } = await run(amtool, ['check-config', join(root, 'alerts/routing.yaml')]);
    expect(stdout).toContain('SUCCESS');
  });

  test('sends alerts where SORA sends them, by any tree', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(route, { minLength: 1, maxLength: 4 }), fc.array(labels, { minLength: 2, maxLength: 4 }), async (routes, sets) => {
        const source = stringify({ route: { receiver: 'r0', routes }, receivers: receivers.map((name) => ({ name })) });
        const { ours, theirs } = await compare(source, sets);
        expect(ours, source).toEqual(theirs);
      }),
      { numRuns: Number(host.process.env['SORA_AMTOOL_RUNS'] ?? 25) },
    );
  }, 120_000);

  test('refuses what SORA refuses', async () => {
    const receiver = 'receivers: [{ name: r0 }]\n';
    const files = [
      `route: { receiver: r1 }\n${receiver}`,
      `route: { receiver: r0, matchers: [a=b] }\n${receiver}`,
      `route: { receiver: r0, continue: true }\n${receiver}`,
      `route: { receiver: r0, group_interval: 0s }\n${receiver}`,
      `route: { receiver: r0, group_wait: 1.5m }\n${receiver}`,
      `route: { receiver: r0, group_by: [a, a] }\n${receiver}`,
      `route: { receiver: r0, group_by: ['...', a] }\n${receiver}`,
      `route: { receiver: r0, unknown: a }\n${receiver}`,
      `route: { receiver: r0, routes: [{ mute_time_intervals: [x] }] }\n${receiver}`,
      `route: { receiver: r0, receiver: r0 }\n${receiver}`,
      `route: { receiver: r0 }\nreceivers: [{ name: r0 }, { name: r0 }]\n`,
      `route: { receiver: r0 }\nreceivers: [{ name: r0, webhook_configs: [{}] }]\n`,
      `route: { receiver: r0 }\nreceivers: [{ name: r0, email_configs: [{ to: a }] }]\n`,
      `route: { receiver: r0 }\n${receiver}time_intervals: [{ name: x, time_intervals: [{ days_of_month: ['-1:1'] }] }]\n`,
      `route: { receiver: r0 }\n${receiver}time_intervals: [{ name: x, time_intervals: [{ times: [{ start_time: '24:00', end_time: '24:00' }] }] }]\n`,
      `route: { receiver: r0 }\n${receiver}inhibit_rules: [{ source_matchers: ['=x'] }]\n`,
    ];
    for (const source of files) expect(await compare(source, []), source).toEqual({ ours: 'refused', theirs: 'refused' });
  });
});
