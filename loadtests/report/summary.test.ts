import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { Histogram } from '../swarm/histogram.ts';
import { sampleFacts, sampleRun } from './sample.ts';
import { buildSummary } from './summary.ts';
import { summaryJsonSchema } from './summary-schema.ts';
import { parseThreshold } from './thresholds.ts';

const published: unknown = JSON.parse(createNodeHost().files.readText('loadtests/schema/run.v1.json'));
const ajv = new Ajv2020({ strict: true, allErrors: true });
addFormats.default(ajv);
const validate = ajv.compile(published as object);
const summary = buildSummary(sampleRun(), sampleFacts());

describe('the published schema', () => {
  it('is the one the code has', () => {
    expect(published).toEqual(summaryJsonSchema());
    expect(published).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
  });
  it('accepts a full, a foreign and an empty run', () => {
    const runs = [
      summary,
      buildSummary(sampleRun(), sampleFacts({ audit: null, gitSha: null, scenarioSha256: null })),
      buildSummary(sampleRun({ operations: [], series: [], phases: [], history: [], errors: [], slowest: [], workers: [], interrupted: true }), sampleFacts()),
    ];
    for (const run of runs) {
      validate(JSON.parse(JSON.stringify(run)));
      expect(validate.errors).toBeNull();
    }
  });
  it('refuses a missing name and a wrong verdict, and allows a new name', () => {
    const { verdict: _, ...without } = summary;
    expect(validate(without)).toBe(false);
    expect(validate({ ...summary, verdict: 'maybe' })).toBe(false);
    expect(validate(JSON.parse(JSON.stringify({ ...summary, later: 1 })))).toBe(true);
  });
  it('has every name of the contract', () => {
    expect(Object.keys(summary)).toEqual(expect.arrayContaining([
      'schema', 'scenario', 'seed', 'gitSha', 'startedAt', 'target', 'model', 'thinkTimeS', 'verdict', 'reasons', 'users', 'durationS', 'phases',
      'operations', 'latencyMs', 'byOperation', 'errors', 'thresholds', 'audit', 'generator', 'processes', 'machine',
    ]));
    expect(Object.keys(summary.operations)).toEqual(['offeredPerS', 'achievedPerS', 'total', 'failed', 'failedRatio', 'refused']);
    for (const name of ['response', 'service', 'poolWait', 'lateness'] as const) {
      expect(Object.keys(summary.latencyMs[name])).toEqual(['p50', 'p90', 'p95', 'p99', 'p999', 'max']);
    }
    expect(Object.keys(summary.byOperation['feed'] ?? {})).toEqual(['operations', 'latencyMs']);
  });
});

