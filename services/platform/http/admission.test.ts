import { describe, expect, it } from 'vitest';
import { createTestHost } from '../../../ops/core/test-host.ts';
import type { Host } from '../../../ops/core/host.ts';
import { Admission } from './admission.ts';

/** A host whose timer the test fires late at will. */
function lateHost(): { host: Host; tick: (afterMs: number) => void } {
  let nowMs = 0;
  let run = (): void => undefined;
  const base = createTestHost();
  const timer = { cancel: () => undefined, unref: () => timer };
  const host: Host = {
    ...base,
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    timers: { ...base.timers, every: (_periodMs, callback) => ((run = callback), timer) },
  };
  return { host, tick: (afterMs) => ((nowMs += afterMs), run()) };
}
const admitted = (admission: Admission, of: number): number => Array.from({ length: of }, () => admission.admits()).filter(Boolean).length;

describe('Admission', () => {
  it('sheds when full, until a tenth has gone', () => {
    const admission = new Admission(createTestHost(), { inFlightMax: 100 });
    admission.inFlight = 100;
    expect(admission.admits()).toBe(false);
    admission.inFlight = 95;
    expect(admission.admits()).toBe(false);
    admission.inFlight = 90;
    expect(admission.admits()).toBe(true);
    admission.inFlight = 99;
    expect(admission.admits()).toBe(true);
  });

  it('ignores one long pause, sheds a growing share of a loop that stays late, and recovers', () => {
    const { host, tick } = lateHost();
    const admission = new Admission(host);
    tick(450);
    expect(admitted(admission, 100)).toBe(100);
    for (let sample = 0; sample < 10; sample++) tick(350);
    const share = admitted(admission, 1_000);
    expect(share).toBeLessThan(400);
    for (let sample = 0; sample < 100; sample++) tick(350);
    expect(admitted(admission, 1_000)).toBe(50);
    for (let sample = 0; sample < 60; sample++) tick(50);
    expect(admitted(admission, 100)).toBe(100);
  });
});
