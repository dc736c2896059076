import { describe, expect, it } from 'vitest';
import type { Prices } from '../../ops/core/config.ts';
import { foreseenText, spentLines } from './resources-text.ts';
import { sumResources } from './resources.ts';
import type { EarlierRun, Resources } from './resources.ts';
import { addSpent, foreseeSpending, priceSpent, spentTogether } from './spent.ts';

const prices: Prices = { cpuSecond: 1, gbSecond: 0, egressGb: 0, currency: 'EUR', asOf: '2026-01-31' };

/** A run of 2,000 operations in 100 s. */
function resourcesOf(generatorCpuS: number, systemCpuS: number | null): Resources {
  return sumResources(
    { operations: [{ total: 2_000, bytesSent: 1_000, bytesReceived: 3_000 }] },
    { generator: { name: 'generator', cpuS: generatorCpuS, gbS: 10 }, system: systemCpuS === null ? undefined : [{ name: 'api', cpuS: systemCpuS, gbS: 50 }], memory: [] }, null, undefined,
  );
}

const earlier = (scenario: string, resources: Resources): EarlierRun => ({
  runId: `${scenario}-1`, scenario, host: 'build-7', startedAt: '2026-01-31T10:00:00Z', endedAt: '2026-01-31T10:01:40Z', resources,
});

describe('spentTogether', () => {
  it('counts the system once for runs at the same time, and every generator', () => {
    expect(spentTogether([resourcesOf(1, 4), resourcesOf(2, 6), undefined])).toEqual({
      runs: 2, operations: 4_000, cpuS: 9, gbS: 70, bytesSent: 2_000, bytesReceived: 6_000, system: { cpuS: 6, gbS: 50 },
    });
    expect(spentTogether([resourcesOf(1, null)])).toMatchObject({ cpuS: 1, system: null });
  });
});

describe('addSpent', () => {
  it('adds what came one after the other, and prices it', () => {
    const sum = addSpent([spentTogether([resourcesOf(1, 4)]), spentTogether([]), spentTogether([resourcesOf(2, 6)])]);
    expect(sum).toMatchObject({ runs: 2, operations: 4_000, cpuS: 13, gbS: 120, system: { cpuS: 10, gbS: 100 } });
    expect(priceSpent(sum, prices)).toMatchObject({ total: 10, perMillionOperations: 2_500 });
    expect(priceSpent(sum, undefined)).toBeNull();
    expect(spentLines({ expected: null, unknown: [], used: sum, money: priceSpent(sum, prices) })).toEqual([
      '2 runs: CPU 13 s, 120 GB·s of memory, 2 kB sent, 6 kB received', 'the system cost 10 EUR, a million operations 2,500 EUR, at the prices of 2026-01-31',
    ]);
  });

  it('does not know the system where one of them did not see it', () => {
    const sum = addSpent([spentTogether([resourcesOf(1, 4)]), spentTogether([resourcesOf(2, null)])]);
    expect(sum).toMatchObject({ cpuS: 7, system: null });
    expect(priceSpent(sum, prices)).toBeNull();
  });
});

describe('foreseeSpending', () => {
  const known = [earlier('mix', resourcesOf(1, 4)), earlier('chat', resourcesOf(2, 8))];
  const run = (scenario: string, operations = 4_000) => ({ scenario, operations, durationMs: 200_000 });

  it('sums the parts of a plan, the system’s memory once for runs at the same time', () => {
    const { expected, unknown } = foreseeSpending(known, [[run('mix')], [run('mix'), run('chat')]], 'build-7');
    expect(unknown).toEqual([]);
    expect(expected).toMatchObject({ runs: 3, operations: 12_000, cpuS: 40, gbS: 260, bytesReceived: 18_000, system: { cpuS: 32, gbS: 200 } });
    expect(foreseenText({ expected, unknown: [] }, expected === null ? null : priceSpent(expected, prices), true)).toBe(
      'at most about CPU 40 s, 260 GB·s of memory, 6 kB sent, 18 kB received in all; the system\'s part costs 32 EUR at the prices of 2026-01-31',
    );
  });

  it('names what no earlier run says, and says nothing where none says anything', () => {
    const partly = foreseeSpending(known, [[run('mix')], [run('viewers')]], 'build-7');
    expect(partly).toMatchObject({ expected: { runs: 1, cpuS: 10 }, unknown: ['viewers'] });
    expect(foreseenText({ ...partly, unknown: [...partly.unknown] }, null)).toContain('; without viewers, of which no earlier run');
    expect(foreseeSpending(known, [[run('mix')]], 'other')).toEqual({ expected: null, unknown: ['mix'] });
    expect(foreseenText({ expected: null, unknown: ['mix'] }, null)).toBe('resources unknown: no earlier run of mix on this machine says what it uses');
  });

  it('does not take one share for the whole run', () => {
    const share = { ...earlier('mix', resourcesOf(1, 4)), partition: { count: 2 } };
    expect(foreseeSpending([share], [[run('mix')]], 'build-7').expected).toBeNull();
  });
});
