import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RoutedAlert } from '../alert.ts';
import type { Notification } from '../notification.ts';
import { Simulation, alertOf, startMs } from './fixture.ts';
import { createContext } from './decide.ts';
import { matchesAll } from './matcher.ts';
import { matchRoutes } from './route.ts';
import type { Silence } from './state.ts';

const stepMs = 5_000;
const stepsMax = 60;
const groupWaitMs = 30_000;

const config = `
route:
  receiver: rest
  group_by: [name]
  group_wait: 30s
  group_interval: 1m
  repeat_interval: 10m
  routes:
    - { matchers: [team="a"], receiver: a, continue: true, group_by: ['...'] }
    - { matchers: [team=~"a|b"], receiver: b, group_wait: 0s, mute_time_intervals: [second] }
inhibit_rules:
  - { source_matchers: [name="x"], target_matchers: [name="y"], equal: [team] }
receivers:
  - { name: rest, webhook_configs: [{ url: 'http://127.0.0.1:9/' }, { url: 'http://127.0.0.1:9/', send_resolved: false }] }
  - { name: a, webhook_configs: [{ url: 'http://127.0.0.1:9/' }] }
  - { name: b, webhook_configs: [{ url: 'http://127.0.0.1:9/' }] }
time_intervals:
  - { name: second, time_intervals: [{ times: [{ start_time: '09:02', end_time: '09:03' }] }] }
`;

interface Life {
  readonly labels: Readonly<Record<string, string>>;
  readonly fromStep: number;
  readonly steps: number;
}

const life: fc.Arbitrary<Life> = fc.record({
  labels: fc.record({ name: fc.constantFrom('x', 'y', 'z'), team: fc.constantFrom('a', 'b', 'c'), n: fc.constantFrom('1', '2') }),
  fromStep: fc.integer({ min: 0, max: stepsMax }),
  steps: fc.integer({ min: 1, max: stepsMax }),
});

const silence: fc.Arbitrary<Silence> = fc
  .record({ label: fc.constantFrom('name', 'team'), value: fc.constantFrom('x', 'y', 'a', 'b'), fromStep: fc.integer({ min: 0, max: stepsMax }), steps: fc.integer({ min: 2, max: stepsMax }), id: fc.uuid() })
  .map(({ label, value, fromStep, steps, id }) => ({
    id, matchers: [{ name: label, operator: '=' as const, value }], startsAtMs: startMs + fromStep * stepMs, endsAtMs: startMs + (fromStep + steps) * stepMs, author: 'ada', comment: 'c', createdAtMs: startMs,
  }));

/** The alerts of a step: those that live, and those that died, as the evaluator tells them. */
function alertsAt(lives: readonly Life[], step: number): RoutedAlert[] {
  const found = new Map<string, RoutedAlert>();
  for (const { labels, fromStep, steps } of lives.toSorted((one, other) => one.fromStep - other.fromStep)) {
    if (fromStep > step) continue;
    const endStep = fromStep + steps;
    const alert = alertOf(labels, { startsAtMs: startMs + fromStep * stepMs, endsAtMs: endStep <= step ? startMs + endStep * stepMs : undefined });
    // Of two lives of the same labels at once, the one that lives counts.
    if (found.get(alert.fingerprint)?.status !== 'firing') found.set(alert.fingerprint, alert);
  }
  return [...found.values()];
}

interface Step {
  readonly atMs: number;
  readonly alerts: readonly RoutedAlert[];
  readonly sent: readonly Notification[];
  readonly world: Simulation;
}

function play(lives: readonly Life[], silences: readonly Silence[], eachStep: (step: Step) => void): Simulation {
  const world = new Simulation(config);
  world.state = { ...world.state, silences };
  for (let step = 0; step < 2 * stepsMax + 40; step++) {
    world.nowMs = startMs + step * stepMs;
    world.alerts = alertsAt(lives, step);
    const sent = world.decide();
    eachStep({ atMs: world.nowMs, alerts: world.alerts, sent, world });
  }
  return world;
}

const lives = fc.array(life, { minLength: 1, maxLength: 8 });
const silences = fc.uniqueArray(silence, { maxLength: 3, selector: ({ id }) => id });
const isNews = ({ reason }: Notification): boolean => reason !== 'silence-expiry';
const keyOf = ({ groupKey, integration }: Notification): string => `${groupKey} ${integration.kind} ${integration.index}`;
const parameters = { numRuns: 60 };

