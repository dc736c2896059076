import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprintOf, rehearsalLabel } from '../alert.ts';
import type { AlertTransition } from '../alert.ts';
import { decodeState, encodeState } from '../rules/state-store.ts';
import { advanceRule, resolvedRetentionMs, routedLabels } from './advance.ts';
import type { Rehearsing } from './rehearsing.ts';
import { restoreRule } from './restore.ts';
import { emptyState } from './state.ts';
import type { Advance, AlertElement, Evaluation, LifecycleRule, RuleState } from './state.ts';

const minuteMs = 60_000;

function ruleOf(change: Partial<LifecycleRule> = {}): LifecycleRule {
  return { group: 'api', name: 'Slow', labels: { severity: 'high' }, forMs: 0, keepFiringForMs: 0, limit: 0, queryOffsetMs: 0, ...change };
}

const element = (name: string, value = 1): AlertElement => ({ labels: { alertname: 'Slow', instance: name, severity: 'high' }, annotations: { summary: `${name} at ${value}` }, value });
const holds = (...names: string[]): Evaluation => ({ kind: 'elements', elements: names.map((name) => element(name)), hasSeries: true });
const error: Evaluation = { kind: 'error', message: 'the store is away' };

/** Evaluates every minute from minute 0. */
function play(rule: LifecycleRule, evaluations: readonly Evaluation[], from: RuleState = emptyState, fromMinute = 0): { state: RuleState; steps: Advance[] } {
  const steps: Advance[] = [];
  let state = from;
  evaluations.forEach((evaluation, at) => {
    const advance = advanceRule(rule, state, evaluation, (fromMinute + at) * minuteMs);
    steps.push(advance);
    state = advance.state;
  });
  return { state, steps };
}

const told = (steps: readonly Advance[]): string[] => steps.flatMap(({ transitions }) => transitions.map(({ from, to, atMs, labels }) => `${atMs / minuteMs} ${labels['instance'] ?? ''} ${from}>${to}`));
const names = (steps: readonly Advance[], at: number): string[] => (steps[at]?.samples ?? []).map(({ labels, value, isStale }) => `${labels['__name__'] ?? ''}${labels['alertstate'] === undefined ? '' : `/${labels['alertstate']}`} ${isStale === true ? 'stale' : value}`).sort();