describe('buildSummary', () => {
  it('judges the hold alone', () => {
    const hold = sampleRun().operations.filter((sample) => sample.phase === 'hold');
    expect(summary.operations.total).toBe(hold.reduce((sum, sample) => sum + sample.total, 0));
    const run = sampleRun();
    const slowRamp = run.operations.map((sample) => {
      if (sample.phase !== 'ramp') return sample;
      const slow = new Histogram();
      slow.record(30_000_000);
      return { ...sample, failed: sample.total, requestsFailed: sample.requests, times: { ...sample.times, response: slow.encode() } };
    });
    const after = buildSummary({ ...run, operations: slowRamp }, sampleFacts());
    expect(after.thresholds).toEqual(summary.thresholds);
    expect(after.verdict).toBe('pass');
  });

  it('counts the rate by when replies came, not by what the drain still answered', () => {
    const run = sampleRun({ series: sampleRun().series.map((point) => ({ ...point, total: point.phase === 'hold' ? 500 : 0, failed: 0 })) });
    expect(buildSummary(run, sampleFacts()).operations).toMatchObject({ offeredPerS: 1_000, achievedPerS: 500 });
  });

  it('counts the rate over whole seconds, where the ramp ends within one', () => {
    const point = sampleRun().series[0]!;
    const phases = [{ name: 'ramp' as const, startMs: 0, endMs: 500 }, { name: 'hold' as const, startMs: 500, endMs: 3_500 }];
    const series = [16, 33, 34, 17].map((total, second) => ({ ...point, second, total, failed: 0, phase: second === 0 ? 'ramp' as const : 'hold' as const }));
    expect(buildSummary(sampleRun({ phases, series, rampMs: 500, holdMs: 3_000 }), sampleFacts()).operations.achievedPerS).toBe(33.5);
    // Nothing within a second is known of a hold as short.
    const short = [{ name: 'hold' as const, startMs: 0, endMs: 500 }];
    expect(buildSummary(sampleRun({ phases: short, series: [{ ...point, second: 0, total: 20, failed: 0, phase: 'hold' }] }), sampleFacts()).operations.achievedPerS).toBe(40);
  });

  it('counts an operation that was never sent once', () => {
    expect(buildSummary(sampleRun({ unsent: 6_000 }), sampleFacts()).operations.offeredPerS).toBe(1_000);
  });

  it('says since when a missed threshold was missed, where the series tells', () => {
    const thresholds = [
      parseThreshold('response_time', 'p(95)<130'), parseThreshold('response_time', 'p(50)<1'), parseThreshold('operation_failed', 'rate<0.0001'),
      parseThreshold('response_time{op:ai}', 'p(95)<1'), parseThreshold('response_time', 'p(99)<10000'),
    ];
    const judged = buildSummary(sampleRun(), sampleFacts({ thresholds })).thresholds;
    // The slow spell of the sample begins at 41 s; the first second above 130 ms of p95 comes before.
    expect(judged.map((row) => [row.ok, row.missedFromS])).toEqual([[false, 29], [false, 10], [false, 41], [false, undefined], [true, undefined]]);
    const first = sampleRun().series.find((point) => point.phase === 'hold' && (point.p95Ms ?? 0) >= 130);
    expect(first?.second).toBe(29);
  });

  it('lets no secret of a reply, an error or a path into the report', () => {
    const token = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl';
    const usual = sampleRun();
    const [error] = usual.errors;
    const [step] = usual.history;
    if (error === undefined || step === undefined) throw new Error('the sample has both');
    const run = sampleRun({
      errors: [{ ...error, kind: `check: ${token}`, firstMessage: `GET /feed answered 500: {"accessToken":"${token}`, firstStack: `Error: Bearer ${token}\n    at send` }],
      history: [{ ...step, requests: [{ method: 'GET', path: `/reset?token=${token}`, status: 500, serviceUs: 1, correlationId: '' }] }],
    });
    const judged = buildSummary(run, sampleFacts());
    expect(JSON.stringify(judged)).not.toContain(token.slice(0, 20));
    expect(judged.errors[0]?.firstMessage).toMatch(/^GET \/feed answered 500/);
    expect(judged.sampledUser?.history[0]?.requests[0]?.path).toMatch(/^\/reset\?token=/);
  });

  it('proves nothing where the guard kept operations from the target, whatever was missed', () => {
    const refused = { kind: 'refused_target', op: 'feed', count: 40, firstAtMs: 30_000, firstMessage: 'GET /feed: api.staging.test resolves to 10.1.2.9, which is not this machine' };
    const facts = sampleFacts({ thresholds: [parseThreshold('operation_failed', 'rate<0.0000001')] });
    const run = sampleRun({ errors: [...sampleRun().errors, { ...refused, op: 'chat', count: 2, firstAtMs: 31_000, firstMessage: 'later' }, refused] });
    const judged = buildSummary(run, facts);
    expect([judged.verdict, judged.exitCode, judged.reasons[0]]).toEqual(['insufficient', 98, expect.stringMatching(/^validity: 42 operations refused by the guard of targets, limit ≤ 0: GET \/feed: .*; where such addresses are yours to load, list them as staging/)]);
    expect(buildSummary(sampleRun(), facts).verdict).toBe('fail');
    validate(JSON.parse(JSON.stringify(judged)));
    expect(validate.errors).toBeNull();
  });

  it('tells apart requests as k6 counts them and operations from their due time', () => {
    const facts = sampleFacts({ thresholds: [parseThreshold('response_time', 'max<1'), parseThreshold('http_req_duration', 'max<1'), parseThreshold('response_time{op:ai}', 'p(50)<1')] });
    const [response, request, ai] = buildSummary(sampleRun(), facts).thresholds.map((row) => row.measured ?? 0);
    expect(response).toBe(summary.latencyMs.response.max);
    expect(request).toBe(summary.requests.durationMs.max);
    expect(ai).toBe(summary.byOperation['ai']?.latencyMs.response.p50);
    expect(response).toBeGreaterThan(request ?? 0);
  });

  it('fails a lost write although the audit threshold is absent, and proves nothing when the audit did not end', () => {
    const audit = sampleFacts().audit;
    if (audit === null) throw new Error('the sample has an audit');
    expect(buildSummary(sampleRun(), sampleFacts({ thresholds: [], audit: { ...audit, lost: 1 } }))).toMatchObject({ verdict: 'fail', exitCode: 99 });
    expect(buildSummary(sampleRun(), sampleFacts({ audit: { ...audit, incomplete: 'the api went away' } }))).toMatchObject({ verdict: 'insufficient', exitCode: 98 });
  });

  it('keeps the series within 2,880 points and every count in it', () => {
    const run = sampleRun();
    const usual = run.series.slice(20, 21);
    const long = Array.from({ length: 10_000 }, (_, second) => usual.map((point) => ({ ...point, second }))).flat();
    const kept = buildSummary({ ...run, series: long }, sampleFacts()).series;
    expect(kept.length).toBeLessThanOrEqual(2_880);
    expect(kept.reduce((sum, point) => sum + point.total, 0)).toBe(10_000 * (usual[0]?.total ?? 0));
  });

  it('parts every response by range and outcome', () => {
    const sum = (pick: (range: (typeof summary.ranges)[number]) => number): number => summary.ranges.reduce((total, range) => total + pick(range), 0);
    expect(sum((range) => range.failed)).toBe(summary.operations.failed);
    expect(sum((range) => range.ok)).toBe(summary.operations.total - summary.operations.failed);
  });

  it('spreads every response over the distribution', () => {
    expect(summary.distribution.reduce((sum, bucket) => sum + bucket.count, 0)).toBe(summary.operations.total);
  });

  it('names operations safely', () => {
    const run = sampleRun({ operations: sampleRun().operations.map((sample) => ({ ...sample, op: '__proto__' })) });
    expect(Object.keys(buildSummary(run, sampleFacts()).byOperation)).toEqual(['__proto__']);
  });
});
