import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTestHost } from '../../../ops/core/test-host.ts';
import { renderReport } from '../html.ts';
import { renderJunit } from '../junit.ts';
import { styleFor } from '../style.ts';
import { differencesOf } from './comparable.ts';
import { compareRuns } from './compare.ts';
import { gateByComparison, refusedComparison } from './gate.ts';
import { judgeMetric } from './judge-rows.ts';
import { sampleMix } from './sample-mix.ts';
import type { MixWanted } from './sample-mix.ts';
import { sampleCompared } from './sample.ts';
import { comparisonSchema } from './schema.ts';
import { renderComparison } from './text.ts';

const options = { tolerance: 0.05, confidence: 0.98 };
const runs = (count: number, runNoise = 0.02): ReturnType<typeof sampleCompared>[] => Array.from({ length: count }, (_, index) => sampleCompared({ seed: index + 1, runNoise }));
const feed = (comparison: ReturnType<typeof compareRuns>, metric: string) => comparison.rows.find((row) => row.op === 'feed' && row.metric === metric);

describe('compareRuns with one baseline', () => {
  it('finds what is wholly beyond the tolerance, and only in the operation it was put in', () => {
    const found = compareRuns(runs(1, 0), sampleCompared({ seed: 50, slower: 1.1 }));
    expect(comparisonSchema.parse(found)).toEqual(found);
    expect(found.verdict).toBe('worse');
    expect(found.operations).toEqual([{ op: 'chat', verdict: 'insufficient' }, { op: 'feed', verdict: 'worse' }, { op: '(all)', verdict: 'worse' }]);
    expect(feed(found, 'p95')).toMatchObject({ verdict: 'worse', band: 0.05, baselineBlocks: 12 });
    expect(feed(found, 'p50')?.change).toBeCloseTo(0.1, 1);
    expect(found.sentence).toMatch(/^Worse, compared with run run-1 and a tolerance of 5 % at 98 % confidence: feed p50 \+/);
    expect(compareRuns(runs(1, 0), sampleCompared({ seed: 50, slower: 0.85 })).operations[1]).toEqual({ op: 'feed', verdict: 'better' });
  });

  it('says INSUFFICIENT of anything less, although the test alone would see it', () => {
    const found = compareRuns(runs(1, 0), sampleCompared({ seed: 50, slower: 1.04, blockNoise: 0.005 }));
    expect(feed(found, 'p50')).toMatchObject({ verdict: 'insufficient', reason: expect.stringContaining('1 baseline run does not tell noise from change; 5 do') });
    expect(feed(found, 'p50')?.p).toBeLessThan(0.02);
    expect(found.verdict).toBe('insufficient');
    expect(compareRuns(runs(1, 0), sampleCompared({ seed: 50 }), { ...options, tolerance: 0 }).bandFrom).toBe('tolerance');
  });

  it('calls A/A pairs worse in at most 1 of 100', () => {
    let worse = 0;
    for (let seed = 1; seed <= 200; seed += 2) {
      const [a, b] = [sampleCompared({ seed, blocks: 6, runNoise: 0.01 }), sampleCompared({ seed: seed + 1, blocks: 6, runNoise: 0.01 })];
      if (compareRuns([a], b).verdict === 'worse') worse++;
    }
    expect(worse).toBeLessThanOrEqual(1);
  });

  it('finds 10 % in at least 9 of 10', () => {
    let found = 0;
    for (let seed = 1; seed <= 40; seed += 2) {
      const [a, b] = [sampleCompared({ seed, blocks: 8, runNoise: 0.005 }), sampleCompared({ seed: seed + 1, blocks: 8, runNoise: 0.005, slower: 1.1, blockNoise: 0.01 })];
      if (compareRuns([a], b).verdict === 'worse') found++;
    }
    expect(found).toBeGreaterThanOrEqual(18);
  });

  it('counts failures by their share, and a lower rate as worse', () => {
    expect(feed(compareRuns(runs(1, 0), sampleCompared({ seed: 50, failedRatio: 0.03 })), 'failed')).toMatchObject({ verdict: 'worse', baseline: 0 });
    expect(feed(compareRuns(runs(1, 0), sampleCompared({ seed: 50, failedRatio: 0.003 })), 'failed')?.verdict).toBe('insufficient');
    expect(feed(compareRuns(runs(1, 0), sampleCompared({ seed: 50, rate: 0.8 })), 'rate')?.verdict).toBe('worse');
    expect(feed(compareRuns(runs(1, 0), sampleCompared({ seed: 50, rate: 1.2 })), 'rate')?.verdict).toBe('better');
  });
});

