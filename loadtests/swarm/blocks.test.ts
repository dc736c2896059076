import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Blocks } from './blocks.ts';
import { Histogram } from './histogram.ts';
import type { OperationSample, PhaseName } from './measurement.ts';
import { Tally } from './tally.ts';

function sampleOf(phase: PhaseName, timesUs: readonly number[], failed = 0): OperationSample {
  const tally = new Tally(['read']);
  timesUs.forEach((us, index) => tally.operation(0, ['ramp', 'hold', 'drain'].indexOf(phase), index < failed ? 'failed' : 'ok', { response: us, service: us, poolWait: 0, lateness: 0 }));
  const [sample] = tally.take().operations;
  if (sample === undefined) throw new Error('nothing was counted');
  return sample;
}

describe('Blocks', () => {
  it('cuts the hold into blocks of 5 s from its start', () => {
    const blocks = new Blocks(3_000, 12_000);
    for (let second = 0; second < 17; second++) blocks.add(second, sampleOf(second < 3 ? 'ramp' : 'hold', [second * 1_000], 1));
    expect(blocks.list.map(({ startMs, durationMs, total, failed }) => [startMs, durationMs, total, failed])).toEqual([
      [0, 5_000, 5, 5],
      [5_000, 5_000, 5, 5],
      // 12 s leave 2 s for the last, which also counts what the drain answered.
      [10_000, 2_000, 4, 4],
    ]);
  });

  it('merges histograms without loss, whatever comes late', () => {
    const report = fc.record({ second: fc.nat(29), us: fc.integer({ min: 1, max: 5_000_000 }) });
    fc.assert(fc.property(fc.array(report, { minLength: 1, maxLength: 60 }), (reports) => {
      const blocks = new Blocks(0, 30_000);
      for (const { second, us } of reports) blocks.add(second, sampleOf('hold', [us]));
      for (const block of blocks.list) {
        const wanted = new Histogram();
        for (const { second, us } of reports) if (Math.floor(second / 5) * 5_000 === block.startMs) wanted.record(us);
        expect(block.response).toEqual(wanted.encode());
        expect(block.total).toBe(wanted.count);
      }
      expect(blocks.list.reduce((sum, block) => sum + block.total, 0)).toBe(reports.length);
    }));
  });

  it('joins blocks of long runs: 24 h has at most 240', () => {
    const blocks = new Blocks(0, 86_400_000);
    for (let second = 0; second < 86_400; second += 120) blocks.add(second, sampleOf('hold', [100]));
    const { list } = blocks;
    expect(list.length).toBeLessThanOrEqual(240);
    expect(list[1]?.durationMs).toBe(640_000);
    expect(list.reduce((sum, block) => sum + block.total, 0)).toBe(720);
  });
});