describe('advanceRule', () => {
  it('fires at once without a for, and resolves when the expression no longer holds', () => {
    const { steps, state } = play(ruleOf(), [holds('a'), holds('a'), holds()]);
    expect(told(steps)).toEqual(['0 a inactive>firing', '2 a firing>resolved']);
    expect(state.alerts).toMatchObject([{ state: 'resolved', activeAtMs: 0, firedAtMs: 0, resolvedAtMs: 2 * minuteMs }]);
  });

  it('waits for its for, and forgets a pending alert that vanishes', () => {
    const { steps, state } = play(ruleOf({ forMs: 2 * minuteMs }), [holds('a'), holds(), holds('a', 'b'), holds('a', 'b'), holds('a'), holds('a', 'b')]);
    expect(told(steps).sort()).toEqual(['0 a inactive>pending', '1 a pending>inactive', '2 a inactive>pending', '2 b inactive>pending', '4 a pending>firing', '4 b pending>inactive', '5 b inactive>pending']);
    expect(state.alerts).toHaveLength(2);
  });

  it('keeps firing for a while after the expression ends, and forgets that while when it holds again', () => {
    const rule = ruleOf({ keepFiringForMs: 2 * minuteMs });
    const { steps } = play(rule, [holds('a'), holds(), holds(), holds('a'), holds(), holds(), holds()]);
    expect(told(steps)).toEqual(['0 a inactive>firing', '6 a firing>resolved']);
    expect(steps[1]?.state.alerts).toMatchObject([{ state: 'firing', keepFiringSinceMs: minuteMs }]);
    expect(steps[3]?.state.alerts[0]).not.toHaveProperty('keepFiringSinceMs');
  });

  it('keeps resolved alerts for 15 min, and begins anew with one that holds again', () => {
    const rule = ruleOf({ forMs: minuteMs });
    const again = play(rule, [holds('a'), holds('a'), holds(), holds('a'), holds('a')]);
    expect(told(again.steps)).toEqual(['0 a inactive>pending', '1 a pending>firing', '2 a firing>resolved', '3 a inactive>pending', '4 a pending>firing']);
    const quiet = play(rule, [holds('a'), holds('a'), ...Array.from({ length: 17 }, () => holds())]);
    expect(quiet.steps[17]?.state.alerts).toHaveLength(1);
    expect(17 * minuteMs - 2 * minuteMs).toBe(resolvedRetentionMs);
    expect(quiet.state.alerts).toHaveLength(0);
  });

  it('refuses label sets that are the same, and leaves the alerts as they are at an error', () => {
    const { steps, state } = play(ruleOf(), [holds('a'), holds('a', 'a'), error]);
    expect(steps[1]?.state).toMatchObject({ health: 'error', error: 'vector contains metrics with the same labelset after applying alert labels' });
    expect(steps[1]?.samples).toEqual([]);
    expect(state).toMatchObject({ health: 'error', error: 'the store is away', alerts: [{ state: 'firing' }] });
    expect(play(ruleOf(), [holds()], state, 3).steps[0]?.transitions).toMatchObject([{ from: 'firing', to: 'resolved' }]);
  });

  it('drops all alerts of a rule that gives more than its limit', () => {
    const { steps } = play(ruleOf({ limit: 1 }), [holds('a'), holds('a', 'b'), holds('b')]);
    expect(told(steps)).toEqual(['0 a inactive>firing', '1 a firing>resolved', '2 b inactive>firing']);
    expect(steps[1]?.state).toMatchObject({ health: 'error', error: 'exceeded limit of 1 with 2 alerts' });
    // The series of before end with the next evaluation that succeeds.
    expect(names(steps, 2)).toEqual(['ALERTS/firing 1', 'ALERTS/firing stale', 'ALERTS_FOR_STATE 120', 'ALERTS_FOR_STATE stale']);
  });

  it('writes ALERTS and ALERTS_FOR_STATE, and a marker where a series ends', () => {
    const { steps } = play(ruleOf({ forMs: minuteMs }), [holds('a'), holds('a'), holds(), holds()]);
    expect(names(steps, 0)).toEqual(['ALERTS/pending 1', 'ALERTS_FOR_STATE 0']);
    expect(names(steps, 1)).toEqual(['ALERTS/firing 1', 'ALERTS/pending stale', 'ALERTS_FOR_STATE 0']);
    expect(names(steps, 2)).toEqual(['ALERTS/firing stale', 'ALERTS_FOR_STATE stale']);
    expect(names(steps, 3)).toEqual([]);
    expect(steps[0]?.samples[0]?.labels).toEqual({ __name__: 'ALERTS', alertname: 'Slow', alertstate: 'pending', instance: 'a', severity: 'high' });
  });

  it('writes samples of a rule with a query offset that much earlier', () => {
    const { steps } = play(ruleOf({ queryOffsetMs: 10_000 }), [holds('a')], emptyState, 5);
    expect(steps[0]?.samples.map(({ atMs }) => atMs)).toEqual([290_000, 290_000]);
  });

  it('says that it has no data only where no selector found a series and nothing came out', () => {
    const health = (evaluation: Evaluation): string => advanceRule(ruleOf(), emptyState, evaluation, 0).state.health;
    expect(health({ kind: 'elements', elements: [], hasSeries: false })).toBe('no-data');
    expect(health({ kind: 'elements', elements: [], hasSeries: true })).toBe('ok');
    expect(health({ kind: 'elements', elements: [element('a')], hasSeries: false })).toBe('ok');
    expect(emptyState.health).toBe('unknown');
  });

  it('lets alerts of a load run carry its id until they end, and its own series none', () => {
    const first = advanceRule(ruleOf(), emptyState, holds('a'), 0, { id: 'run-1', overForMs: () => 0, settleMs: 0 });
    expect(first.transitions[0]?.labels).toMatchObject({ [rehearsalLabel]: 'run-1' });
    expect(first.samples[0]?.labels).not.toHaveProperty(rehearsalLabel);
    const later = advanceRule(ruleOf(), first.state, holds('b'), minuteMs);
    expect(later.transitions.map(({ to, labels }) => [to, labels[rehearsalLabel]])).toEqual(expect.arrayContaining([['resolved', 'run-1'], ['firing', undefined]]));
  });
});

