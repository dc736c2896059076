import { describe, expect, it } from 'vitest';
import { normalQuantile } from '../../../ops/judge/normal.ts';
import { seededUniform } from '../../../ops/judge/random.ts';
import type { Summary } from '../summary-schema.ts';
import { sampleCompared } from './sample.ts';
import { findTrends } from './trend.ts';

const uniform = seededUniform(4);
const noise = (): number => 1 + 0.02 * normalQuantile((uniform() * 999 + 0.5) / 1_000);

/** So many runs whose p95 and CPU are multiplied from one of them on. */
function history(count: number, from = count, factor = 1): Summary[] {
  return Array.from({ length: count }, (_, seed) => {
    const { summary } = sampleCompared({ seed });
    const times = seed >= from ? factor : 1;
    return {
      ...summary,
      latencyMs: { ...summary.latencyMs, response: { ...summary.latencyMs.response, p95: 100 * noise() * times } },
      operations: { ...summary.operations, achievedPerS: 1_000 * noise() },
      processes: [{ name: 'api', cpuUsPerOperation: 300 * noise() * times, rssMaxBytes: 1 }],
    };
  });
}

describe('findTrends', () => {
  it('names the run from which on a figure is another, and how much', () => {
    const trends = findTrends(history(24, 14, 1.2));
    const changed = trends.filter(({ changes }) => changes.length > 0).map(({ metric }) => metric);
    expect(changed).toEqual(['p95', 'cpu']);
    expect(trends[0]?.changes).toEqual([expect.objectContaining({ run: 'run-14', better: false, change: expect.closeTo(0.2, 1) })]);
  });

  it('finds nothing where nothing changed, and says when there are too few runs', () => {
    expect(findTrends(history(24)).flatMap(({ changes }) => changes)).toEqual([]);
    expect(findTrends(history(9, 4, 5)).every(({ insufficient, changes }) => insufficient && changes.length === 0)).toBe(true);
    expect(findTrends([]).every(({ insufficient }) => insufficient)).toBe(true);
  });

  it('calls a change to less time better', () => {
    expect(findTrends(history(20, 10, 0.7))[0]?.changes[0]).toMatchObject({ better: true });
  });
});
