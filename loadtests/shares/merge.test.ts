import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OperationBlock, OperationSample, RunMeasurement } from '../swarm/measurement.ts';
import { measureShares, measureWhole } from './fixture.ts';
import type { Work } from './fixture.ts';
import { mergeShares } from './merge.ts';
import { decodeShare, encodeShare } from './share.ts';
import { requireTogether } from './together.ts';

const work: fc.Arbitrary<Work> = fc
  .record({ shares: fc.integer({ min: 1, max: 5 }), workers: fc.integer({ min: 1, max: 3 }), extra: fc.nat(20) })
  .chain(({ shares, workers, extra }) => {
    const users = shares * workers + extra;
    const deed = fc.record({
      user: fc.nat(users - 1), second: fc.nat(5), op: fc.nat(1), phase: fc.nat(1), outcome: fc.constantFrom('ok' as const, 'failed' as const, 'refused' as const),
      us: fc.integer({ min: 1, max: 10_000_000 }),
    });
    return fc.record({ users: fc.constant(users), shares: fc.constant(shares), workers: fc.constant(workers), deeds: fc.array(deed, { maxLength: 60 }) });
  });

/** The same measurement, with lists whose order means nothing in order of their keys. */
function inOrder(run: RunMeasurement): RunMeasurement {
  const by = <T>(items: readonly T[], key: (item: T) => string): T[] => items.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  return {
    ...run,
    operations: by(run.operations, ({ op, phase }: OperationSample) => `${phase} ${op}`),
    blocks: by(run.blocks ?? [], ({ op, startMs }: OperationBlock) => `${startMs} ${op}`),
    ...(run.tags === undefined ? {} : { tags: by(run.tags, ({ op, phase, value }) => `${phase} ${op} ${value}`) }),
    errors: by(run.errors, ({ op, kind }) => `${kind} ${op}`),
    writes: { ...run.writes, indeterminate: by(run.writes.indeterminate, ({ id }) => id) },
  };
}

describe('merged shares', () => {
  it('are the measurement of the run without shares, through their files', () => {
    fc.assert(
      fc.property(work, (given) => {
        const shares = measureShares(given).map((share) => decodeShare(encodeShare(share)));
        expect(inOrder(mergeShares(requireTogether(shares.toReversed())))).toEqual(inOrder(measureWhole(given)));
      }),
      { numRuns: 60 },
    );
  });

  it('hold the worst of their states: a share that was stopped, lost workers, a missed threshold', () => {
    const [one, two] = measureShares({ users: 8, shares: 2, workers: 2, deeds: [] });
    const lost = { ...two!, measurement: { ...two!.measurement, interrupted: true, aborted: 'response_time', teardownFailed: 'it threw', workersLost: [1], lostParts: [{ index: 3, count: 4 }] } };
    const merged = mergeShares([one!, lost]);
    expect(merged).toMatchObject({ interrupted: true, aborted: 'response_time', teardownFailed: 'it threw', workersLost: [3], lostParts: [{ index: 3, count: 4 }], users: 8 });
  });

  it('keep 200 kinds of errors, the rest as one', () => {
    const [one, two] = measureShares({ users: 8, shares: 2, workers: 1, deeds: [] });
    const errors = Array.from({ length: 150 }, (_, index) => ({ kind: `k${index}`, op: 'read', count: 2, firstAtMs: index, firstMessage: '' }));
    const others = errors.map((group) => ({ ...group, op: 'write', count: 1 }));
    const merged = mergeShares([{ ...one!, measurement: { ...one!.measurement, errors } }, { ...two!, measurement: { ...two!.measurement, errors: others } }]);
    expect(merged.errors).toHaveLength(201);
    expect(merged.errors.reduce((sum, { count }) => sum + count, 0)).toBe(450);
    expect(merged.errors.find(({ kind }) => kind === '(other)')?.count).toBe(100);
  });
});

describe('shares that do not belong together', () => {
  const shares = measureShares({ users: 9, shares: 3, workers: 1, deeds: [] });
  const [zero, one, two] = [shares[0]!, shares[1]!, shares[2]!];

  it.each([
    ['run id', { ...one, measurement: { ...one.measurement, runId: 'monday-1' } }],
    ['seed', { ...one, measurement: { ...one.measurement, seed: 43 } }],
    ['scenario file (sha256)', { ...one, facts: { ...one.facts, scenarioSha256: 'other' } }],
    ['number of shares', { ...one, partition: { index: 1, count: 4 } }],
    ['number of users', { ...one, usersTotal: 10 }],
    ['plan (arrival, journeys in time)', { ...one, planSha256: 'b'.repeat(64) }],
    ['thresholds', { ...one, facts: { ...one.facts, thresholds: [] } }],
    ['version of sora', { ...one, facts: { ...one.facts, version: '9.9.9' } }],
  ])('are refused by name: %s', (name, other) => {
    expect(() => requireTogether([zero, other, two])).toThrow(`share 0 and share 1 do not belong together: ${name} is `);
  });

  it('are refused when one is there twice or missing', () => {
    expect(() => requireTogether([zero, one, one, two])).toThrow('share 1 of 3 is given twice');
    expect(() => requireTogether([zero, two])).toThrow('share 1 of 3 is missing');
    expect(() => requireTogether([one])).toThrow('shares 0, 2 of 3 are missing');
    expect(() => requireTogether([])).toThrow('no share is given');
    expect(requireTogether([two, zero, one]).map(({ partition }) => partition.index)).toEqual([0, 1, 2]);
  });
});
