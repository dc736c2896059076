import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderEnding } from '../../report/ending.ts';
import { renderReport } from '../../report/html.ts';
import { renderJunit } from '../../report/junit.ts';
import { styleFor } from '../../report/style.ts';
import { summarySchema } from '../../report/summary-schema.ts';
import { createTestHost } from '../../../ops/core/test-host.ts';
import { documentSchema, readExpression } from './document.ts';
import type { K6Document, K6Metric } from './document.ts';
import { sumResources } from '../../report/resources.ts';
import { buildK6Summary, workOf } from './import.ts';
import type { K6Facts } from './import.ts';
import { seriesOf } from './process.ts';

const trend = (p95: number, count: number): object => ({ type: 'trend', values: { avg: p95 / 2, min: 1, med: p95 / 2, max: p95 * 2, 'p(90)': p95, 'p(95)': p95, 'p(99)': p95, 'p(99.9)': p95, count } });
const counter = (count: number): object => ({ type: 'counter', values: { count, rate: 1 } });

/** A run of 60 s after 30 s of ramp that did 600 operations in the hold. */
function documentOf(metrics: Readonly<Record<string, object>> = {}): K6Document {
  return documentSchema.parse({
    run: { name: 'load', about: 'the expected load', users: 100, thinkTimeMs: 10_000, startedAtMs: 1_000_000, endedAtMs: 1_091_000, rampMs: 30_000, plannedHoldMs: 60_000, holdMs: 60_000, duePerS: 10 },
    root_group: { name: '', checks: [], groups: [{ name: 'feed', checks: [{ name: 'the feed answers', passes: 590, fails: 10 }, { name: 'is a page', passes: 600, fails: 0 }] }] },
    metrics: {
      operations: counter(750), 'operations{phase:hold}': counter(600), 'operations{phase:ramp}': counter(150), 'operations_failed{phase:hold}': counter(10),
      'operations{phase:hold,op:feed}': counter(600), 'operations_failed{phase:hold,op:feed}': counter(10),
      'response_time{phase:hold}': { ...trend(80, 600), thresholds: { 'p(95)<500': { ok: true } } },
      'response_time{phase:hold,op:feed}': trend(80, 600), 'response_time{phase:hold,op:chat}': trend(0, 0), 'service_time{phase:hold}': trend(70, 600),
      'http_reqs{phase:hold}': counter(700), 'http_req_failed{phase:hold}': { type: 'rate', values: { rate: 0.02, passes: 14, fails: 686 }, thresholds: { 'rate<0.05': { ok: true } } },
      'pool_wait{phase:hold}': trend(0, 0),
      ...metrics,
    },
  });
}

const facts: K6Facts = {
  runId: '20260101-000000-abcd', k6Version: 'v2.2.0', k6ExitCode: 0, interrupted: false, note: '', seed: 1, gitSha: null, version: '0.1.0', host: 'here', target: 'http://127.0.0.1:3000',
  scenarioSha256: null, processes: [], cpuUs: 750_000, rssMaxBytes: 1e8, series: [],
  machine: { cores: 2, memoryBytes: 1e9, platform: 'x', cpuModel: 'y', fileSystem: null, fsyncMedianMs: null, fsync: null, synchronous_commit: null, full_page_writes: null },
};

