import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addUses, GeneratorRecord } from './generator-use.ts';
import type { GeneratorSecond } from './generator-use.ts';
import { generatorText } from './generator-text.ts';
import { sampleFacts, sampleRun } from './sample.ts';
import { buildSummary } from './summary.ts';

const base: GeneratorSecond = { phase: 'hold', usersTotal: 1_000, usersStarted: 1_000, operations: 100, cpuUs: 0, rssBytes: 200e6, laidOutBytes: 0 };

function useOf(...seconds: readonly Partial<GeneratorSecond>[]): ReturnType<GeneratorRecord['use']> {
  const record = new GeneratorRecord();
  for (const second of seconds) record.add({ ...base, ...second });
  return record.use();
}

describe('GeneratorRecord', () => {
  it('tells a user’s bytes from the fixed part, whatever both are and whenever users are laid out', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3_000, max: 2_000_000 }), fc.integer({ min: 50e6, max: 500e6 }), fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 2_000 }),
        fc.integer({ min: 1_000, max: 1_500 }),
        (users, fixed, early, late, few) => {
          const at = (usersStarted: number): Partial<GeneratorSecond> => ({
            usersTotal: users, usersStarted, laidOutBytes: early * users, rssBytes: fixed + early * users + late * (usersStarted - 1_000) - early * 1_000,
          });
          const use = useOf({ ...at(few), phase: 'ramp' }, at(users));
          expect(use?.bytesPerUser).toBeCloseTo(early + late, 3);
          expect(use?.fixedBytes ?? 0).toBeCloseTo(fixed, 0);
        },
      ),
    );
  });

  it('gives no figure a user for 20 users: all is fixed', () => {
    expect(useOf({ usersTotal: 20, usersStarted: 20, rssBytes: 180e6 })).toMatchObject({ rssBytes: 180e6, fixedBytes: 180e6, bytesPerUser: null });
  });

  it('says nothing where all users begin at once', () => {
    expect(useOf({ usersTotal: 50_000, usersStarted: 50_000 })).toMatchObject({ fixedBytes: null, bytesPerUser: null });
  });

  it('takes the least memory of the last seconds in which all users had acted', () => {
    const many = { usersTotal: 11_000, usersStarted: 11_000 };
    const use = useOf(
      { usersTotal: 11_000, phase: 'ramp', rssBytes: 100e6 }, { usersTotal: 11_000, usersStarted: 9_000, rssBytes: 101e6 },
      { ...many, rssBytes: 140e6 }, { ...many, rssBytes: 110e6 }, { ...many, rssBytes: 180e6 }, { ...many, phase: 'drain', rssBytes: 90e6 },
    );
    expect(use).toMatchObject({ rssBytes: 110e6, fixedBytes: 100e6, bytesPerUser: 1_000 });
  });

  it('counts CPU time and operations of the hold alone', () => {
    expect(useOf({ phase: 'ramp', cpuUs: 50_000 }, { cpuUs: 51_000 }, { cpuUs: 53_000 }, { phase: 'drain', cpuUs: 90_000 })).toMatchObject({ cpuUs: 3_000, operations: 200 });
    // Without a ramp nothing was read before the first second.
    expect(useOf({ cpuUs: 51_000 }, { cpuUs: 53_000 })).toMatchObject({ cpuUs: 2_000, operations: 100 });
    expect(useOf({ phase: 'ramp' })).toBeUndefined();
  });
});

describe('addUses', () => {
  const use = { cpuUs: 10_000, operations: 1_000, rssBytes: 300e6, fixedBytes: 200e6, bytesPerUser: 1_000 };

  it('adds up shares', () => {
    expect(addUses([use, use], () => 101_000)).toEqual({ cpuUs: 20_000, operations: 2_000, rssBytes: 600e6, fixedBytes: 400e6, bytesPerUser: 1_000 });
    expect(addUses([use, { ...use, bytesPerUser: null }], () => 101_000)?.bytesPerUser).toBeNull();
    expect(addUses([use, undefined], () => 101_000)).toBeUndefined();
  });
});

describe('the generator in a summary', () => {
  it('reports all its processes, the fixed part beside a user’s', () => {
    const { generator } = buildSummary(sampleRun(), sampleFacts());
    expect(generator).toMatchObject({ cpuUsPerOperation: 120, rssBytes: 330e6, fixedBytes: 312e6, bytesPerUser: 2_000 });
    expect(generatorText(generator)).toBe('120 µs of CPU an operation; 330 MB: 312 MB fixed (at 1,000 users) and 2,000 bytes for each further user');
  });

  it('knows no bytes a user from the workers’ last reports alone', () => {
    expect(buildSummary(sampleRun(), sampleFacts({ generator: undefined })).generator).toMatchObject({ fixedBytes: null, bytesPerUser: null });
  });
});