describe('an alert that outlasts its load run', () => {
  const run = (endMinute: number, settleMinutes = 5) => (minute: number): Rehearsing => ({
    id: minute < endMinute ? 'run-1' : undefined, overForMs: () => Math.max(0, minute - endMinute) * minuteMs, settleMs: settleMinutes * minuteMs,
  });
  const playIn = (rule: LifecycleRule, evaluations: readonly Evaluation[], at: (minute: number) => Rehearsing | undefined, from: RuleState = emptyState, fromMinute = 0): { state: RuleState; told: string[] } => {
    let state = from;
    const transitions = evaluations.flatMap((evaluation, index) => {
      const minute = fromMinute + index;
      const advance = advanceRule(rule, state, evaluation, minute * minuteMs, at(minute));
      state = advance.state;
      return advance.transitions;
    });
    return { state, told: transitions.map(({ atMs, labels, from: before, to }) => `${atMs / minuteMs} ${labels[rehearsalLabel] ?? '-'} ${before}>${to}`) };
  };
  const always = (minutes: number): Evaluation[] => Array.from({ length: minutes }, () => holds('a'));

  it('ends as a rehearsal some minutes after its end and begins as an alert, with the times it had', () => {
    const { state, told: steps } = playIn(ruleOf(), always(10), run(2));
    expect(steps).toEqual(['0 run-1 inactive>firing', '8 run-1 firing>resolved', '8 - inactive>firing']);
    expect(state.alerts).toMatchObject([{ state: 'firing', activeAtMs: 0, firedAtMs: 0 }]);
    expect(state.alerts[0]).not.toHaveProperty('rehearsalId');
  });

  it('does so while pending, and fires when its own time has come', () => {
    const { told: steps } = playIn(ruleOf({ forMs: 9 * minuteMs }), always(11), run(2));
    expect(steps).toEqual(['0 run-1 inactive>pending', '8 run-1 pending>inactive', '8 - inactive>pending', '9 - pending>firing']);
    expect(playIn(ruleOf({ forMs: 8 * minuteMs }), always(9), run(2)).told.slice(1)).toEqual(['8 run-1 pending>inactive', '8 - inactive>firing']);
  });

  it('is told to nobody where it is only kept firing, or where nothing is known of load runs', () => {
    const kept = playIn(ruleOf({ keepFiringForMs: 20 * minuteMs }), [...always(3), ...Array.from({ length: 9 }, () => holds())], run(2));
    expect(kept.told).toEqual(['0 run-1 inactive>firing']);
    expect(playIn(ruleOf(), always(10), (minute) => (minute < 2 ? run(2)(minute) : undefined)).told).toEqual(['0 run-1 inactive>firing']);
  });

  it('belongs to the load run that is under way by then, if there is one', () => {
    const { told: steps } = playIn(ruleOf(), always(10), (minute) => ({ id: minute < 2 ? 'run-1' : 'run-2', overForMs: (id) => (id === 'run-1' ? (minute - 2) * minuteMs : 0), settleMs: 5 * minuteMs }));
    expect(steps).toEqual(['0 run-1 inactive>firing', '8 run-1 firing>resolved', '8 run-2 inactive>firing']);
  });

  it('is never a rehearsal for longer than that, whatever it and load runs do, and every step follows from the one before', () => {
    const evaluation = fc.subarray(['a', 'b']).map((found) => holds(...found));
    const runs = fc.array(fc.record({ fromMinute: fc.nat({ max: 60 }), minutes: fc.integer({ min: 1, max: 20 }) }), { maxLength: 4 });
    const anyRule = fc.record({ forMs: fc.integer({ min: 0, max: 5 }).map((n) => n * minuteMs), keepFiringForMs: fc.integer({ min: 0, max: 4 }).map((n) => n * minuteMs) }).map(ruleOf);
    fc.assert(fc.property(anyRule, fc.array(evaluation, { minLength: 1, maxLength: 60 }), runs, (rule, evaluations, planned) => {
      const endMinute = (id: string): number => {
        const found = planned[Number(id.slice(4))];
        return found === undefined ? Number.NaN : found.fromMinute + found.minutes;
      };
      const standing = new Map<string, string>();
      let state: RuleState = emptyState;
      evaluations.forEach((found, minute) => {
        const underWay = planned.findLastIndex(({ fromMinute, minutes }) => fromMinute <= minute && minute < fromMinute + minutes);
        const rehearsing: Rehearsing = { id: underWay < 0 ? undefined : `run-${underWay}`, overForMs: (id) => Math.max(0, minute - endMinute(id)) * minuteMs, settleMs: 5 * minuteMs };
        const advance = advanceRule(rule, state, found, minute * minuteMs, rehearsing);
        for (const { fingerprint, from, to } of advance.transitions) {
          expect(standing.get(fingerprint) ?? 'inactive').toBe(from);
          standing.set(fingerprint, to === 'resolved' ? 'inactive' : to);
        }
        for (const alert of advance.state.alerts) {
          const isHeld = found.kind === 'elements' && found.elements.some(({ labels }) => labels['instance'] === alert.labels['instance']);
          if (isHeld && alert.rehearsalId !== undefined) expect(minute - endMinute(alert.rehearsalId)).toBeLessThanOrEqual(5);
        }
        // Nothing is left open under a label that no alert has any more.
        const open = [...standing].filter(([, where]) => where !== 'inactive').map(([fingerprint]) => fingerprint).sort();
        expect(open).toEqual(advance.state.alerts.filter((alert) => alert.state !== 'resolved').map((alert) => fingerprintOf(routedLabels(alert))).sort());
        state = advance.state;
      });
    }));
  });
});

