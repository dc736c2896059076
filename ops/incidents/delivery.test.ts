import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deliveryMetrics, deploysOf } from './delivery.ts';
import { distributionOf } from './distribution.ts';
import { createScript, minuteMs, startMs } from './fixture.ts';

const span = { fromMs: startMs - 1, toMs: startMs + 10 * 1_440 * minuteMs };
const day = 1_440;

describe('deploysOf', () => {
  test('a roll-back changes the deploy it names and is its recovery', () => {
    const script = createScript();
    script.deploy(0, 'v1');
    script.deploy(60, 'v2');
    script.deploy(75, 'v2', { outcome: 'rolled-back' });
    expect(deploysOf(script.events).map(({ version, outcome, failedAtMs, recoveredAtMs }) => [version, outcome, failedAtMs, recoveredAtMs])).toEqual([
      ['v1', 'succeeded', undefined, undefined],
      ['v2', 'rolled-back', startMs + 75 * minuteMs, startMs + 75 * minuteMs],
    ]);
  });

  test('a failed deploy is mended by the next that succeeds, of the same service only', () => {
    const script = createScript();
    script.deploy(0, 'v1', { outcome: 'failed' });
    script.deploy(5, 'w1', { service: 'web' });
    expect(deploysOf(script.events)[0]?.recoveredAtMs).toBeUndefined();
    script.deploy(20, 'v2', { rework: true });
    expect(deploysOf(script.events)[0]?.recoveredAtMs).toBe(startMs + 20 * minuteMs);
  });

  test('a deploy that had to be mended has failed', () => {
    const script = createScript();
    script.deploy(0, 'v1');
    script.deploy(30, 'v2', { rework: true });
    expect(deploysOf(script.events)).toMatchObject([{ failedAtMs: startMs, recoveredAtMs: startMs + 30 * minuteMs }, { failedAtMs: undefined }]);
  });
});

test('the metrics of DORA, each with its number', () => {
  const script = createScript();
  script.deploy(0, 'v1');
  script.deploy(day, 'v2');
  script.deploy(day + 12, 'v2', { outcome: 'rolled-back' });
  script.deploy(day + 40, 'v3', { rework: true, committedAtMs: startMs + (day + 10) * minuteMs });
  script.deploy(3 * day, 'v4', { outcome: 'failed' });
  expect(deliveryMetrics(deploysOf(script.events), { fromMs: startMs, toMs: span.toMs })).toMatchObject({
    deploys: 4,
    deploysPerDay: 0.2,
    activeDays: { n: 2, of: 10 },
    leadTimeMs: { n: 2, median: 45 * minuteMs, longest: 60 * minuteMs },
    changeFailure: { n: 2, of: 4, ratio: 0.5 },
    recoveryMs: { n: 1, median: 12 * minuteMs },
    unrecovered: 1,
    rework: { n: 1, of: 4, ratio: 0.25 },
  });
  expect(deliveryMetrics([], span)).toMatchObject({ deploys: 0, changeFailure: { ratio: undefined }, leadTimeMs: { n: 0, median: undefined } });
});

test('a deploy that its successor had to mend does not count as one that stood', () => {
  const script = createScript();
  script.deploy(0, 'v1');
  script.deploy(day, 'v2', { rework: true, committedAtMs: startMs + day * minuteMs - minuteMs });
  expect(deliveryMetrics(deploysOf(script.events), { fromMs: startMs, toMs: span.toMs })).toMatchObject({
    deploys: 2, deploysPerDay: 0.1, activeDays: { n: 1 }, leadTimeMs: { n: 1, median: minuteMs }, changeFailure: { n: 1, of: 2 },
  });
});

test('whatever was deployed, shares are shares and nothing recovers before it was deployed', () => {
  const anyDeploy = fc.record({ minute: fc.integer({ min: 0, max: 9 * day }), version: fc.constantFrom('v1', 'v2', 'v3'), service: fc.constantFrom('api', 'web'), outcome: fc.constantFrom('succeeded', 'succeeded', 'failed', 'rolled-back'), rework: fc.boolean() });
  fc.assert(fc.property(fc.array(anyDeploy, { maxLength: 40 }), (given) => {
    const script = createScript();
    for (const { minute, version, ...rest } of given) script.deploy(minute, version, rest);
    const deploys = deploysOf(script.events);
    expect(deploys.length).toBeLessThanOrEqual(given.length);
    for (const deploy of deploys) {
      expect(deploy.recoveredAtMs ?? deploy.atMs).toBeGreaterThanOrEqual(deploy.atMs);
      if (deploy.recoveredAtMs !== undefined) expect(deploy.failedAtMs).toBeDefined();
      if (deploy.outcome !== 'succeeded') expect(deploy.failedAtMs).toBeDefined();
    }
    const metrics = deliveryMetrics(deploys, span);
    for (const { n, of, ratio } of [metrics.changeFailure, metrics.rework, metrics.activeDays]) {
      expect(n).toBeLessThanOrEqual(of);
      expect(ratio ?? 0).toBeLessThanOrEqual(1);
    }
    expect(metrics.recoveryMs.n + metrics.unrecovered).toBe(metrics.changeFailure.n);
    expect(metrics.leadTimeMs.n + metrics.changeFailure.n).toBe(metrics.deploys);
  }));
});

test('a distribution lies between its least and its most', () => {
  expect(distributionOf([4, undefined, 1, 2, 3])).toEqual({ n: 4, median: 2.5, p90: 3.7, longest: 4 });
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 1e9 }), { minLength: 1 }), (values) => {
    const { n, median = -1, p90 = -1, longest } = distributionOf(values);
    expect(n).toBe(values.length);
    expect(median).toBeGreaterThanOrEqual(Math.min(...values));
    expect(p90).toBeGreaterThanOrEqual(median);
    expect(longest).toBe(Math.max(...values));
  }));
});