describe('compareRuns with five baselines', () => {
  it('takes their own differences for noise: a change within it is the same, beyond it worse', () => {
    const found = compareRuns(runs(5), sampleCompared({ seed: 50 }));
    expect(found).toMatchObject({ verdict: 'same', bandFrom: 'runs' });
    const band = feed(found, 'p50')?.band ?? 0;
    expect(band).toBeGreaterThan(0.03);
    expect(feed(compareRuns(runs(5), sampleCompared({ seed: 50, slower: 1 + 2 * band })), 'p50')?.verdict).toBe('worse');
  });

  it('finds a change smaller than the tolerance where runs hardly differ', () => {
    const quiet = compareRuns(runs(6, 0.001), sampleCompared({ seed: 50, slower: 1.045, blockNoise: 0.005 }));
    expect(feed(quiet, 'p50')?.verdict).toBe('worse');
  });

  it('calls a run like the others worse about as seldom as it says', () => {
    let worse = 0;
    for (let round = 0; round < 60; round++) {
      const all = Array.from({ length: 6 }, (_, index) => sampleCompared({ seed: 1_000 + round * 6 + index, blocks: 6, runNoise: 0.03 }));
      if (compareRuns(all.slice(1), all[0]!).verdict === 'worse') worse++;
    }
    // Two independent times at 1 % each side; five are three standard deviations above.
    expect(worse).toBeLessThanOrEqual(5);
  });
});

