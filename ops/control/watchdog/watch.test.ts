import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { beginWatch, hear, look, resumeWatch } from './watch.ts';
import type { Heartbeat, Telling, WatchState } from './watch.ts';

const limits = { afterMs: 60_000, repeatMs: 3_600_000 };

/** Plays heartbeats at their times and looks every second until `untilMs`. */
function play(beats: readonly (readonly [atMs: number, Heartbeat['kind'], instance: string])[], untilMs: number): { state: WatchState; tellings: Telling[] } {
  let state = beginWatch(0);
  const tellings: Telling[] = [];
  for (let nowMs = 0; nowMs <= untilMs; nowMs += 1_000) {
    for (const [atMs, kind, instance] of beats) {
      if (atMs < nowMs || atMs >= nowMs + 1_000) continue;
      const heard = hear(state, { kind, instance }, atMs);
      state = heard.state;
      tellings.push(...heard.tellings);
    }
    const looked = look(state, limits, nowMs);
    state = looked.state;
    tellings.push(...looked.tellings);
  }
  return { state, tellings };
}

const words = (tellings: readonly Telling[]): [string, number][] => tellings.map(({ what, atMs }) => [what, atMs]);

test('silence is told once after its limit, again at each repeat, and its end', () => {
  const { tellings } = play([[10_000, 'alive', 'a'], [8_000_000, 'alive', 'a']], 8_001_000);
  expect(words(tellings)).toEqual([['silent', 70_000], ['still-silent', 3_670_000], ['still-silent', 7_270_000], ['back', 8_000_000]]);
  expect(new Set(tellings.map(({ episode }) => episode)).size).toBe(1);
  expect(tellings[0]?.lastSeenMs).toBe(10_000);
});

test('a watchdog that begins anew knows what it told, and waits for a heartbeat before it tells more', () => {
  const silent: WatchState = { phase: 'silent', lastSeenMs: 10_000, instance: 'a', toldAtMs: 70_000, episode: 3 };
  const nowMs = 9_000_000;
  const resumed = resumeWatch(silent, limits, nowMs);
  expect(look(resumed, limits, nowMs + 59_000).tellings).toEqual([]);
  expect(look(resumed, limits, nowMs + 60_000).tellings).toMatchObject([{ what: 'still-silent', episode: 3, lastSeenMs: 10_000 }]);
  expect(hear(resumed, { kind: 'alive', instance: 'b' }, nowMs + 5_000).tellings).toMatchObject([{ what: 'back', episode: 3, lastSeenMs: 10_000 }]);
  const resting: WatchState = { ...silent, phase: 'resting', toldAtMs: undefined };
  expect(resumeWatch(resting, limits, nowMs)).toEqual(resting);
  expect(resumeWatch(undefined, limits, nowMs)).toEqual(beginWatch(nowMs));
});

test('one that watched says that the control plane died only where it was away for less than a silence', () => {
  const watching: WatchState = { phase: 'watching', lastSeenMs: 100_000, instance: 'a', toldAtMs: undefined, episode: 2 };
  const heardAfter = (awayMs: number, instance: string) => hear(resumeWatch(watching, limits, 100_000 + awayMs), { kind: 'alive', instance }, 101_000 + awayMs).tellings;
  expect(heardAfter(59_000, 'b')).toMatchObject([{ what: 'restarted', episode: 3 }]);
  expect(heardAfter(59_000, 'a')).toEqual([]);
  expect(heardAfter(60_000, 'b')).toEqual([]);
  // A machine that was off for a day is no silence of a day.
  expect(words(look(resumeWatch(watching, limits, 86_400_000), limits, 86_459_000).tellings)).toEqual([]);
});

test('a control plane that never comes is told of', () => {
  expect(words(play([], 61_000).tellings)).toEqual([['silent', 60_000]]);
});

test('one that is stopped on purpose rests until it is back; one that was only interrupted is told of at once', () => {
  expect(words(play([[1_000, 'alive', 'a'], [2_000, 'stopping', 'a'], [500_000, 'alive', 'b']], 501_000).tellings)).toEqual([]);
  expect(words(play([[1_000, 'alive', 'a'], [2_000, 'interrupted', 'a'], [5_000, 'alive', 'b']], 6_000).tellings)).toEqual([['interrupted', 2_000], ['back', 5_000]]);
});

test('one that is stopped on purpose while its silence is told closes what was told', () => {
  const stopped = play([[1_000, 'alive', 'a'], [2_000, 'interrupted', 'a'], [500_000, 'stopping', 'b'], [9_000_000, 'alive', 'c']], 9_001_000);
  expect(words(stopped.tellings)).toEqual([['interrupted', 2_000], ['stopped', 500_000]]);
  expect(new Set(stopped.tellings.map(({ episode }) => episode)).size).toBe(1);
  expect(words(play([[1_000, 'alive', 'a'], [100_000, 'stopping', 'a']], 9_001_000).tellings)).toEqual([['silent', 61_000], ['stopped', 100_000]]);
});

test('one that was killed and came back before the limit is told of all the same', () => {
  expect(words(play([[1_000, 'alive', 'a'], [4_000, 'alive', 'b'], [14_000, 'alive', 'b']], 20_000).tellings)).toEqual([['restarted', 4_000]]);
});

test('whatever comes, silence beyond the limit has been told unless it was stopped on purpose', () => {
  const beat = fc.tuple(fc.integer({ min: 0, max: 600_000 }), fc.constantFrom('alive' as const, 'stopping' as const, 'interrupted' as const), fc.constantFrom('a', 'b'));
  fc.assert(fc.property(fc.array(beat, { maxLength: 12 }), (beats) => {
    const { state, tellings } = play(beats.toSorted((one, other) => one[0] - other[0]), 600_000);
    if (state.phase === 'watching') expect(600_000 - state.lastSeenMs).toBeLessThan(limits.afterMs);
    if (state.phase === 'silent') expect(state.toldAtMs).toBeDefined();
    // Whatever was told to have begun was told to have ended, unless it lasts.
    const open = new Set<number>();
    for (const { what, episode } of tellings) {
      if (what === 'silent' || what === 'interrupted') open.add(episode);
      else if (what === 'back' || what === 'stopped') open.delete(episode);
    }
    expect(open.size).toBe(state.phase === 'silent' ? 1 : 0);
  }));
});
