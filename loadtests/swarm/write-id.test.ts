import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { checksumOf, runDigits, writeIdOf } from './write-id.ts';

it('writes run, user, step and a hash of them as a UUID', () => {
  const id = fc.tuple(fc.nat(2 ** 31), fc.nat(1_000_000), fc.nat(2 ** 24 - 1), fc.nat(20));
  fc.assert(
    fc.property(id, id, ([run, user, step, sub], other) => {
      const digits = run.toString(16).padStart(8, '0');
      const made = writeIdOf(digits, user, step, sub);
      expect(made).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      const plain = made.replaceAll('-', '');
      expect(plain.slice(0, 8)).toBe(digits);
      expect(Number.parseInt(plain.slice(8, 18), 16)).toBe(user);
      expect(Number.parseInt(plain.slice(18, 24), 16)).toBe(step);
      expect(checksumOf(made)).toBe(Number.parseInt(plain.slice(24), 16));
      const otherId = writeIdOf(other[0].toString(16).padStart(8, '0'), other[1], other[2], other[3]);
      expect(otherId === made).toBe([run, user, step, sub].join() === other.join());
    }),
  );
});

it('spreads checksums over 32 bits', () => {
  const sums = Array.from({ length: 20_000 }, (_, n) => checksumOf(writeIdOf('00000000', n % 200, Math.floor(n / 200), 0)));
  expect(new Set(sums).size).toBeGreaterThan(19_990);
  expect(sums.reduce((sum, value) => sum + value, 0) / sums.length / 2 ** 32).toBeCloseTo(0.5, 1);
});

it('takes 8 hex digits as they are and hashes any other name', () => {
  expect(runDigits('00c0ffee')).toBe('00c0ffee');
  expect(runDigits('2026-11-21-launch')).toMatch(/^[0-9a-f]{8}$/);
  expect(runDigits('a')).not.toBe(runDigits('b'));
});