describe('compareRuns of launch-mix, 36 rows', () => {
  /** Verdicts of so many candidates on baselines of their own, by runs simulated with autocorrelated blocks. */
  const verdicts = (rounds: number, baselines: number, from: number, wanted: Omit<MixWanted, 'seed'>, slower?: MixWanted['slower']): number => {
    let [worse, seed] = [0, from];
    for (let round = 0; round < rounds; round++) {
      const others = Array.from({ length: baselines }, () => sampleMix({ ...wanted, seed: seed++ }));
      const candidate = sampleMix({ ...wanted, seed: seed++, ...(slower === undefined ? {} : { slower }) });
      if (compareRuns(others, candidate).verdict === 'worse') worse++;
    }
    return worse;
  };
  const noise = { blockNoise: 0.02, runNoise: 0.007 };

  it('calls at most 1 of 20 equal runs worse, with five baselines and with one', { timeout: 60_000 }, () => {
    expect(verdicts(20, 5, 1, { blockNoise: 0.05, runNoise: 0.02, blocks: 6 })).toBeLessThanOrEqual(1);
    expect(verdicts(20, 1, 2_001, { blockNoise: 0.05, runNoise: 0.02 })).toBeLessThanOrEqual(1);
  });

  it('finds 10 % more in every operation, and in a single one, in 18 of 20', { timeout: 60_000 }, () => {
    expect(verdicts(20, 5, 3_001, noise, { times: 1.1 })).toBeGreaterThanOrEqual(18);
    expect(verdicts(20, 5, 4_001, noise, { times: 1.1, op: 'like' })).toBeGreaterThanOrEqual(18);
  });

  it('can call it the same, though one operation is so rare that its blocks have no times', () => {
    const others = Array.from({ length: 5 }, (_, index) => sampleMix({ ...noise, seed: 6_001 + index }));
    const found = compareRuns(others, sampleMix({ ...noise, seed: 6_010 }));
    expect(found.rows.find(({ op, metric }) => op === 'flood' && metric === 'p50')).toMatchObject({ verdict: 'insufficient', change: null });
    expect(found.operations.find(({ op }) => op === 'flood')?.verdict).toBe('same');
    expect(found.verdict).toBe('same');
  });

  it('says by how much an operation changed beyond the others, where that is what told it', () => {
    const others = Array.from({ length: 5 }, (_, index) => sampleMix({ blockNoise: 0.06, runNoise: 0.03, seed: 7_001 + index }));
    const found = compareRuns(others, sampleMix({ blockNoise: 0.06, runNoise: 0.03, seed: 7_010, slower: { times: 1.15, op: 'feed' } }));
    expect(found.verdict).toBe('worse');
    expect(found.rows.filter(({ verdict }) => verdict === 'worse').map(({ op }) => op)).not.toContain('chat');
    expect(found.rows.filter(({ op, verdict }) => op === 'feed' && verdict === 'worse').map(({ reason }) => reason).join()).toMatch(/\+\d+ % beyond what the other operations changed by, of which ±[\d.]+ % is noise/);
  });

  it('calls no operation worse that stayed as it was while the others became better', () => {
    const others = Array.from({ length: 5 }, (_, index) => sampleMix({ ...noise, seed: 8_001 + index }));
    const faster = sampleMix({ ...noise, seed: 8_010, slower: { times: 0.8 } });
    const { feed } = sampleMix({ ...noise, seed: 8_010 }).blocks.operations;
    const kept = { ...faster, blocks: { ...faster.blocks, operations: { ...faster.blocks.operations, feed: feed ?? [] } } };
    expect(compareRuns(others, kept).rows.filter(({ verdict }) => verdict === 'worse')).toEqual([]);
  });
});

describe('judgeMetric', () => {
  it('says what is missing where there are too few blocks, or nothing to be relative to', () => {
    const few = judgeMetric({ op: 'a', metric: 'p95', baselines: [[1, 2, 3, 4]], candidate: [1, 2, 3, 4, 5] }, options);
    expect(few).toMatchObject({ verdict: 'insufficient', change: null, reason: expect.stringContaining('4 whole blocks of the baseline') });
    expect(judgeMetric({ op: 'a', metric: 'rate', baselines: [[0, 0, 0, 0, 0]], candidate: [1, 2, 3, 4, 5] }, options).reason).toContain('baseline is 0');
  });

  it('says the same whatever the unit, and the opposite of exchanged sides', () => {
    const series = fc.array(fc.integer({ min: 50, max: 200 }), { minLength: 6, maxLength: 12 });
    fc.assert(fc.property(series, series, (a, b) => {
      const judge = (x: readonly number[], y: readonly number[]) => judgeMetric({ op: 'o', metric: 'p50', baselines: [x], candidate: y }, { ...options, tolerance: 0 }).verdict;
      expect(judge(a.map((value) => value * 8), b.map((value) => value * 8))).toBe(judge(a, b));
      const mirror: Readonly<Record<string, string>> = { worse: 'better', better: 'worse' };
      expect(judge(b, a)).toBe(mirror[judge(a, b)] ?? judge(a, b));
    }));
  });

  it('leaves out what fills no whole block, and runs that ended before', () => {
    const whole = sampleCompared({ seed: 9, blocks: 12 });
    const [hold] = whole.summary.phases;
    const cut = { ...whole, summary: { ...whole.summary, phases: [{ ...hold!, durationS: 33 }] } };
    expect(feed(compareRuns(runs(1, 0), cut), 'p50')?.candidateBlocks).toBe(6);
  });
});

