import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Prices } from '../../ops/core/config.ts';
import { createTestHost } from '../../ops/core/test-host.ts';
import { renderEnding } from './ending.ts';
import { renderReport } from './html.ts';
import { expectResources, joinMemory, priceOf, sumResources } from './resources.ts';
import type { Resources } from './resources.ts';
import { createGeneratorMeter, MemorySeries } from './resources-meter.ts';
import { expectedText, formatMoney } from './resources-text.ts';
import { sampleFacts, sampleRun } from './sample.ts';
import { styleFor } from './style.ts';
import { buildSummary } from './summary.ts';
import { summarySchema } from './summary-schema.ts';

const prices: Prices = { cpuSecond: 0.01, gbSecond: 0.001, egressGb: 2, currency: 'EUR', asOf: '2026-01-31' };
const generator = { name: 'generator', cpuS: 2, gbS: 6 };
const system = [{ name: 'api', cpuS: 30, gbS: 12 }, { name: 'postgres', cpuS: 10, gbS: 40 }];
const run = sampleRun();
const operations = run.operations.reduce((sum, sample) => sum + sample.total, 0);
const resources = sumResources(run, { generator, system, memory: [] }, null, prices);

describe('sumResources', () => {
  it('sums generator and system, and gives the same by a million operations', () => {
    expect(resources.used).toMatchObject({ cpuS: 42, gbS: 58, bytesSent: operations * 310, bytesReceived: operations * 2_100 });
    expect(resources.perMillionOperations?.cpuS).toBeCloseTo((42 / operations) * 1e6);
    expect(resources.perMillionOperations?.bytesReceived).toBeCloseTo(2_100e6);
  });

  it('prices the system alone, and only from a list', () => {
    const egress = (operations * 2_100 * 2) / 1e9;
    expect(resources.money).toMatchObject({ currency: 'EUR', asOf: '2026-01-31', cpu: 0.4 });
    expect(resources.money?.total).toBeCloseTo(0.452 + egress, 9);
    expect(sumResources(run, { generator, system, memory: [] }, null, undefined).money).toBeNull();
    expect(sumResources(run, { generator, system: undefined, memory: [] }, null, prices)).toMatchObject({ money: null, systemMeasured: false, used: { cpuS: 2 } });
  });

  it('has no figure by operation where none was done', () => {
    const none = sumResources({ operations: [] }, { generator, system, memory: [] }, null, prices);
    expect(none.perMillionOperations).toBeNull();
    expect(none.money?.perMillionOperations).toBeNull();
  });

  it('scales with the prices', () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 100, noNaN: true }), fc.integer({ min: 1, max: 1_000 }), (factor, count) => {
      const dearer = { ...prices, cpuSecond: prices.cpuSecond * factor, gbSecond: prices.gbSecond * factor, egressGb: prices.egressGb * factor };
      expect(priceOf(resources.used, dearer, count).total).toBeCloseTo(priceOf(resources.used, prices, count).total * factor, 6);
    }));
  });
});

describe('expectResources', () => {
  const earlier = { runId: 'r1', scenario: 'launch-mix', host: 'build-7', startedAt: '2026-01-01T00:00:00Z', endedAt: '2026-01-01T00:01:40Z', resources };
  it('lets CPU and bytes grow with operations and memory with time', () => {
    const expected = expectResources([earlier], earlier, { operations: resources.operations * 3, durationMs: 200_000 });
    expect(expected).toMatchObject({ fromRun: 'r1', cpuS: 126 });
    expect(expected?.gbS).toBeCloseTo(116);
    expect(expectedText(expected, 'launch-mix')).toContain('as run r1 used them');
    expect(expected?.money).toBeNull();
  });
  it('knows of journeys that make many operations how many a planned one was', () => {
    const planned = Math.round(resources.operations / 6);
    const visited = { ...earlier, resources: sumResources(run, { generator, system, memory: [] }, null, prices, planned) };
    expect(expectResources([visited], visited, { operations: planned * 3, durationMs: 200_000 })?.cpuS).toBeCloseTo(126, 6);
  });
  it('prices the system’s part where there is a list', () => {
    const expected = expectResources([earlier], earlier, { operations: resources.operations * 2, durationMs: 50_000 }, prices);
    // CPU 80 s at 0.01, memory 26 GB·s at 0.001, and twice the bytes.
    expect(expected?.money?.total).toBeCloseTo(0.8 + 0.026 + (resources.used.bytesReceived * 2 * 2) / 1e9, 9);
    expect(expectedText(expected, 'launch-mix')).toMatch(/costs [\d.]+ EUR at the prices of 2026-01-31/);
  });
  it('says nothing without such a run', () => {
    const load = { operations: 1, durationMs: 1 };
    const { resources: _, ...without } = earlier;
    const others = [{ ...earlier, scenario: 'hello' }, { ...earlier, host: 'other' }, without, { ...earlier, resources: { ...resources, operations: 10 } }];
    expect(expectResources(others, { scenario: 'launch-mix', host: 'build-7' }, load)).toBeNull();
    expect(expectedText(null, 'launch-mix')).toMatch(/unknown/);
  });
});

