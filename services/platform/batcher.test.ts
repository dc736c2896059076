import * as fc from 'fast-check';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestHost } from '../../ops/core/test-host.ts';
import { createTracing } from '../../ops/telemetry/tracing.ts';
import { attributeOf, startCollector } from '../../tests/fixtures/collector.ts';
import { Batcher } from './batcher.ts';
import { overloaded } from './problem.ts';

const host = createNodeHost();

describe('Batcher', () => {
  it('answers every item with its own result, in batches within the limit, one in flight; bad items fail alone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ value: fc.nat(50), bad: fc.boolean() }), { maxLength: 60 }), fc.integer({ min: 1, max: 9 }), async (items, sizeMax) => {
        let inFlight = 0;
        const batcher = new Batcher<{ value: number; bad: boolean }, number>(host, { name: 'test', sizeMax, collectMs: 0 }, async (batch) => {
          expect(++inFlight).toBe(1);
          expect(batch.length).toBeLessThanOrEqual(sizeMax);
          await Promise.resolve();
          inFlight--;
          if (batch.some((item) => item.bad)) throw new Error('bad');
          return batch.map((item) => item.value * 2);
        });
        const settled = await Promise.allSettled(items.map((item) => batcher.add(item)));
        settled.forEach((result, index) => {
          const item = items[index];
          expect(result.status === 'fulfilled' ? result.value : 'failed').toBe(item?.bad === true ? 'failed' : (item?.value ?? 0) * 2);
        });
        expect(batcher.queued).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('gathers what arrives meanwhile and reports its depth', async () => {
    const time = createTestHost();
    const metrics = new Registry();
    const batches: number[][] = [];
    const batcher = new Batcher<number, number>(time, { name: 'test', metrics }, (items) => {
      batches.push(items);
      return Promise.resolve(items);
    });
    const results = [batcher.add(1), batcher.add(2)];
    expect(await metrics.metrics()).toContain('batch_queue_depth{batch="test"} 2');
    await time.advance(1);
    expect(await Promise.all(results)).toEqual([1, 2]);
    expect(batches).toEqual([[1, 2]]);
  });

  it('starts at most one batch an interval, unless a whole one waits', async () => {
    const time = createTestHost();
    const starts: [number, number][] = [];
    const batcher = new Batcher<number, number>(time, { name: 'test', intervalMs: 10, sizeMax: 3 }, (items) => {
      starts.push([time.clock.monotonicMs(), items.length]);
      return Promise.resolve(items);
    });
    const first = batcher.add(1);
    await time.advance(2);
    await first;
    const more = [batcher.add(2), batcher.add(3)];
    await time.advance(20);
    await Promise.all(more);
    const many = [1, 2, 3, 4, 5, 6, 7].map((item) => batcher.add(item));
    await time.advance(20);
    await Promise.all(many);
    expect(starts).toEqual([[1, 1], [11, 2], [23, 3], [23, 3], [33, 1]]);
  });

  it('has one span a batch where tracing is on, below the first request of that batch and no earlier one', async () => {
    await using collector = await startCollector();
    const real = createNodeHost();
    const traced = { ...real, process: { ...real.process, env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } } };
    const tracing = createTracing(traced, 'api');
    const batcher = new Batcher<number, number>(traced, { name: 'work', sizeMax: 2, collectMs: 0 }, (items) => Promise.resolve(items));
    const requests = Array.from({ length: 4 }, (_, index) => tracing.startServer(`request ${index}`, {}));
    await Promise.all(requests.map((span, index) => tracing.run(span, () => batcher.add(index))));
    await tracing.shutdown();
    const batches = collector.spans.toSorted((a) => (a.parentSpanId === requests[0]?.spanId ? -1 : 1));
    expect(batches.map((span) => [span.name, span.parentSpanId, span.links?.map((link) => link.spanId), attributeOf(span, 'sora.batch.size')])).toEqual([
      ['work', requests[0]?.spanId, [requests[1]?.spanId], 2], ['work', requests[2]?.spanId, [requests[3]?.spanId], 2],
    ]);
  });

  it('refuses with 503 when full', async () => {
    const batcher = new Batcher<number, number>(createTestHost(), { name: 'test', queueMax: 1 }, (items) => Promise.resolve(items));
    void batcher.add(1);
    await expect(batcher.add(2)).rejects.toMatchObject({ status: 503, code: 'overloaded' });
  });

  it('does not try items again after an error that meets all alike', async () => {
    let calls = 0;
    const batcher = new Batcher<number, number>(host, { name: 'test' }, () => {
      calls++;
      return Promise.reject(overloaded('the database is away'));
    });
    const settled = await Promise.allSettled([batcher.add(1), batcher.add(2), batcher.add(3)]);
    expect(settled.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(calls).toBe(1);
  });
});