describe('what keeps runs from being compared', () => {
  it('is named, each with both values', () => {
    const candidate = sampleCompared({ seed: 2 });
    const other = sampleCompared({ seed: 1, change: { scenario: 'hello', users: 5, thinkTime: 'constant, 1 s', seed: 99, host: 'elsewhere' } });
    const { refusals, warnings } = differencesOf(other, candidate);
    expect(refusals).toEqual([
      'run-1 has another scenario: hello, not launch-mix', 'run-1 has another users: 5, not 10000', 'run-1 has another think time: constant, 1 s, not exponential, mean 10 s',
    ]);
    expect(warnings).toEqual(['run-1 has another host: elsewhere, not build-7', 'run-1 has another seed: 99, not 42']);
    const machine = { ...candidate.summary.machine, cores: 64 };
    expect(differencesOf(sampleCompared({ seed: 1, change: { machine } }), candidate).refusals).toEqual(['run-1 has another cores: 64, not 2']);
    expect(differencesOf(sampleCompared({ seed: 1 }), candidate)).toEqual({ refusals: [], warnings: [] });
  });

  it('is that one of them is a share, which loaded the target beside others', () => {
    const whole = sampleCompared({ seed: 1 });
    const share = sampleCompared({ seed: 2, change: { partition: { index: 0, count: 2 } } });
    const refusals = ['run-2 is one share of 2, not a whole run'];
    expect(differencesOf(whole, share)).toEqual({ refusals, warnings: [] });
    expect(differencesOf(share, whole)).toEqual({ refusals, warnings: [] });
    expect(differencesOf(whole, sampleCompared({ seed: 3, change: { partition: { index: 0, count: 1 } } })).refusals).toEqual([]);
  });
});

describe('the gate of a run', () => {
  const candidate = sampleCompared({ seed: 50, slower: 1.2 });
  const worse = compareRuns(runs(1, 0), candidate);
  const passed = { ...candidate.summary, verdict: 'pass' as const, reasons: [], exitCode: 0 };
  it('fails a run that is worse, and lets none pass that could not be compared', () => {
    expect(gateByComparison(passed, worse)).toMatchObject({ verdict: 'fail', exitCode: 99, reasons: [expect.stringMatching(/^baseline: Worse.*feed/)] });
    expect(gateByComparison(passed, compareRuns(runs(1, 0), sampleCompared({ seed: 51 })))).toMatchObject({ verdict: 'insufficient', exitCode: 98 });
    expect(gateByComparison(passed, compareRuns(runs(5), sampleCompared({ seed: 51 })))).toMatchObject({ verdict: 'pass', exitCode: 0, reasons: [] });
    expect(gateByComparison({ ...passed, verdict: 'insufficient', exitCode: 98, reasons: ['interrupted'] }, worse)).toMatchObject({ verdict: 'insufficient', exitCode: 98 });
    const refused = refusedComparison(runs(1, 0), candidate, options, ['run-1 has another cores: 64, not 2']);
    expect(gateByComparison(passed, refused)).toMatchObject({ verdict: 'insufficient', reasons: ['baseline: Not compared: run-1 has another cores: 64, not 2'] });
  });

  it('shows sentence, table, word and icon in the report, the terminal and JUnit', () => {
    const summary = gateByComparison(passed, worse);
    const html = renderReport(summary);
    expect(html).toContain('<h2>Baseline</h2>');
    expect(html).toContain('</span>worse</span>');
    expect(html).toContain(worse.sentence);
    expect(renderReport(passed)).not.toContain('<h2>Baseline</h2>');
    expect(renderJunit(summary)).toMatch(/name="not worse than the baseline" time="0"><failure message="Worse/);
    const host = createTestHost();
    const text = renderComparison(worse, styleFor(host, host.stdout));
    expect(text).toMatch(/feed +p50 +20(\.\d)? ms +2\d(\.\d)? ms +\+\d+ % .*✗ worse/);
    expect(text).toContain('✗ WORSE');
  });
});
