import { describe, expect, it } from 'vitest';
import type { LoggedEvent, NewEvent } from '../../core/event-log/event.ts';
import { createTestHost } from '../../core/test-host.ts';
import { alwaysRehearsing, drillMaxMs, followRehearsals, leaseMs, rehearsalsAt, trackRun } from './rehearsal.ts';
import type { OpenRuns } from './rehearsal.ts';

const minuteMs = 60_000;
const run = (runId: string, phase: 'started' | 'renewed' | 'ended', atMs: number, plannedEndMs?: number): NewEvent => ({ atMs, actor: 'ada', details: { kind: 'load-run', phase, runId, scenario: 's', summary: '', ...(plannedEndMs === undefined ? {} : { plannedEndMs }) } });
const fault = (drillId: string | undefined, phase: 'started' | 'ended', atMs: number): NewEvent => ({ atMs, actor: 'ada', details: { kind: 'fault', phase, faultId: 'f', fault: 'kill', target: 'api', ...(drillId === undefined ? {} : { drillId }) } });
const after = (events: readonly NewEvent[]): OpenRuns => events.reduce<OpenRuns>(trackRun, []);
const anyRule = { name: 'Down', labels: { service: 'api' } };
const ownRule = { name: 'RehearsalOverdue', labels: { service: 'control' } };
const at = (events: readonly NewEvent[], nowMs: number, rule = anyRule): string | undefined => rehearsalsAt(after(events), nowMs).idOf(rule);
const overFor = (events: readonly NewEvent[], nowMs: number, id: string): number => rehearsalsAt(after(events), nowMs).overForMs(id);

describe('rehearsalsAt', () => {
  it('is the run that was begun last of those under way', () => {
    expect(at([run('a', 'started', 0), run('b', 'started', 5)], 10)).toBe('b');
    expect(at([run('a', 'started', 0), run('b', 'started', 5), run('b', 'ended', 6)], 10)).toBe('a');
    expect(at([run('a', 'started', 0), run('a', 'ended', 6)], 10)).toBeUndefined();
  });

  it('takes a run for over that was not renewed for 2 min, though its end was never told', () => {
    expect(at([run('a', 'started', 0)], leaseMs)).toBe('a');
    expect(at([run('a', 'started', 0)], leaseMs + 1)).toBeUndefined();
    expect(at([run('a', 'started', 0), run('a', 'renewed', leaseMs)], 2 * leaseMs)).toBe('a');
    expect(at([run('a', 'started', 0), run('a', 'renewed', leaseMs)], 2 * leaseMs + 1)).toBeUndefined();
    // Whoever was not heard at the start is heard at the renewal.
    expect(at([run('a', 'renewed', 30)], 40)).toBe('a');
  });

  it('takes no run for under way longer than a day, however often it is renewed', () => {
    const dayMs = 24 * 60 * minuteMs;
    expect(at([run('a', 'started', 0), run('a', 'renewed', dayMs)], dayMs + 1)).toBeUndefined();
  });

  it('counts faults of drills, and no others, until they end or for 30 min', () => {
    expect(at([fault('d', 'started', 0)], 10)).toBe('d');
    expect(at([fault(undefined, 'started', 0)], 10)).toBeUndefined();
    expect(at([fault('d', 'started', 0), fault('d', 'started', 1), fault('d', 'ended', 2)], 10)).toBe('d');
    expect(at([fault('d', 'started', 0)], drillMaxMs)).toBe('d');
    expect(at([fault('d', 'started', 0)], drillMaxMs + 1)).toBeUndefined();
  });

  it('gives an alert to the drill that names its rule, and leaves those on the control plane itself to people otherwise', () => {
    const drills = [fault('d1/Down', 'started', 0), run('r', 'started', 1), fault('d2/Slow', 'started', 2)];
    expect(at(drills, 10)).toBe('d1/Down');
    expect(at(drills, 10, { name: 'Other', labels: { service: 'api' } })).toBe('d2/Slow');
    expect(at(drills, 10, ownRule)).toBeUndefined();
    expect(at([...drills, fault('d3/RehearsalOverdue', 'started', 3)], 10, ownRule)).toBe('d3/RehearsalOverdue');
  });

  it('knows for how long each has been over', () => {
    const told = [run('a', 'started', 0), run('a', 'ended', 60_000), run('b', 'started', 10)];
    expect([overFor(told, 60_000, 'a'), overFor(told, 90_000, 'a'), overFor(told, leaseMs + 10, 'b'), overFor(told, leaseMs + 15, 'b')]).toEqual([0, 30_000, 0, 5]);
    expect(overFor(told, 90_000, 'other')).toBe(Infinity);
    // Begun anew it is under way, and a drill is until its last fault ends.
    expect(overFor([...told, run('a', 'started', 80_000)], 90_000, 'a')).toBe(0);
    const faults = [fault('d', 'started', 0), fault('d', 'started', 5), fault('d', 'ended', 10), fault('d', 'ended', 20)];
    expect([overFor(faults.slice(0, 3), 30, 'd'), overFor(faults, 30, 'd')]).toEqual([0, 10]);
    const dayMs = 24 * 60 * minuteMs;
    expect(overFor([run('a', 'started', 0), run('a', 'renewed', dayMs)], dayMs + 1_000, 'a')).toBe(1_000);
  });

  it('never ends where a stack is there to rehearse', () => {
    const { idOf, overForMs } = alwaysRehearsing('drill-1');
    expect([idOf(anyRule), idOf(ownRule), overForMs('drill-1'), overForMs('drill-0')]).toEqual(['drill-1', 'drill-1', 0, Infinity]);
  });

  it('forgets those that are over first where many were never ended', () => {
    const many = Array.from({ length: 300 }, (_, index) => fault(`d${index}`, 'started', index));
    expect(at([run('r', 'started', 0), run('r', 'renewed', drillMaxMs), ...many, run('r', 'renewed', drillMaxMs + 30_000)], drillMaxMs + 120_000)).toBe('r');
  });
});