describe('MemorySeries', () => {
  it('keeps the exact integral and at most 240 points of any run', async () => {
    const host = createTestHost();
    const memory = new MemorySeries(host.clock);
    for (let second = 0; second <= 5_000; second += 1) {
      memory.add(new Map([['api', 2e9], ['late', second < 4_000 ? 0 : 1e9]]));
      if (second < 5_000) await host.advance(1_000);
    }
    expect(memory.gbS('api')).toBeCloseTo(10_000, 6);
    expect(memory.gbS('late')).toBeCloseTo(1_000, 6);
    const points = memory.points();
    expect(points.length).toBeGreaterThan(100);
    expect(points.length).toBeLessThanOrEqual(240);
    expect(points[0]?.second).toBe(0);
    expect(points.at(-1)?.second).toBeGreaterThan(4_900);
  });
  it('does not bill the time that a machine slept', async () => {
    const host = createTestHost();
    const memory = new MemorySeries(host.clock);
    memory.add(new Map([['api', 1e9]]));
    await host.advance(3_600_000);
    memory.add(new Map([['api', 1e9]]));
    expect(memory.gbS('api')).toBe(60);
  });
});

describe('createGeneratorMeter', () => {
  it('adds up its workers and the process that leads them', async () => {
    const test = createTestHost();
    let ownUs = 5_000_000;
    const meter = createGeneratorMeter({ clock: test.clock, process: { ...test.process, cpuUs: () => ownUs, rssBytes: () => 1e9 } });
    const workers = run.workers.map((worker) => ({ ...worker, rssBytes: 2e9, cpuUs: 3_000_000 }));
    const view = { workers, phase: 'hold', usersTotal: 10_000, ratePerS: 100 } as const;
    meter.tick(view);
    await test.advance(10_000);
    meter.tick(view);
    ownUs += 500_000;
    expect(meter.usage(workers).usage).toEqual({ name: 'generator', cpuS: 6.5, gbS: 50 });
  });

  it('counts the process that leads them in what an operation costs and in memory', () => {
    const test = createTestHost();
    let [ownUs, ownBytes] = [5_000_000, 100e6];
    const meter = createGeneratorMeter({ clock: test.clock, process: { ...test.process, cpuUs: () => ownUs, rssBytes: () => ownBytes } });
    const workersAt = (cpuUs: number, rssBytes: number, usersStarted: number): typeof run.workers =>
      run.workers.map((worker) => ({ ...worker, cpuUs, rssBytes, usersStarted, laidOutBytes: 15e6 }));
    ownBytes += 20e6;
    meter.ready();
    meter.tick({ workers: workersAt(1_000_000, 60e6, 500), phase: 'ramp', usersTotal: 101_000, ratePerS: 900 });
    ownUs += 10_000;
    ownBytes += 10e6;
    meter.tick({ workers: workersAt(1_050_000, 100e6, 50_500), phase: 'hold', usersTotal: 101_000, ratePerS: 1_000 });
    const use = meter.use();
    expect(use).toMatchObject({ cpuUs: 110_000, operations: 1_000, rssBytes: 330e6 });
    // 90 MB more for 100,000 users, and what all had taken before.
    expect(use?.bytesPerUser).toBeCloseTo(900 + 50e6 / 101_000, 6);
  });
});

describe('joinMemory', () => {
  it('puts generator and system side by side', () => {
    const at = (second: number, name: string): { second: number; bytes: Record<string, number> } => ({ second, bytes: { [name]: second } });
    expect(joinMemory([at(0, 'api'), at(2, 'api')], [at(0, 'generator'), at(1, 'generator'), at(2, 'generator')])).toEqual([
      { second: 0, bytes: { generator: 0, api: 0 } }, { second: 2, bytes: { generator: 2, api: 2 } },
    ]);
    expect(joinMemory([], [at(1, 'generator')])).toHaveLength(1);
  });
});

describe('what people see', () => {
  const withMemory: Resources = { ...resources, memory: [{ second: 0, bytes: { api: 1e6 } }] };
  const summary = buildSummary(run, sampleFacts({ resources: withMemory }));
  it('stands in the summary, the ending and the report', () => {
    expect(summarySchema.parse(JSON.parse(JSON.stringify(summary))).resources).toEqual(withMemory);
    const host = createTestHost();
    const text = renderEnding(summary, styleFor(host, host.stdout), 'report.html');
    expect(text).toContain('CPU 42 s, 58 GB·s of memory');
    expect(text).toContain('at the prices of 2026-01-31');
    const html = renderReport(summary);
    expect(html).toContain('<h2>Resources</h2>');
    expect(html).toContain('Cost of a million operations');
  });
  it('is left out where nothing was measured, and shows no money without prices', () => {
    expect(renderReport(buildSummary(run, sampleFacts()))).not.toContain('<h2>Resources</h2>');
    const free = buildSummary(run, sampleFacts({ resources: { ...resources, money: null } }));
    expect(renderReport(free)).not.toMatch(/Cost of|EUR/);
  });
  it('keeps three figures of small sums', () => {
    expect(formatMoney(0.000_123_456, 'EUR')).toBe('0.000123 EUR');
    expect(formatMoney(1_234.5, 'USD')).toBe('1,235 USD');
    expect(formatMoney(null, 'USD')).toBe('–');
  });
  it('works out the concurrency by Little’s law', () => {
    const { concurrencyMean = 0, operations: all, latencyMs } = summary;
    expect(concurrencyMean).toBeGreaterThan((all.offeredPerS * (latencyMs.service.p50 ?? 0)) / 1_000 / 2);
    expect(concurrencyMean).toBeLessThan((all.offeredPerS * (latencyMs.service.max ?? 0)) / 1_000);
  });
});
