import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findFaults } from './scenario-shape.ts';

const folder = mkdtempSync(join(tmpdir(), 'sora-scenario-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const whole = {
  name: 'x', description: 'd', users: 7, rampMs: 0, holdMs: 500, thinkTimeMs: { kind: 'exponential', mean: 100 },
  journeys: [{ name: 'a', weight: 1, steps: [{ op: 'home', run: async () => undefined }] }], thresholds: {},
};

/** Asks the command what a file needs, which loads it: Vitest itself would resolve imports in its own way. */
async function plan(name: string, source: string): Promise<{ stdout: string; stderr: string }> {
  const file = join(folder, name);
  writeFileSync(file, source);
  const args = [join(import.meta.dirname, '../main.ts'), 'plan', file, '--target', 'http://127.0.0.1:3000'];
  return promisify(execFile)(process.execPath, args).catch((error: { stdout: string; stderr: string }) => error);
}

describe('findFaults', () => {
  it('finds nothing wrong with a whole scenario', () => {
    expect(findFaults(whole)).toEqual([]);
  });

  it('names the nearest field for one that does not exist, at any depth', () => {
    const { users: _, ...rest } = whole;
    expect(findFaults({ ...rest, usrs: 7 })).toEqual(['users is missing', 'usrs is no field; did you mean users?']);
    const journeys = [{ ...whole.journeys[0], wieght: 2 }];
    expect(findFaults({ ...rest, holdMs: '5s' })).toEqual(['users is missing: it must be a number', 'holdMs is "5s": it must be a number']);
    expect(findFaults({ ...whole, arrival: { kind: 'sessions', stages: [{ perS: 1, durationMs: 1 }], ratePerS: 4 } })).toEqual(['arrival.ratePerS is no field']);
    expect(findFaults({ ...whole, journeys })).toEqual(['journeys.0.wieght is no field; did you mean weight?']);
  });

  it('shows the value found beside what is allowed', () => {
    expect(findFaults({ ...whole, holdMs: -5 })).toEqual([expect.stringMatching(/^holdMs is -5: .*>0/)]);
    expect(findFaults({ ...whole, setup: 3 })).toEqual(['setup is 3: must be a function: runs once before the first user']);
    expect(findFaults(undefined)).toEqual([expect.stringContaining('the scenario is missing')]);
  });
});

describe('a scenario file outside the checkout', () => {
  it('takes what it needs by the name of the package', async () => {
    const { stdout } = await plan('named.ts', `import { feeder, scenario, type VirtualUser } from 'sora';
const numbers = feeder.generated((n) => n);
export default scenario({ name: 'named', description: 'd', users: 7, rampMs: 0, holdMs: 500, thinkTimeMs: { kind: 'constant', value: 9 },
  journeys: [{ name: 'a', weight: 1, steps: [{ op: 'home', run: async (user: VirtualUser<undefined>) => { await user.http.request({ method: 'GET', path: "/" + numbers.next(user) }); } }] }], thresholds: {} });`);
    expect(JSON.parse(stdout)).toMatchObject({ scenario: 'named', users: 7 });
  });

  it('is named with the line where it cannot be read', async () => {
    const { stderr } = await plan('torn.ts', 'const a = 1;\nexport default {\n  holdMs: ,\n};\n');
    expect(stderr).toContain(`${join(folder, 'torn.ts')}:3 does not load: Expression expected`);
  });
});
