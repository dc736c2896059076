import { describe, expect, it } from 'vitest';
import { Histogram } from '../swarm/histogram.ts';
import type { CheckSample, TagSample } from '../swarm/measurement.ts';
import { noteLines } from './annex-text.ts';
import { annexOf } from './annex.ts';
import { annexSchema } from './annex-schema.ts';
import { renderEnding } from './ending.ts';
import { holdOf } from './hold.ts';
import { renderReport } from './html.ts';
import { sampleFacts, sampleRun } from './sample.ts';
import { createTestHost } from '../../ops/core/test-host.ts';
import { styleFor } from './style.ts';
import { buildSummary } from './summary.ts';
import { summarySchema } from './summary-schema.ts';

function tagOf(value: string, ms: number, total: number, change: Partial<TagSample> = {}): TagSample {
  const times = new Histogram();
  for (let index = 0; index < total; index++) times.record(ms * 1_000);
  const sparse = times.encode();
  return {
    name: 'shop', value, op: 'feed', phase: 'hold', total, failed: 0, refused: 0, requests: total, requestsFailed: 0, checks: 0, checksFailed: 0, bytesSent: 1, bytesReceived: 1,
    times: { response: sparse, service: sparse, poolWait: sparse, lateness: sparse }, requestDuration: sparse, failedResponse: new Uint32Array(), ...change,
  };
}

const tags = [tagOf('north', 10, 30), tagOf('north', 40, 30, { op: 'chat', failed: 6, requestsFailed: 9, checks: 4, checksFailed: 1 }), tagOf('south', 20, 6), tagOf('south', 20, 6, { phase: 'ramp' })];
const checks: CheckSample[] = [
  { name: 'is fine', op: 'feed', phase: 'hold', total: 50, failed: 0 }, { name: 'is <mine>', op: 'chat', phase: 'hold', total: 10, failed: 4 }, { name: 'is fine', op: 'feed', phase: 'ramp', total: 7, failed: 7 },
];
const workers = sampleRun().workers.map((worker) => ({ ...worker, arrivalsQueued: 6, namesBeyond: { operations: 0, tags: 2, checks: 0 } }));
const run = sampleRun({ tags, checks, workers });
const summary = buildSummary(run, sampleFacts());

describe('what a summary says beyond operations', () => {
  it('are the checks of the hold, the failed first, and its tags over all operations', () => {
    expect(summary.checks).toEqual({ total: 60, failed: 4, omitted: 0, rows: [{ name: 'is <mine>', op: 'chat', total: 10, failed: 4 }, { name: 'is fine', op: 'feed', total: 50, failed: 0 }] });
    expect(summary.tags?.rows.map(({ name, value }) => `${name}=${value}`)).toEqual(['shop=north', 'shop=south']);
    expect(summary.tags?.rows[0]).toMatchObject({ operations: { total: 60, perS: 1, failed: 6, failedRatio: 0.1, refused: 0 }, requests: { total: 60, failed: 9 }, checks: { total: 4, failed: 1 } });
    expect(summary.tags?.rows[0]?.responseMs.max).toBeCloseTo(40, 0);
    expect(summary.tags?.rows[1]).not.toHaveProperty('checks');
  });

  it('are late arrivals and names beyond their bounds', () => {
    expect([summary.arrivalsQueued, summary.namesBeyond]).toEqual([12, { operations: 0, tags: 4, checks: 0 }]);
    expect(summarySchema.parse(summary)).toMatchObject({ arrivalsQueued: 12, namesBeyond: { tags: 4 } });
  });

  it('is the wait for a connection, where there was one', () => {
    const latencyMs = { ...summary.latencyMs, poolWait: { p50: 2_600, p90: 3_000, p95: 3_500, p99: 4_100, p999: 5_000, max: 6_000 } };
    expect(noteLines({ latencyMs })).toEqual([expect.stringContaining('operations waited for a connection of the pool: p50 2.6 s, p99 4.1 s')]);
    expect(renderReport({ ...summary, latencyMs })).toContain('waited for a connection of the pool');
    expect(noteLines({ latencyMs: { ...latencyMs, poolWait: { ...latencyMs.poolWait, p50: 0.2, p99: 3 } } })).toEqual([]);
  });

  it('are users that were needed, not those there might have been', () => {
    const few = buildSummary(sampleRun({ workers: workers.map((worker) => ({ ...worker, usersStarted: 100 })) }), sampleFacts());
    expect(few.validity.find(({ name }) => name === 'users_completed')?.text).toContain(`(${100 * workers.length} of ${100 * workers.length})`);
    expect(renderReport(few)).toContain('of the users that were needed, of');
  });

  it('is nothing where there was none of it, as in runs of before', () => {
    expect(annexOf(sampleRun(), holdOf(sampleRun()))).toEqual({});
    const plain = buildSummary(sampleRun(), sampleFacts());
    const poolWait = { ...plain.latencyMs.poolWait, p50: 0, p99: 2 };
    const html = renderReport({ ...plain, latencyMs: { ...plain.latencyMs, poolWait } });
    for (const title of ['Checks', 'Tags', 'Waiting and names']) expect(html).not.toContain(`<h2>${title}</h2>`);
  });

  it('is bounded, and says how much was left out', () => {
    const many = Array.from({ length: 700 }, (_, index): CheckSample => ({ name: `n${index}`, op: 'feed', phase: 'hold', total: 1, failed: index % 2 }));
    const manyTags = Array.from({ length: 503 }, (_, index) => tagOf(`v${index}`, 10, index < 3 ? 1 : 2));
    const annex = annexSchema.parse(annexOf(sampleRun({ checks: many, tags: manyTags }), { durationS: 60 }));
    expect([annex.checks?.rows.length, annex.checks?.omitted, annex.checks?.total]).toEqual([500, 200, 700]);
    expect([annex.tags?.rows.length, annex.tags?.omitted, annex.tags?.rows.some(({ value }) => value === 'v0')]).toEqual([500, 3, false]);
  });

  it('stands in the report, escaped, and at the end on the terminal', () => {
    const html = renderReport(summary);
    for (const text of ['<h2>Checks</h2>', '56 of 60 checks of the hold passed', 'is &lt;mine&gt;', '<h2>Tags</h2>', 'shop: north', '12 arrivals found every user busy', 'tags 4 times']) expect(html).toContain(text);
    const host = createTestHost();
    const ending = renderEnding(summary, styleFor(host, host.stderr), 'report.html');
    for (const text of ['56 of 60 passed, 4 failed', '✗ is <mine> in chat: 6 of 10', 'shop=north: 60 operations, 10 % failed', '12 arrivals found every user busy']) expect(ending).toContain(text);
  });
});