describe('followRehearsals', () => {
  it('goes by what it knew while the log cannot be read, and measures how far a run is past its plan', async () => {
    const events: LoggedEvent[] = [];
    let isAway = false;
    const told: string[] = [];
    const rehearsals = followRehearsals(createTestHost(), {
      read: ({ afterSequence = 0 }) => (isAway ? Promise.reject(new Error('connection refused')) : Promise.resolve(events.filter(({ sequence }) => sequence > afterSequence))),
    }, (error) => told.push(String(error)));
    events.push({ sequence: 1, ...run('r', 'started', 0, minuteMs) });
    expect((await rehearsals.refresh(10)).idOf(anyRule)).toBe('r');
    expect(rehearsals.overdueMs(10)).toBe(0);
    isAway = true;
    expect((await rehearsals.refresh(1.5 * minuteMs)).idOf(anyRule)).toBe('r');
    expect(told).toEqual(['Error: connection refused']);
    expect(rehearsals.overdueMs(1.5 * minuteMs)).toBe(0.5 * minuteMs);
    expect((await rehearsals.refresh(leaseMs + 1)).idOf(anyRule)).toBeUndefined();
    expect(rehearsals.overdueMs(leaseMs + 1)).toBe(0);
  });

  it('takes nothing for over before the log was read, and waits a second at most for one that hangs', async () => {
    const host = createTestHost();
    const told: string[] = [];
    const answers: ((events: LoggedEvent[]) => void)[] = [];
    const rehearsals = followRehearsals(host, { read: () => new Promise((resolve) => answers.push(resolve)) }, (error) => told.push(String(error)));
    const first = rehearsals.refresh(10);
    await host.advance(1_000);
    expect((await first).overForMs('r')).toBe(0);
    expect(told).toEqual(['Error: no answer within 1000 ms']);
    // Nobody waits for it a second time, and it is asked once.
    expect((await rehearsals.refresh(10)).idOf(anyRule)).toBeUndefined();
    expect(answers).toHaveLength(1);
    answers[0]?.([{ sequence: 1, ...run('r', 'started', 0) }]);
    await expect.poll(async () => {
      const now = rehearsals.refresh(20);
      answers[1]?.([]);
      return (await now).idOf(anyRule);
    }).toBe('r');
  });
});
