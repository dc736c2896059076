import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rehearsalLabel } from '../alerting/alert.ts';
import { anyHistory, createScript, minuteMs, startMs } from './fixture.ts';
import { incidentsOf } from './fold.ts';
import { quietMs, timesOf } from './incident.ts';
import { timelineOf } from './timeline.ts';

const at = (minute: number): number => startMs + minute * minuteMs;
const summarise = (script: ReturnType<typeof createScript>, nowMinute: number) =>
  incidentsOf(script.events, at(nowMinute)).map(({ id, state, alerts }) => ({ id, state, rules: alerts.map(({ rule }) => rule) }));

describe('opening and joining', () => {
  test('a critical or high alert opens an incident, others do not', () => {
    const script = createScript();
    script.fire(0, 'Slow', { severity: 'medium' });
    script.fire(1, 'Down');
    expect(summarise(script, 2)).toEqual([{ id: 'inc-2', state: 'open', rules: ['Down'] }]);
  });

  test.each([
    ['the same service', { service: 'api' }, 60, 'service'],
    ['within five minutes', { service: 'other' }, 4, 'time'],
  ])('an alert joins by %s', (_name, labels, minute, reason) => {
    const script = createScript();
    script.fire(0, 'Down');
    script.fire(minute, 'Errors', labels, 0);
    const [incident, ...rest] = incidentsOf(script.events, at(minute + 1));
    expect(rest).toEqual([]);
    expect(incident?.joins.map((join) => join.reason)).toEqual(['opened', reason]);
  });

  test('an alert joins by a common fault, and opens its own without one', () => {
    const script = createScript();
    script.fault(-1, 'started');
    script.fire(0, 'Down');
    script.fire(30, 'Far', { service: 'gateway' });
    expect(summarise(script, 31)).toEqual([{ id: 'inc-2', state: 'open', rules: ['Down', 'Far'] }]);
    const apart = createScript();
    apart.fire(0, 'Down');
    apart.fire(30, 'Far', { service: 'gateway' });
    expect(summarise(apart, 31).map(({ rules }) => rules)).toEqual([['Down'], ['Far']]);
  });

  test('rehearsals have incidents of their own', () => {
    const script = createScript();
    script.fire(0, 'Down');
    script.fire(1, 'Down', { [rehearsalLabel]: 'r1' });
    script.fire(2, 'Errors', { [rehearsalLabel]: 'r2' });
    expect(incidentsOf(script.events, at(3)).map(({ rehearsalId }) => rehearsalId)).toEqual([undefined, 'r1', 'r2']);
  });
});

