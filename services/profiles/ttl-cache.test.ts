import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { TtlCache } from './ttl-cache.ts';

const ttlMs = 1_000;

describe('TtlCache', () => {
  it('answers for its time from the reading on, and not after', async () => {
    const host = createTestHost();
    const cache = new TtlCache<string>(host.clock, { ttlMs, max: 10 });
    const readAtMs = host.clock.monotonicMs();
    await host.advance(400);
    cache.set(1, 'a', readAtMs);
    await host.advance(599);
    expect(cache.get(1)).toBe('a');
    await host.advance(1);
    expect(cache.get(1)).toBeUndefined();
  });

  it('holds what was read within two lives, however much was read before', async () => {
    const host = createTestHost();
    const cache = new TtlCache<number>(host.clock, { ttlMs, max: 50_000 });
    for (let id = 0; id < 10_000; id++) {
      cache.set(id, id, host.clock.monotonicMs());
      await host.advance(10);
      expect(cache.size).toBeLessThanOrEqual(200);
    }
    expect(cache.get(9_999)).toBe(9_999);
    expect(cache.get(9_950)).toBe(9_950);
  });

  it('is never wrong: what it answers was set within the time, last of its id, and not forgotten since', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), id: fc.nat(5), value: fc.nat() }),
      fc.record({ kind: fc.constant('forget' as const), id: fc.nat(5) }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(1_200) }),
    );
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 6 }), async (steps, max) => {
      const host = createTestHost();
      const cache = new TtlCache<number>(host.clock, { ttlMs, max });
      const truth = new Map<number, { value: number; atMs: number }>();
      for (const each of steps) {
        if (each.kind === 'wait') await host.advance(each.ms);
        if (each.kind === 'forget') {
          cache.forget(each.id);
          truth.delete(each.id);
        }
        if (each.kind === 'set') {
          cache.set(each.id, each.value, host.clock.monotonicMs());
          truth.set(each.id, { value: each.value, atMs: host.clock.monotonicMs() });
        }
        expect(cache.size).toBeLessThanOrEqual(2 * max);
        for (let id = 0; id <= 5; id++) {
          const found = cache.get(id);
          const known = truth.get(id);
          const isLive = known !== undefined && host.clock.monotonicMs() - known.atMs < ttlMs;
          if (found !== undefined) expect([found, isLive]).toEqual([known?.value, true]);
          // With room for all, nothing that lives is dropped.
          else if (max === 6) expect(isLive).toBe(false);
        }
      }
    }));
  });

  it('says what changed since a reading began', () => {
    const cache = new TtlCache<string>(createTestHost().clock, { ttlMs, max: 10 });
    const before = cache.changes;
    cache.forget(1);
    expect([cache.changedSince(1, before), cache.changedSince(2, before), cache.changedSince(1, cache.changes)]).toEqual([true, false, false]);
    for (let id = 0; id < 10_001; id++) cache.forget(id);
    expect(cache.changedSince(20_000, before)).toBe(true);
  });
});
