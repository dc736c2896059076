import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestHost } from '../../ops/core/test-host.ts';
import { styleFor } from '../report/style.ts';
import { renderCapacityPage } from './html.ts';
import { judgeCapacity } from './judge-capacity.ts';
import type { CapacityFacts } from './judge-capacity.ts';
import { renderCapacity } from './render.ts';
import { capacityJsonSchema, capacitySchema } from './result-schema.ts';
import type { CapacityProbe } from './result-schema.ts';
import type { Finding } from './search.ts';
import { lawLines } from './sentences.ts';
import { pointsOn } from './synthetic.ts';

const facts: CapacityFacts = {
  runId: 'c1', scenario: 'launch-mix', target: 'http://127.0.0.1:8080', startedAtMs: 0, endedAtMs: 600_000, todayPerS: undefined, interrupted: false,
  thresholds: ['response_time: p(95)<500'],
  plan: { fromPerS: 100, leastPerS: 2, mostPerS: 10_000, precisionRatio: 0.05, holdMs: 30_000, confirmHoldMs: 60_000, probesMax: 16, durationMaxMs: 1_800_000, surveyRates: 6 },
};
const found: Finding = { kind: 'found', ratePerS: 900, bound: 'thresholds', missedPerS: 940 };
const probes: CapacityProbe[] = pointsOn({ lambda: 400, sigma: 0.2, kappa: 0.002 }, [0.2, 0.5, 1, 2, 4, 8, 16]).map(({ concurrency, throughputPerS }, index) => ({
  runId: `c1-p0${index + 1}`, ratePerS: throughputPerS, purpose: 'rise', outcome: index < 6 ? 'met' : 'missed', valid: true, reasons: index < 6 ? [] : ['<script>alert(1)</script>'], users: 100,
  thinkTimeS: 1, holdS: 30, tookS: 40, offeredPerS: throughputPerS, achievedPerS: throughputPerS, p95Ms: 20, failedRatio: 0, concurrency,
}));
const published: unknown = JSON.parse(createNodeHost().files.readText('loadtests/schema/capacity.v1.json'));
const host = createTestHost();
const style = styleFor(host, host.stderr);

describe('judgeCapacity', () => {
  it.each<[string, Partial<CapacityFacts>, Finding, string, number]>([
    ['a confirmed rate', {}, found, 'pass', 0],
    ['a rate above today’s', { todayPerS: 600 }, found, 'pass', 0],
    ['a rate below today’s', { todayPerS: 1_000 }, found, 'fail', 99],
    ['a search that ended at its own limit', {}, { kind: 'found', ratePerS: 10_000, bound: 'limit', missedPerS: null }, 'pass', 0],
    ['a search that ran out of probes while rates were met', {}, { kind: 'found', ratePerS: 800, bound: 'limit', missedPerS: null }, 'insufficient', 98],
    ['the same above today’s rate', { todayPerS: 600 }, { kind: 'found', ratePerS: 800, bound: 'limit', missedPerS: null }, 'insufficient', 98],
    ['a limit below today’s rate', { todayPerS: 20_000 }, { kind: 'found', ratePerS: 10_000, bound: 'limit', missedPerS: null }, 'insufficient', 98],
    ['a generator that gave out first', {}, { ...found, bound: 'generator' }, 'insufficient', 98],
    ['a rate that no longer hold confirmed', {}, { kind: 'unconfirmed', ratePerS: 900, missedPerS: null, why: 'too few probes' }, 'insufficient', 98],
    ['nothing measured', {}, { kind: 'unmeasured', why: 'at no rate was the measurement valid' }, 'insufficient', 98],
    ['a system that meets no rate', {}, { kind: 'none', leastPerS: 2 }, 'fail', 99],
    ['an interrupt', { interrupted: true }, found, 'insufficient', 105],
  ])('judges %s', (_, change, finding, verdict, exitCode) => {
    expect(judgeCapacity({ ...facts, ...change }, finding, probes)).toMatchObject({ verdict, exitCode, reasons: verdict === 'pass' ? [] : [expect.any(String)] });
  });

  it('tells the headroom over today’s rate', () => {
    expect(judgeCapacity({ ...facts, todayPerS: 600 }, found, probes).headroomRatio).toBeCloseTo(0.5);
    expect(judgeCapacity({ ...facts, todayPerS: 1_000 }, found, probes).headroomRatio).toBeCloseTo(-0.1);
    expect(judgeCapacity(facts, found, probes).headroomRatio).toBeNull();
  });

  it('tells nothing of a law that has too few points', () => {
    const { law } = judgeCapacity(facts, found, probes.slice(0, 4));
    expect(lawLines(law)).toEqual(['INSUFFICIENT: too few points: 4 of at least 6']);
  });

  it('fits the law to what was measured, and not where the generator gave out', () => {
    const { law } = judgeCapacity(facts, found, probes);
    expect(law).toMatchObject({ verdict: 'fitted', reasons: [] });
    expect(law.fit?.sigma.value).toBeCloseTo(0.2, 3);
    expect(judgeCapacity(facts, { ...found, bound: 'generator' }, probes).law.verdict).toBe('insufficient');
    expect(judgeCapacity(facts, found, probes.map((probe) => ({ ...probe, outcome: 'unclear' as const, valid: false }))).law).toMatchObject({ verdict: 'insufficient', points: [], fit: null });
  });
});

describe('what is written down', () => {
  const result = judgeCapacity({ ...facts, todayPerS: 600 }, found, probes);
  it('follows the published schema, also where the law has no peak', () => {
    expect(published).toEqual(capacityJsonSchema());
    const ajv = new Ajv2020({ strict: true, allErrors: true });
    addFormats.default(ajv);
    const validate = ajv.compile(published as object);
    const straight = judgeCapacity(facts, found, probes.map((probe) => ({ ...probe, achievedPerS: (probe.concurrency ?? 0) * 10 })));
    expect(straight.law.fit?.peak?.concurrency ?? null).toBeNull();
    for (const each of [result, straight, judgeCapacity(facts, { kind: 'none', leastPerS: 1 }, [])]) {
      validate(JSON.parse(JSON.stringify(each)));
      expect(validate.errors).toBeNull();
      expect(capacitySchema.parse(JSON.parse(JSON.stringify(each)))).toEqual(each);
    }
  });
  it('shows probes, law and headroom in the terminal', () => {
    const text = renderCapacity(result, style, 'capacity.html');
    expect(text).toContain('✓ PASS  900 operations/s met every threshold');
    expect(text).toContain('a headroom of 50 %');
    expect(text).toMatch(/knee at a concurrency of/);
    expect(text).toMatch(/predicted peak at a concurrency of [\d.]+: [\d,]+\/s \([\d,]+ to [\d,]+\)/);
  });
  it('is a page that loads nothing, runs nothing and escapes every text', () => {
    const page = renderCapacityPage({ ...result, scenario: '<img src=x onerror=alert(1)>' });
    expect(page).not.toMatch(/<script|<img|(src|href)="(?!data:)|url\(|@import|NaN|undefined|Infinity/);
    expect(page.match(/<circle class="column"/g)).toHaveLength(7);
    expect(page).toContain('<summary>Show as table</summary>');
    expect(renderCapacityPage(judgeCapacity(facts, { kind: 'none', leastPerS: 1 }, []))).toContain('nothing to draw');
  });
});
