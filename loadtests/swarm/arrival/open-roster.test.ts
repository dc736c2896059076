import { describe, expect, it } from 'vitest';
import type { RunPlan } from '../plan.ts';
import { everyone } from '../partition.ts';
import type { Arrivals } from './arrival-stream.ts';
import { OpenRoster } from './open-roster.ts';

const plan: RunPlan = { run: 'aabbccdd', seed: 1, users: 2, rampMs: 0, holdMs: 1_000, drainMs: 0, thinkTimeMs: { kind: 'constant', value: 0 }, pace: 'due' };

class At implements Arrivals {
  readonly #dueMs: readonly number[];
  index = 0;

  constructor(dueMs: readonly number[]) {
    this.#dueMs = dueMs;
  }

  get dueMs(): number {
    return this.#dueMs[this.index] ?? Number.POSITIVE_INFINITY;
  }

  advance(): void {
    this.index++;
  }
}

const rosterOf = (...dueMs: number[]): OpenRoster => new OpenRoster(new At(dueMs), 'rate', plan, everyone, 2);

describe('arrivals and free places', () => {
  it('do not wait while any place is free, also where the one they get became free later', () => {
    const roster = rosterOf(0, 10.5);
    const place = roster.take(0);
    roster.free(place, 10.7);
    expect(roster.take(16)).toBe(place);
    expect([roster.readyMs, roster.queued]).toEqual([10.5, 0]);
  });

  it('wait for the first place that becomes free, and count', () => {
    const roster = rosterOf(0, 1, 10.5, 10.6);
    const places = [roster.take(0), roster.take(1)];
    expect(roster.take(16)).toBe(-1);
    for (const [n, place] of places.entries()) roster.free(place, 12 + n);
    roster.take(16);
    expect([roster.dueMs, roster.readyMs, roster.queued]).toEqual([10.5, 12, 1]);
    roster.take(16);
    expect([roster.dueMs, roster.queued]).toEqual([10.6, 2]);
  });
});