describe('whatever fires, is silenced, inhibited or muted', () => {
  test('an alert that nothing held back for the wait and an interval has been told to its receivers', () => {
    fc.assert(fc.property(lives, silences, (lives, silences) => {
      // By route and alert: since when it could have been told.
      const freeSinceMs = new Map<string, number>();
      play(lives, silences, ({ atMs, alerts, world }) => {
        const { holder } = createContext(world.observed(), new Map(Object.entries(world.state.groups)), atMs);
        const seen = new Set<string>();
        for (const alert of alerts.filter(({ status }) => status === 'firing')) {
          for (const route of matchRoutes(world.config.root, alert.labels)) {
            const key = `${route.key} ${alert.fingerprint} ${alert.startsAtMs}`;
            if (holder(alert.labels, route) !== undefined) continue;
            seen.add(key);
            freeSinceMs.set(key, freeSinceMs.get(key) ?? atMs);
            if (atMs - (freeSinceMs.get(key) ?? atMs) < groupWaitMs + 60_000) continue;
            // One that ended and fired again between two looks is not told twice: its receiver knows that it fires.
            const last = world.sent.filter((sent) => sent.receiver === route.receiver && isNews(sent)).flatMap((sent) => sent.alerts).findLast(({ fingerprint }) => fingerprint === alert.fingerprint);
            const told = last?.status === 'firing';
            expect(told, `${key} at ${atMs - startMs}`).toBe(true);
          }
        }
        for (const key of freeSinceMs.keys()) if (!seen.has(key)) freeSinceMs.delete(key);
      });
    }), parameters);
  });

  test('the first alert of a group is told within group_wait', () => {
    fc.assert(fc.property(life, (life) => {
      const long = { ...life, steps: stepsMax, labels: { ...life.labels, team: 'c' } };
      let toldAtMs: number | undefined;
      play([long], [], ({ atMs, sent }) => {
        if (sent.length > 0) toldAtMs ??= atMs;
      });
      expect(toldAtMs).toBe(startMs + long.fromStep * stepMs + groupWaitMs);
    }), { numRuns: 20 });
  });

  test('nothing that a silence holds is told, but that the silence ends', () => {
    fc.assert(fc.property(lives, silences, (lives, silences) => {
      play(lives, silences, ({ atMs, sent }) => {
        const active = silences.filter(({ startsAtMs, endsAtMs }) => startsAtMs <= atMs && atMs < endsAtMs);
        for (const { alerts } of sent.filter(isNews)) {
          for (const { labels } of alerts) expect(active.some(({ matchers }) => matchesAll(matchers, labels))).toBe(false);
        }
      });
    }), parameters);
  });

  test('for each integration, fires and resolves of a group take turns, and every fire is resolved in the end', () => {
    fc.assert(fc.property(lives, silences, (lives, silences) => {
      const open = new Map<string, boolean>();
      play(lives, silences, ({ sent }) => {
        for (const notification of sent.filter(isNews)) {
          const wasOpen = open.get(keyOf(notification)) ?? false;
          if (notification.reason === 'new' && notification.integration.index === 0) expect(wasOpen).toBe(false);
          if (notification.reason === 'resolved') expect(wasOpen).toBe(true);
          open.set(keyOf(notification), notification.status === 'firing');
        }
      });
      for (const [key, isOpen] of open) if (key.endsWith(' 0')) expect(isOpen, key).toBe(false);
    }), parameters);
  });

  test('ids are unique, and the same when the same is played again or a decision is made twice', () => {
    fc.assert(fc.property(lives, silences, (lives, silences) => {
      const first = play(lives, silences, () => undefined);
      const again = play(lives, silences, ({ world }) => {
        // Made again at the same moment, as after a wake-up for nothing, it decides nothing.
        expect(world.decide()).toEqual([]);
      });
      const ids = first.sent.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(again.sent.map(({ id }) => id)).toEqual(ids);
    }), parameters);
  });

  test('a decision that was lost is made again with the same ids, though later', () => {
    fc.assert(fc.property(lives, fc.integer({ min: 0, max: stepsMax }), (lives, lostStep) => {
      const world = new Simulation(config);
      for (let step = 0; step < lostStep; step++) {
        world.nowMs = startMs + step * stepMs;
        world.alerts = alertsAt(lives, step);
        world.decide();
      }
      const before = world.state;
      world.nowMs = startMs + lostStep * stepMs;
      world.alerts = alertsAt(lives, lostStep);
      const lost = world.decide();
      world.state = before;
      world.nowMs += 700;
      const again = world.decide();
      expect(again.map(({ id }) => id)).toEqual(expect.arrayContaining(lost.filter(({ receiver }) => receiver !== 'b').map(({ id }) => id)));
    }), parameters);
  });
});