describe('life and times', () => {
  test('are counted from the fault where there is one, else from the first bad sample', () => {
    const script = createScript();
    script.fire(2, 'Down', {}, 1.5);
    script.ack(4, 'Down');
    script.end(10, 'Down');
    const [plain] = incidentsOf(script.events, at(30));
    expect(plain).toMatchObject({ state: 'resolved', startedAtMs: at(0.5), acknowledgedBy: 'kim' });
    expect(plain && timesOf(plain)).toEqual({ detectMs: 1.5 * minuteMs, acknowledgeMs: 2 * minuteMs, mitigateMs: 9.5 * minuteMs, resolveMs: 9.5 * minuteMs });

    const drill = createScript();
    drill.fault(0, 'started', 'f1', 'drill-1');
    drill.fire(2, 'Down', { [rehearsalLabel]: 'drill-1' }, 1.5);
    const [drilled] = incidentsOf(drill.events, at(3));
    expect(drilled && timesOf(drilled).detectMs).toBe(2 * minuteMs);
    expect(drilled?.fault).toMatchObject({ faultId: 'f1', target: 'postgres' });
  });

  test('are not counted from the fault of a drill for what really happened, nor from one that was never ended and is a day old', () => {
    const script = createScript();
    script.fault(0, 'started', 'f1', 'drill-1');
    script.fire(2, 'Down', {}, 1);
    expect(incidentsOf(script.events, at(3))).toMatchObject([{ fault: undefined, startedAtMs: at(1) }]);

    const old = createScript();
    old.fault(0, 'started');
    old.fire(24 * 60 + 2, 'Down', {}, 1);
    expect(incidentsOf(old.events, at(24 * 60 + 3))).toMatchObject([{ fault: undefined, startedAtMs: at(24 * 60 + 1) }]);
    const recent = createScript();
    recent.fault(0, 'started');
    recent.fire(24 * 60, 'Down', {}, 1);
    expect(incidentsOf(recent.events, at(24 * 60 + 3))).toMatchObject([{ fault: { faultId: 'f1' } }]);
  });

  test('mitigated while a cause still fires, resolved when that has ended and stayed so', () => {
    const script = createScript();
    script.fire(0, 'Down');
    script.fire(1, 'DiskFull', { kind: 'cause' });
    script.end(5, 'Down');
    expect(summarise(script, 6)).toMatchObject([{ state: 'mitigated' }]);
    script.end(8, 'DiskFull', { kind: 'cause' });
    expect(summarise(script, 17)).toMatchObject([{ state: 'mitigated' }]);
    expect(incidentsOf(script.events, at(19))).toMatchObject([{ state: 'resolved', mitigatedAtMs: at(5), resolvedAtMs: at(8) }]);
  });

  test('a return within ten minutes is the same incident, later a new one', () => {
    const script = createScript();
    script.fire(0, 'Down');
    script.end(5, 'Down');
    script.fire(14, 'Down');
    expect(incidentsOf(script.events, at(14))).toMatchObject([{ state: 'open', mitigatedAtMs: undefined, alerts: [{ firings: 2 }] }]);
    script.end(15, 'Down');
    script.fire(26, 'Down');
    expect(summarise(script, 26).map(({ id, state }) => [id, state])).toEqual([['inc-1', 'resolved'], ['inc-5', 'open']]);
  });

  test("an operator's marks end it, and notes stay", () => {
    const script = createScript();
    script.fire(0, 'Down');
    script.mark(1, 'note', 'inc-1', 'looking');
    script.mark(3, 'mitigated', 'inc-1', 'traffic moved');
    expect(incidentsOf(script.events, at(4))).toMatchObject([{ state: 'mitigated', mitigatedAtMs: at(3) }]);
    script.mark(7, 'resolved', 'inc-1');
    script.mark(9, 'note', 'inc-1', 'ticket opened');
    expect(incidentsOf(script.events, at(10))).toMatchObject([{ state: 'resolved', mitigatedAtMs: at(3), resolvedAtMs: at(7), notes: [{ text: 'looking' }, { text: 'traffic moved' }, { text: 'ticket opened' }] }]);
  });
});

describe('an incident that was resolved while alerts of it fire', () => {
  test('leaves them to the next, until they end', () => {
    const script = createScript();
    script.fire(0, 'CrashLoop', { service: 'workers', kind: 'cause' });
    script.mark(3, 'resolved', 'inc-1');
    expect(summarise(script, 4)).toMatchObject([{ state: 'resolved' }]);
    script.fire(30, 'WorkersGone', { service: 'other', severity: 'high' });
    const [first, second] = incidentsOf(script.events, at(31));
    expect(first).toMatchObject({ state: 'resolved', resolvedAtMs: at(3) });
    expect(second).toMatchObject({ id: 'inc-3', state: 'open', severity: 'critical', title: 'CrashLoop is bad', startedAtMs: at(29), detectedAtMs: at(30), services: ['other', 'workers'] });
    expect(second?.joins.map(({ reason }) => reason)).toEqual(['opened', 'still-firing']);
    const [entry] = second === undefined ? [] : timelineOf(second, [], at(31));
    expect(entry).toMatchObject({ atMs: at(30), text: 'CrashLoop still fires from before, since 2026-01-01 12:00:00 UTC' });
    script.end(40, 'WorkersGone', { service: 'other', severity: 'high' });
    script.end(45, 'CrashLoop', { service: 'workers', kind: 'cause' });
    expect(incidentsOf(script.events, at(60))).toMatchObject([{ resolvedAtMs: at(3), alerts: [{ resolvedAtMs: at(45) }] }, { state: 'resolved', mitigatedAtMs: at(40), resolvedAtMs: at(45) }]);
  });

  test('leaves nothing that has ended or that fires anew', () => {
    const script = createScript();
    script.fire(0, 'Down');
    script.fire(0, 'Errors');
    script.mark(3, 'resolved', 'inc-1');
    script.end(4, 'Errors');
    script.fire(5, 'Down');
    script.fire(6, 'Slow', { [rehearsalLabel]: 'r1' });
    expect(incidentsOf(script.events, at(7)).map(({ alerts, joins }) => [alerts.map(({ rule }) => rule), joins.map(({ reason }) => reason)])).toEqual([[['Down', 'Errors'], ['opened', 'service']], [['Down'], ['opened']], [['Slow'], ['opened']]]);
  });
});

