import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nurseryFlags, nurseryMbFor, touchNursery } from './nursery.ts';

test.each([[1, 8], [300, 8], [2_500, 8], [3_000, 16], [5_000, 16], [6_600, 32], [50_000, 64], [Infinity, 64]])('at %d operations/s a half has %d MB', (ratePerS, mb) => {
  expect(nurseryMbFor(ratePerS)).toBe(mb);
});

test('it is a power of two within its bounds, and more operations never get less', () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.double({ min: 0, max: 1e9, noNaN: true }), (one, other) => {
    const [few, many] = [Math.min(one, other), Math.max(one, other)].map(nurseryMbFor) as [number, number];
    expect(few).toBeLessThanOrEqual(many);
    expect([8, 16, 32, 64]).toContain(few);
  }));
});

test('V8 knows the flags, and the touched memory is there', async () => {
  const { spawnSync } = await import('node:child_process');
  const nursery = new URL('./nursery.ts', import.meta.url).href;
  const script = `const { touchNursery } = await import(${JSON.stringify(nursery)}); const before = process.memoryUsage.rss(); touchNursery(32); console.log(process.memoryUsage.rss() - before);`;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nurseryFlags(32), '--input-type=module', '--eval', script], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  expect(Number(stdout)).toBeGreaterThan(40 * 1_048_576);
  expect(() => touchNursery(1)).not.toThrow();
});