describe('buildK6Summary', () => {
  it('puts k6’s figures where every run has them, and null where k6 has none', () => {
    const summary = summarySchema.parse(buildK6Summary(documentOf(), facts));
    expect(summary).toMatchObject({
      verdict: 'pass', exitCode: 0, scenario: 'k6-load', users: 100, usersCompletedRatio: null, operationsPerUser: null, audit: null,
      operations: { total: 600, failed: 10, offeredPerS: 10, achievedPerS: 590 / 60 }, requests: { total: 700, failed: 14 },
      latencyMs: { response: { p95: 80, p50: 40 }, poolWait: { p95: null, max: null }, lateness: { p99: null } },
      generator: { tool: 'k6 v2.2.0', cpuUsPerOperation: 1_000, bytesPerUser: null, sockets: null, loopDelayP99Ms: null, unsent: 0 },
      phases: [{ name: 'ramp', total: 150 }, { name: 'hold', total: 600, failed: 10, durationS: 60 }],
    });
    expect(Object.keys(summary.byOperation)).toEqual(['feed']);
    expect(summary.thresholds).toEqual([
      { expression: 'http_req_failed: rate<0.05', metric: 'http_req_failed', measured: 0.02, operator: '<', limit: 0.05, ok: true },
      { expression: 'response_time: p(95)<500', metric: 'response_time', measured: 80, operator: '<', limit: 500, ok: true },
    ]);
    expect(summary.errors).toMatchObject([{ op: 'feed', kind: 'check: the feed answers', count: 10, firstAtS: null }]);
  });

  it('keeps what k6 and the system used in all phases, and its price', () => {
    const document = documentOf({ data_sent: counter(2_000), data_received: counter(5_000), 'data_received{phase:hold}': counter(4_000) });
    const usage = { generator: { name: 'generator', cpuS: 2, gbS: 1 }, system: [{ name: 'api-1', cpuS: 3, gbS: 4 }], memory: [] };
    const resources = sumResources(workOf(document), usage, null, { cpuSecond: 1, gbSecond: 0, egressGb: 0, currency: 'EUR', asOf: '2026-01-31' });
    const summary = summarySchema.parse(buildK6Summary(document, { ...facts, resources }));
    expect(summary.resources).toMatchObject({ operations: 750, used: { cpuS: 5, gbS: 5, bytesSent: 2_000, bytesReceived: 5_000 }, money: { total: 3 } });
    expect(renderReport(summary)).toContain('Cost of the system');
    expect(buildK6Summary(document, facts).resources).toBeUndefined();
  });

  it.each([
    [99, 99, 'fail'], [105, 105, 'insufficient'], [107, 107, 'insufficient'], [108, 108, 'insufficient'],
  ] as const)('passes exit code %d on', (k6ExitCode, exitCode, verdict) => {
    const missed = { 'response_time{phase:hold}': { ...trend(800, 600), thresholds: { 'p(95)<500': { ok: k6ExitCode !== 99 } } } };
    expect(buildK6Summary(documentOf(missed), { ...facts, k6ExitCode, interrupted: k6ExitCode === 105 })).toMatchObject({ exitCode, verdict });
  });

  it('calls a run with dropped iterations insufficient, whatever k6 says of it', () => {
    for (const k6ExitCode of [0, 99]) {
      const missed = { 'response_time{phase:hold}': { ...trend(800, 600), thresholds: { 'p(95)<500': { ok: k6ExitCode === 0 } } } };
      const summary = buildK6Summary(documentOf({ ...missed, dropped_iterations: counter(3) }), { ...facts, k6ExitCode });
      expect(summary).toMatchObject({ exitCode: 98, verdict: 'insufficient', generator: { unsent: 3 } });
      expect(summary.reasons[0]).toBe('validity: 3 iterations dropped by k6, limit ≤ 0');
    }
  });

  it('never turns k6’s 99 into anything else but for dropped iterations', () => {
    const empty = { 'operation_refused{phase:hold,op:flood}': { type: 'rate', values: { rate: 0, passes: 0, fails: 0 }, thresholds: { 'rate>0': { ok: true } } } };
    const missed = { 'response_time{phase:hold}': { ...trend(800, 600), thresholds: { 'p(95)<500': { ok: false } } } };
    const [itself, threshold] = ['k6 ended with exit code 99: it missed a threshold', 'threshold response_time: p(95)<500: measured '];
    for (const [metrics, reason] of [[{}, itself], [empty, itself], [{ ...empty, ...missed }, threshold]] as const) {
      const summary = buildK6Summary(documentOf(metrics), { ...facts, k6ExitCode: 99 });
      expect(summary).toMatchObject({ exitCode: 99, verdict: 'fail' });
      expect(summary.reasons[0]).toContain(reason);
    }
  });

  it('takes a threshold on nothing as no proof, which k6 calls met', () => {
    const empty = { 'operation_refused{phase:hold,op:flood}': { type: 'rate', values: { rate: 0, passes: 0, fails: 0 }, thresholds: { 'rate>0': { ok: true } } } };
    const summary = buildK6Summary(documentOf(empty), facts);
    expect(summary).toMatchObject({ exitCode: 98, verdict: 'insufficient' });
    expect(summary.thresholds).toContainEqual({ expression: 'operation_refused{op:flood}: rate>0', metric: 'operation_refused', measured: null, operator: '>', limit: 0, ok: null });
  });

  it('can be shown in every form', () => {
    const points = seriesOf([{ atMs: 1_001_000, total: 5, failed: 0, refused: 0 }, { atMs: 1_002_100, total: 12, failed: 1, refused: 2 }, { atMs: 1_040_000, total: 20, failed: 1, refused: 2 }], documentOf().run);
    expect(points).toMatchObject([{ second: 0, phase: 'ramp', total: 5, p95Ms: null }, { second: 2, total: 7, failed: 1, refused: 2 }, { second: 39, phase: 'hold', total: 8, failed: 0 }]);
    const summary = buildK6Summary(documentOf(), { ...facts, series: points });
    const host = createTestHost();
    const report = renderReport(summary);
    const says = ['does not count what each user did', 'Not audited: k6 v2.2.0', 'How the 0 response times', 'Response time percentiles'].map((text) => report.includes(text));
    expect(says).toEqual([true, true, false, false]);
    expect(renderJunit(summary)).toContain('dropped_iterations');
    expect(renderEnding(summary, styleFor(host, host.stderr, true), 'report.html')).toContain('PASS');
  });
});

describe('readExpression', () => {
  it('reads what k6 writes', () => {
    const figures = fc.constantFrom('avg', 'min', 'max', 'med', 'count', 'rate', 'value', 'p(95)', 'p(99.9)');
    fc.assert(
      fc.property(figures, fc.constantFrom('<', '<=', '>', '>=', '==', '===', '!='), fc.double({ noNaN: true, noDefaultInfinity: true }), (figure, operator, limit) => {
        // Written down, -0 is 0.
        expect(readExpression(` ${figure} ${operator} ${limit}`)).toEqual({ figure, operator, limit: limit + 0 });
      }),
    );
    expect(readExpression('p(95)')).toBeUndefined();
  });

  it('finds no figure that k6 did not keep', () => {
    const metric: K6Metric = { type: 'trend', values: { count: 3 }, thresholds: { 'p(42)<1': { ok: true } } };
    expect(buildK6Summary({ ...documentOf(), metrics: { ...documentOf().metrics, odd: metric } }, facts).thresholds[1]).toMatchObject({ expression: 'odd: p(42)<1', measured: null, ok: null });
  });
});
