import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { drawResidual, KeyedRandom } from '../swarm/random.ts';
import type { Distribution } from '../swarm/scenario.ts';
import { residualBeyond } from './active-share.ts';
import { foresee } from './foresee.ts';
import { prepareRun } from './prepare.ts';

const host = createTestHost();
const warningsOf = async (...flags: string[]): Promise<string[]> => foresee(await prepareRun(host, ['launch-mix', ...flags]));

describe('foresee', () => {
  it('says nothing of the run that the default is', async () => expect(await warningsOf()).toEqual([]));
  it('says that a run too short for its think time proves nothing, and what would do', async () => {
    // An exponential pause, which has no longest.
    const few = ['--users', '2000', '--think', '10s'];
    const [warning, ...more] = await warningsOf(...few, '--duration', '20s');
    expect(more).toEqual([]);
    expect(warning).toContain('about 95.7 % of the users will complete an operation before the end, limit ≥ 99 %');
    const [, duration = '', think = ''] = /--duration (\S+) or --think (\S+)$/.exec(warning ?? '') ?? [];
    expect(await warningsOf(...few, '--duration', duration)).toEqual([]);
    expect(await warningsOf('--users', '2000', '--duration', '20s', '--think', think)).toEqual([]);
    expect(await warningsOf(...few, '--duration', `${Number.parseInt(duration, 10) - 1}s`)).toHaveLength(1);
    expect(await warningsOf(...few, '--duration', '20s', '--validity', 'users=95%')).toEqual([]);
    // A bounded one has.
    expect(await warningsOf('--users', '2000', '--duration', '20s')).toEqual([]);
    expect(await warningsOf('--users', '2000', '--duration', '5s')).toHaveLength(1);
  });
  it('says which threshold the design of the mix keeps from being met at a low rate', async () => {
    const [warning, ...more] = await warningsOf('--users', '200');
    expect(more).toEqual([]);
    expect(warning).toContain('threshold operation_refused of launch-mix can be met from 30 operations/s on, and this run makes about 20; give it --users 300');
    expect(await warningsOf('--users', '300')).toEqual([]);
  });
});

it('says that a run is too short to be compared', async () => {
  const short = ['--users', '2000', '--think', '1s', '--duration', '20s'];
  expect(await warningsOf(...short)).toEqual([]);
  expect(await warningsOf(...short, '--baseline', 'last:5')).toEqual([expect.stringContaining('5 whole blocks of 5 s or more, and this run holds for 20 s')]);
  expect(await warningsOf('--users', '2000', '--think', '1s', '--duration', '25s', '--baseline', 'last:5')).toEqual([]);
});

it('says that the peak of stages is not judged where it is not', async () => {
  const [warning, ...more] = await warningsOf('--stages', '10s:1000,60s:1000,5s:3000,5s:1000');
  expect(more).toEqual([]);
  expect(warning).toContain('thresholds judge 10 s to 70 s, of at most 1,000 users, and not the peak of 3,000 users');
  expect(await warningsOf('--stages', '10s:1000,60s:1000,5s:0')).toEqual([]);
});

it('is told before a stack is started: the plan says it on stderr, and stdout stays data', { timeout: 30_000 }, () => {
  const plan = (...flags: string[]) => spawnSync(process.execPath, [join(import.meta.dirname, '../main.ts'), 'plan', 'launch-mix', ...flags], { encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '' } });
  const warned = plan('--users', '200');
  expect([warned.status, warned.stderr.match(/^warning: /gm)?.length, JSON.parse(warned.stdout)]).toEqual([0, 1, expect.objectContaining({ users: 200 })]);
  expect(plan().stderr).toBe('');
});

describe('residualBeyond', () => {
  it('tells how often drawResidual draws more', () => {
    const ms = fc.integer({ min: 0, max: 20_000 });
    const pauses: fc.Arbitrary<Distribution> = fc.oneof(
      ms.map((value): Distribution => ({ kind: 'constant', value })),
      fc.tuple(ms, ms).map(([from, width]): Distribution => ({ kind: 'uniform', from, to: from + width })),
      ms.map((mean): Distribution => ({ kind: 'exponential', mean: mean + 1 })),
    );
    const draws = 2_000;
    fc.assert(fc.property(pauses, fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 0 }), (pause, timeMs, seed) => {
      let beyond = 0;
      for (let user = 0; user < draws; user++) if (drawResidual(pause, new KeyedRandom(seed, user, 0)) > timeMs) beyond += 1;
      // Six standard deviations at most.
      expect(Math.abs(beyond / draws - residualBeyond(pause, timeMs))).toBeLessThan(6 * Math.sqrt(0.25 / draws));
    }), { numRuns: 40 });
  });
});
