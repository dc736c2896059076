import { describe, expect, it } from 'vitest';
import { Histogram } from '../swarm/histogram.ts';
import type { OperationBlock } from '../swarm/measurement.ts';
import { describeBlocks, runBlocksSchema } from './blocks.ts';

function block(op: string, startMs: number, timesMs: readonly number[], durationMs = 5_000): OperationBlock {
  const histogram = new Histogram();
  for (const ms of timesMs) histogram.record(ms * 1_000);
  return { op, startMs, durationMs, total: timesMs.length, failed: 1, response: histogram.encode() };
}

describe('describeBlocks', () => {
  const found = describeBlocks('one', [block('a', 0, [1, 1, 1]), block('b', 0, [9, 9, 9, 9, 9, 9, 9]), block('a', 5_000, [2]), block('a', 10_000, [3], 2_000)]);

  it('takes percentiles of all from merged histograms, never from percentiles', () => {
    expect(runBlocksSchema.parse(found)).toEqual(found);
    // The mean of the medians would be 5.
    expect(found.all[0]).toMatchObject({ total: 10, failed: 2, p50Ms: expect.closeTo(9, 1) });
    expect(found.operations['a']?.map(({ startS, total }) => [startS, total])).toEqual([[0, 3], [5, 1], [10, 1]]);
    expect(found.operations['b']).toHaveLength(1);
  });

  it('says how long a whole block is, and that a rest is none', () => {
    expect(found.blockS).toBe(5);
    expect(found.all.at(-1)?.durationS).toBe(2);
    expect(describeBlocks('none', [])).toMatchObject({ blockS: 5, all: [], operations: {} });
    expect(describeBlocks('long', [block('a', 0, [1], 640_000)]).blockS).toBe(640);
  });
});
