import { describe, expect, it } from 'vitest';
import { findFaults } from '../scenario-shape.ts';
import { scenario } from '../scenario.ts';

const run = (): Promise<void> => Promise.resolve();
const whole = {
  name: 's', description: '', users: 5, rampMs: 0, holdMs: 1_000, thinkTimeMs: { kind: 'constant', value: 10 }, thresholds: {},
  journeys: [{ name: 'j', weight: 1, run }],
} as const;

describe('the forms of a scenario', () => {
  it.each<[object]>([
    [{}],
    [{ journeys: [{ name: 'j', weight: 1, steps: [{ op: 'a', run }] }, { name: 'k', weight: 2, run, thinkTimeMs: { kind: 'constant', value: 0 } }] }],
    [{ arrival: { kind: 'rate', stages: [{ perS: 5, durationMs: 100 }] } }],
  ])('may be functions, steps and arrivals: %j', (fields) => expect(findFaults({ ...whole, ...fields })).toEqual([]));

  it('need no ramp and hold where work arrives', () => {
    const { users, rampMs, holdMs, ...rest } = whole;
    expect([users, rampMs, holdMs]).toEqual([5, 0, 1_000]);
    const rate = scenario<undefined>({ ...rest, arrival: { kind: 'rate', stages: [{ perS: 5, durationMs: 100 }] } });
    expect(rate).toMatchObject({ users: 1_000, rampMs: 0 });
    const shared = scenario<undefined>({ ...rest, arrival: { kind: 'iterations', users: 3, iterations: 9 } });
    expect(shared).toMatchObject({ users: 3, holdMs: 600_000 });
    expect([...findFaults(rate), ...findFaults(shared)]).toEqual([]);
  });

  it.each<[object, RegExp]>([
    [{ journeys: [{ name: 'j', weight: 1, run, steps: [{ op: 'a', run }] }] }, /^journeys\.0 .*needs either steps or run$/],
    [{ journeys: [{ name: 'j', weight: 1 }] }, /^journeys\.0 .*needs either steps or run$/],
    [{ journeys: [{ name: 'j', weight: 1, run: 5 }] }, /^journeys\.0\.run is 5: must be an async function$/],
    [{ arrival: { kind: 'burst' } }, /^arrival/],
    [{ arrival: { kind: 'rate', stages: [] } }, /^arrival\.stages is \[\]/],
    [{ arrival: { kind: 'rate', stages: [{ perS: 2_000_000, durationMs: 1 }] } }, /^arrival\.stages\.0\.perS is 2000000: .*1000000/],
    [{ arrival: { kind: 'users', stages: [{ users: 1.5, durationMs: 1 }] } }, /^arrival\.stages\.0\.users is 1\.5/],
    [{ arrival: { kind: 'sessions', stages: [{ perS: 1, durationMs: 1, duration: 5 }] } }, /^arrival\.stages\.0\.duration is no field/],
    [{ arrival: { kind: 'iterations', users: 0, iterations: 5 } }, /^arrival\.users is 0/],
  ])('are refused where they are wrong: %j', (fields, fault) => expect(findFaults({ ...whole, ...fields })).toEqual([expect.stringMatching(fault)]));
});