describe('properties of lives', () => {
  const evaluation = fc.oneof({ weight: 8, arbitrary: fc.subarray(['a', 'b', 'c']).map((found) => holds(...found)) }, { weight: 1, arbitrary: fc.constant(error) });
  const history = fc.array(evaluation, { minLength: 1, maxLength: 60 });
  const anyRule = fc.record({ forMs: fc.integer({ min: 0, max: 5 }).map((n) => n * minuteMs), keepFiringForMs: fc.integer({ min: 0, max: 4 }).map((n) => n * minuteMs), limit: fc.constantFrom(0, 0, 2) }).map(ruleOf);

  it('nothing fires before its for has passed without a break', () => {
    fc.assert(fc.property(anyRule, history, (rule, evaluations) => {
      for (const transition of play(rule, evaluations).steps.flatMap(({ transitions }) => transitions)) {
        if (transition.to !== 'firing') continue;
        const until = transition.atMs / minuteMs;
        for (let at = until - rule.forMs / minuteMs; at <= until; at++) {
          const found = evaluations[at];
          // An evaluation that failed says nothing either way.
          if (found?.kind === 'elements') expect(found.elements.map(({ labels }) => labels['instance'])).toContain(transition.labels['instance']);
        }
        expect(evaluations[until - rule.forMs / minuteMs]).toBeDefined();
      }
    }));
  });

  it('every firing has exactly one end, and every end a firing', () => {
    fc.assert(fc.property(anyRule, history, (rule, evaluations) => {
      const quiet = Array.from({ length: 6 }, () => holds());
      const open = new Map<string, AlertTransition>();
      for (const transition of play(rule, [...evaluations, ...quiet]).steps.flatMap(({ transitions }) => transitions)) {
        const { fingerprint, from, to } = transition;
        if (to === 'firing') {
          expect(open.has(fingerprint)).toBe(false);
          open.set(fingerprint, transition);
        } else {
          expect(from === 'firing').toBe(open.delete(fingerprint));
          expect(to === 'resolved').toBe(from === 'firing');
        }
      }
      expect([...open]).toEqual([]);
    }));
  });

  it('goes on from any saved point as if nothing had been between', () => {
    fc.assert(fc.property(anyRule, history, fc.nat(), (rule, evaluations, cut) => {
      const at = cut % evaluations.length;
      const whole = play(rule, evaluations);
      const before = play(rule, evaluations.slice(0, at));
      const saved = decodeState(JSON.parse(encodeState(before.state)));
      const after = play(rule, evaluations.slice(at), restoreRule(rule, saved, { nowMs: at * minuteMs, intervalMs: minuteMs }).state, at);
      expect(after.state).toEqual(whole.state);
      expect(told([...before.steps, ...after.steps])).toEqual(told(whole.steps));
    }));
  });

  it('keeps numbers that JSON does not know', () => {
    for (const value of [Number.NaN, Infinity, -Infinity, 1.5]) {
      const { state } = advanceRule(ruleOf(), emptyState, { kind: 'elements', elements: [element('a', value)], hasSeries: true }, 0);
      expect(decodeState(JSON.parse(encodeState(state)))).toEqual(state);
    }
  });
});

