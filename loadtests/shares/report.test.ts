import { describe, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { judgeShares } from '../cli/merge.ts';
import { renderEnding } from '../report/ending.ts';
import { renderReport } from '../report/html.ts';
import { renderJunit } from '../report/junit.ts';
import { sampleFacts, sampleRun } from '../report/sample.ts';
import { styleFor } from '../report/style.ts';
import { buildSummary } from '../report/summary.ts';
import { summarySchema } from '../report/summary-schema.ts';
import type { Summary } from '../report/summary-schema.ts';
import { sparse } from './fixture.ts';
import { mergeShares } from './merge.ts';
import type { Share } from './share.ts';

const host = createTestHost();
const plainStyle = styleFor(host, host.stderr, true);

/** Two shares of the sample run; the second one's generator is as late as told, and it begins so much later. */
function twoShares(latenessUs: number, offsetMs: number): readonly [Share, Share] {
  const share = (index: number): Share => {
    const run = sampleRun();
    const late = index === 1 ? latenessUs : 900;
    const operations = run.operations.map((sample) => ({ ...sample, times: { ...sample.times, lateness: sparse(late, sample.total) } }));
    const startedAtMs = run.startedAtMs + (index === 1 ? offsetMs : 0);
    return { partition: { index, count: 2 }, usersTotal: 20_000, planSha256: 'a'.repeat(64), facts: sampleFacts({ host: `node-${index}` }), measurement: { ...run, operations, startedAtMs }, seconds: [] };
  };
  return [share(0), share(1)];
}

function judge(latenessUs: number, offsetMs: number): Summary {
  const shares = twoShares(latenessUs, offsetMs);
  return judgeShares(shares, { ...mergeShares(shares), operationsPerUser: sampleRun().operationsPerUser }, sampleFacts().audit);
}

describe('the judgement of merged shares', () => {
  it('takes the lateness of the worst', () => {
    const fine = judge(900, 0);
    expect(fine.validity.find(({ name }) => name === 'lateness_p99')?.ok).toBe(true);
    const late = judge(80_000, 0);
    expect(late.validity.find(({ name }) => name === 'lateness_p99')).toMatchObject({ ok: false, measured: expect.closeTo(80, 0) as number });
    expect(late).toMatchObject({ verdict: 'insufficient', exitCode: 98 });
  });

  it('does not let a late share hide behind a large one that is not', () => {
    const [large, small] = twoShares(80_000, 0);
    const few = { ...small, measurement: { ...small.measurement, operations: small.measurement.operations.map((sample) => ({ ...sample, times: { ...sample.times, lateness: sparse(80_000, 5) } })) } };
    const shares = [large, few] as const;
    const summary = judgeShares([shares[0], shares[1]], mergeShares([shares[0], shares[1]]), null);
    expect(summary.latencyMs.lateness.p99).toBeLessThan(2);
    expect(summary.validity.find(({ name }) => name === 'lateness_p99')?.ok).toBe(false);
  });

  it('notes how far apart shares began, and believes no run of shares that missed each other', () => {
    expect(judge(900, 400)).toMatchObject({ shares: [{ offsetMs: 0, host: 'node-0' }, { offsetMs: 400, host: 'node-1' }], host: 'node-0, node-1' });
    expect(judge(900, 400).reasons.some((reason) => reason.includes('began'))).toBe(false);
    const apart = judge(900, 4_200);
    expect(apart.verdict).toBe('insufficient');
    expect(apart.reasons[0]).toBe('share 1 began 4.2 s after the first, limit 1 s: give all shares the same --start-at');
  });

  it('is told in the report and on the terminal, in the published shape', () => {
    const summary = judge(900, 400);
    expect(summarySchema.parse(JSON.parse(JSON.stringify(summary)))).toEqual(JSON.parse(JSON.stringify(summary)));
    expect(renderReport(summary)).toContain('<h2>Shares</h2>');
    expect(renderEnding(summary, plainStyle, '/r')).toContain('share 1 on node-1: 10,000 users, 2 workers, began 400 ms after the first');
  });
});

describe('outputs and shares in a report', () => {
  const outputs = [
    { kind: 'csv', target: 'a<b>.csv', writtenSeconds: 60, droppedSeconds: 0 },
    { kind: 'otlp', target: 'http://127.0.0.1:4318/', writtenSeconds: 1, droppedSeconds: 59, error: 'connect ECONNREFUSED' },
  ];

  it('say what was dropped', () => {
    const summary = buildSummary(sampleRun(), sampleFacts({ outputs }));
    expect(summary.verdict).toBe(buildSummary(sampleRun(), sampleFacts()).verdict);
    const ending = renderEnding(summary, plainStyle, '/r');
    expect(ending).toContain('✓ csv to a<b>.csv: 60 seconds written\n');
    expect(ending).toContain('✗ otlp to http://127.0.0.1:4318/: 1 seconds written, 59 dropped: connect ECONNREFUSED\n');
    const html = renderReport(summary);
    expect(html).toContain('<code>a&lt;b&gt;.csv</code>');
    expect(html).toContain('incomplete');
  });

  it('say of one share that it is one', () => {
    const summary = buildSummary(sampleRun(), sampleFacts({ partition: { index: 1, count: 3 }, doubts: ['one share of 3: merge all with sora load merge'] }));
    expect(summary).toMatchObject({ verdict: 'insufficient', exitCode: 98, partition: { index: 1, count: 3 } });
    expect(renderJunit(summary)).toContain('one share of 3');
  });
});