test('is named after its gravest alert, the cause first, with what that said last', () => {
  const script = createScript();
  const title = (): string | undefined => incidentsOf(script.events, at(60))[0]?.title;
  script.fire(0, 'Burn', { severity: 'high' });
  expect(title()).toBe('Burn is bad');
  script.fire(1, 'Errors');
  script.fire(2, 'Late');
  expect(title()).toBe('Errors is bad');
  script.fire(3, 'DatabaseDown', { kind: 'cause' });
  script.fire(4, 'DiskFull', { kind: 'cause', severity: 'high' });
  expect(title()).toBe('DatabaseDown is bad');
});

test('has no time to detect where no fault is known and the first bad sample fired', () => {
  const script = createScript();
  script.fire(2, 'Down', {}, 0);
  const [incident] = incidentsOf(script.events, at(3));
  expect(incident && timesOf(incident)).toEqual({ detectMs: undefined, acknowledgeMs: undefined, mitigateMs: undefined, resolveMs: undefined });
  const drilled = createScript();
  drilled.fault(2, 'started');
  drilled.fire(2, 'Down', {}, 0);
  expect(incidentsOf(drilled.events, at(3)).map((each) => timesOf(each).detectMs)).toEqual([0]);
});

describe('whatever the log holds', () => {
  test('each critical or high firing is in exactly one incident, and rehearsals never mix', () => {
    fc.assert(fc.property(anyHistory, (events) => {
      const incidents = incidentsOf(events, at(2_000));
      const firings = events.filter(({ details }) => details.kind === 'alert' && details.to === 'firing' && /critical|high/.test(details.labels['severity'] ?? ''));
      expect(incidents.flatMap(({ joins }) => joins.filter(({ reason }) => reason !== 'still-firing'))).toHaveLength(firings.length);
      for (const { alerts, rehearsalId } of incidents) expect(new Set(alerts.map(({ labels }) => labels[rehearsalLabel]))).toEqual(new Set([rehearsalId]));
    }));
  });

  test('marks are in order, and open means that something is left to do', () => {
    fc.assert(fc.property(anyHistory, fc.integer({ min: 0, max: 900 }), (events, minute) => {
      for (const incident of incidentsOf(events, at(minute))) {
        const { state, startedAtMs, detectedAtMs, acknowledgedAtMs, mitigatedAtMs, resolvedAtMs, alerts } = incident;
        expect(startedAtMs).toBeLessThanOrEqual(detectedAtMs);
        expect(acknowledgedAtMs ?? detectedAtMs).toBeGreaterThanOrEqual(detectedAtMs);
        expect(mitigatedAtMs ?? detectedAtMs).toBeGreaterThanOrEqual(detectedAtMs);
        if (resolvedAtMs !== undefined) expect(resolvedAtMs).toBeGreaterThanOrEqual(mitigatedAtMs ?? Infinity);
        expect(state === 'resolved').toBe(resolvedAtMs !== undefined);
        if (state === 'open') expect(alerts.some((alert) => alert.resolvedAtMs === undefined)).toBe(true);
        expect(Object.values(timesOf(incident)).every((ms: number | undefined) => ms === undefined || ms >= 0)).toBe(true);
      }
    }));
  });

  test('more history renames no incident and takes back no resolution', () => {
    fc.assert(fc.property(anyHistory, fc.nat(40), (events, cutAt) => {
      const nowMs = (events.slice(0, cutAt).at(-1)?.atMs ?? startMs);
      const before = incidentsOf(events.slice(0, cutAt), nowMs);
      const after = incidentsOf(events, (events.at(-1)?.atMs ?? startMs) + quietMs);
      expect(after.slice(0, before.length).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
      for (const [index, incident] of before.entries()) if (incident.resolvedAtMs !== undefined) expect(after[index]?.resolvedAtMs).toBe(incident.resolvedAtMs);
    }));
  });
});