describe('restoreRule', () => {
  const pendingSince = (rule: LifecycleRule, minutes: number): RuleState => play(rule, Array.from({ length: minutes + 1 }, () => holds('a'))).state;
  const after = (rule: LifecycleRule, state: RuleState, minute: number): RuleState => restoreRule(rule, state, { nowMs: minute * minuteMs, intervalMs: minuteMs }).state;

  it('changes nothing where no evaluation was missed', () => {
    const rule = ruleOf({ forMs: 5 * minuteMs });
    expect(after(rule, pendingSince(rule, 3), 4)).toEqual(pendingSince(rule, 3));
  });

  it('does not count the time of an outage, for or against', () => {
    const rule = ruleOf({ forMs: 5 * minuteMs });
    const state = after(rule, pendingSince(rule, 3), 23);
    expect(state.alerts).toMatchObject([{ state: 'pending', activeAtMs: 20 * minuteMs }]);
    expect(told(play(rule, [holds('a'), holds('a'), holds('a')], state, 23).steps)).toEqual(['25 a pending>firing']);
  });

  it('gives a long for that was nearly over the grace period', () => {
    const rule = ruleOf({ forMs: 30 * minuteMs });
    expect(after(rule, pendingSince(rule, 28), 40).alerts).toMatchObject([{ activeAtMs: 20 * minuteMs }]);
    expect(after(rule, pendingSince(rule, 10), 40).alerts).toMatchObject([{ activeAtMs: 30 * minuteMs }]);
  });

  it('begins pending alerts anew after an hour, and says so; firing ones go on', () => {
    const rule = ruleOf({ forMs: 5 * minuteMs });
    const { state, transitions } = restoreRule(rule, pendingSince(rule, 3), { nowMs: 64 * minuteMs, intervalMs: minuteMs });
    expect(state.alerts).toEqual([]);
    expect(transitions).toMatchObject([{ from: 'pending', to: 'inactive', atMs: 64 * minuteMs }]);
    expect(after(rule, pendingSince(rule, 6), 600).alerts).toMatchObject([{ state: 'firing', firedAtMs: 5 * minuteMs }]);
  });
});
