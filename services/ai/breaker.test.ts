import { expect, test } from 'vitest';
import { CircuitBreaker } from './breaker.ts';

const options = { windowMs: 10_000, callsMin: 4, failureRatio: 0.5, openMs: 5_000 };

test('opens at the ratio, lets one trial through after the pause, closes when it succeeds', () => {
  const breaker = new CircuitBreaker(options);
  breaker.succeeded(1);
  breaker.succeeded(2);
  breaker.failed(3);
  expect(breaker.refusedForMs(4)).toBeUndefined();
  breaker.failed(4);
  expect(breaker.refusedForMs(5)).toBe(4_999);
  expect(breaker.refusedForMs(5_004)).toBeUndefined();
  expect(breaker.refusedForMs(5_005)).toBe(5_000);
  breaker.succeeded(5_010);
  expect(breaker.isOpen).toBe(false);
  expect(breaker.refusedForMs(5_011)).toBeUndefined();
});

test('a failed trial opens it again; a trial whose client left does not count', () => {
  const breaker = new CircuitBreaker(options);
  for (let call = 0; call < 4; call++) breaker.failed(call);
  expect(breaker.refusedForMs(6_000)).toBeUndefined();
  breaker.dropped();
  expect(breaker.refusedForMs(6_001)).toBeUndefined();
  breaker.failed(6_002);
  expect(breaker.refusedForMs(6_003)).toBe(4_999);
});

test('failures of an old window are forgotten', () => {
  const breaker = new CircuitBreaker(options);
  for (let call = 0; call < 3; call++) breaker.failed(call);
  breaker.failed(20_000);
  expect(breaker.isOpen).toBe(false);
});
