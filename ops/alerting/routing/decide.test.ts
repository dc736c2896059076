import { describe, expect, test } from 'vitest';
import { acknowledge } from './actions.ts';
import { Simulation, alertOf, brief, startMs } from './fixture.ts';
import type { Silence } from './state.ts';

const minuteMs = 60_000;

const simple = `
route:
  receiver: team
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
receivers:
  - name: team
    webhook_configs: [{ url: 'http://127.0.0.1:9/' }]
`;

const silence = (overrides: Partial<Silence>): Silence => ({
  id: 's1', matchers: [{ name: 'alertname', operator: '=', value: 'A' }], startsAtMs: startMs, endsAtMs: startMs + 60 * minuteMs, author: 'ada', comment: 'known', createdAtMs: startMs, ...overrides,
});

describe('a group', () => {
  test('waits for its group_wait, then tells, then waits a group_interval for more', () => {
    const world = new Simulation(simple);
    world.alerts = [alertOf({ alertname: 'A', instance: '1' })];
    expect(brief(world.pass(29_000))).toEqual([]);
    world.alerts = [...world.alerts, alertOf({ alertname: 'A', instance: '2' }, { startsAtMs: world.nowMs })];
    expect(brief(world.pass(1_000))).toEqual(['team new: A A']);
    world.alerts = [...world.alerts, alertOf({ alertname: 'A', instance: '3' }, { startsAtMs: world.nowMs })];
    expect(brief(world.pass(5 * minuteMs - 1))).toEqual([]);
    expect(brief(world.pass(1))).toEqual(['team changed: A A A']);
  });

  test('is told at once where its alert has been firing for longer than the wait', () => {
    const world = new Simulation(simple);
    world.alerts = [alertOf({ alertname: 'A' }, { startsAtMs: startMs - 31_000 })];
    expect(brief(world.decide())).toEqual(['team new: A']);
  });

  test('is repeated at the first look after the repeat interval', () => {
    const world = new Simulation(simple);
    world.alerts = [alertOf({ alertname: 'A' })];
    world.pass(30_000);
    expect(brief(world.pass(240 * minuteMs))).toEqual([]);
    expect(brief(world.pass(5 * minuteMs))).toEqual(['team repeat: A']);
  });

  test('tells its end once, and an alert that came and went between two looks not at all', () => {
    const world = new Simulation(simple);
    world.alerts = [alertOf({ alertname: 'A' })];
    world.pass(30_000);
    world.alerts = [alertOf({ alertname: 'A' }, { endsAtMs: world.nowMs + 1_000 })];
    world.pass(1_000);
    expect(brief(world.pass(20 * minuteMs))).toEqual(['team resolved: A']);
    world.alerts = [alertOf({ alertname: 'B' }, { startsAtMs: world.nowMs })];
    world.pass(10_000);
    world.alerts = [alertOf({ alertname: 'B' }, { startsAtMs: world.nowMs - 10_000, endsAtMs: world.nowMs })];
    expect(brief(world.pass(20 * minuteMs))).toEqual([]);
    expect(world.state.groups).toEqual({});
  });

  test('counts an alert of which nothing is heard as resolved after the resolve timeout', () => {
    const world = new Simulation(simple);
    world.alerts = [alertOf({ alertname: 'A' })];
    world.pass(30_000);
    world.alerts = [];
    expect(brief(world.pass(5 * minuteMs - 1))).toEqual([]);
    expect(brief(world.pass(5 * minuteMs))).toEqual(['team resolved: A']);
  });

  test('keeps what it remembers until the evaluator speaks', () => {
    const world = new Simulation(simple);
    world.alerts = [alertOf({ alertname: 'A' })];
    world.pass(30_000);
    world.alerts = undefined;
    expect(brief(world.pass(60 * minuteMs))).toEqual([]);
    expect(Object.keys(world.state.groups)).toHaveLength(1);
  });

  test('leaves the end out for an integration that does not want it', () => {
    const world = new Simulation(simple.replace("url: 'http://127.0.0.1:9/'", "url: 'http://127.0.0.1:9/', send_resolved: false"));
    world.alerts = [alertOf({ alertname: 'A' })];
    world.pass(30_000);
    world.alerts = [alertOf({ alertname: 'A' }, { endsAtMs: world.nowMs })];
    expect(brief(world.pass(10 * minuteMs))).toEqual([]);
    world.alerts = [alertOf({ alertname: 'A' }, { startsAtMs: world.nowMs })];
    expect(brief(world.pass(30_000))).toEqual(['team new: A']);
  });
});

describe('silences', () => {
  test('hold an alert back, announce their end to those who will hear of it, and end', () => {
    const world = new Simulation(simple);
    world.state = { ...world.state, silences: [silence({})] };
    world.alerts = [alertOf({ alertname: 'A' })];
    expect(brief(world.pass(49 * minuteMs))).toEqual([]);
    const notice = world.pass(2 * minuteMs);
    expect(brief(notice)).toEqual(['team silence-expiry: A']);
    expect(notice[0]).toMatchObject({ to: 'ada', status: 'firing', silence: { id: 's1', author: 'ada', comment: 'known', endsAtMs: startMs + 60 * minuteMs, matchers: ['alertname="A"'] } });
    expect(brief(world.pass(20 * minuteMs))).toEqual(['team new: A']);
    expect(world.events.map(({ details }) => details.kind === 'silence' && details.phase)).toEqual(['expiring', 'expired']);
  });

  test('that cover nothing, or what is only paged, are announced to the receiver of all the rest', () => {
    const world = new Simulation(`
route:
  receiver: team
  routes: [{ receiver: pager, matchers: [alertname="A"] }]
receivers:
  - { name: team, webhook_configs: [{ url: 'http://127.0.0.1:9/' }] }
  - { name: pager, pagerduty_configs: [{ routing_key: k }] }
`);
    world.state = { ...world.state, silences: [silence({}), silence({ id: 's2', matchers: [{ name: 'alertname', operator: '=', value: 'none' }] })] };
    world.alerts = [alertOf({ alertname: 'A' })];
    const notices = world.pass(51 * minuteMs);
    expect(brief(notices)).toEqual(['team silence-expiry: A', 'team silence-expiry: ']);
    expect(notices[1]).toMatchObject({ status: 'firing', severity: 'low', silence: { id: 's2' } });
    expect(world.events).toHaveLength(2);
  });

  test('begun after the message put off the end of the alert until they are over', () => {
    const world = new Simulation(simple);
    world.alerts = [alertOf({ alertname: 'A' })];
    world.pass(30_000);
    world.state = { ...world.state, silences: [silence({ startsAtMs: world.nowMs, noticedAtMs: world.nowMs })] };
    world.alerts = [alertOf({ alertname: 'A' }, { endsAtMs: world.nowMs })];
    expect(brief(world.pass(50 * minuteMs))).toEqual([]);
    expect(brief(world.pass(20 * minuteMs))).toEqual(['team resolved: A']);
  });
});

describe('inhibition', () => {
  const inhibiting = `${simple}
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: [severity=~"high|medium|critical"]
    equal: [service]
`;
  test('holds an alert back while a graver one of the same service fires, even a silenced one', () => {
    const world = new Simulation(inhibiting);
    const critical = { alertname: 'A', severity: 'critical', service: 'api' };
    world.state = { ...world.state, silences: [silence({ noticedAtMs: startMs })] };
    world.alerts = [alertOf(critical), alertOf({ alertname: 'B', severity: 'high', service: 'api' }), alertOf({ alertname: 'C', severity: 'high', service: 'web' })];
    expect(brief(world.pass(minuteMs))).toEqual(['team new: C']);
    world.alerts = [...world.alerts.slice(1), alertOf(critical, { endsAtMs: world.nowMs })];
    expect(brief(world.pass(5 * minuteMs))).toEqual(['team new: B']);
  });

  test('does not let alerts on both sides hold each other, or themselves', () => {
    const world = new Simulation(inhibiting);
    world.alerts = [alertOf({ alertname: 'A', severity: 'critical', service: 'api' }), alertOf({ alertname: 'B', severity: 'critical', service: 'api' })];
    expect(brief(world.pass(minuteMs))).toEqual(['team new: A', 'team new: B']);
  });
});

describe('mute times', () => {
  test('hold a route back on the clock of their location, and active times outside of themselves', () => {
    const world = new Simulation(`
route:
  receiver: team
  group_wait: 0s
  group_interval: 1m
  routes:
    - matchers: [kind="muted"]
      mute_time_intervals: [night]
    - matchers: [kind="active"]
      active_time_intervals: [night]
receivers: [{ name: team, webhook_configs: [{ url: 'http://127.0.0.1:9/' }] }]
time_intervals:
  - name: night
    time_intervals: [{ times: [{ start_time: '10:00', end_time: '11:00' }], location: Europe/Berlin }]
`);
    world.alerts = [alertOf({ alertname: 'A', kind: 'muted' }), alertOf({ alertname: 'B', kind: 'active' })];
    // 10:00 in Berlin.
    expect(brief(world.pass(59 * minuteMs))).toEqual(['team new: B']);
    expect(brief(world.pass(2 * minuteMs))).toEqual(['team new: A']);
  });
});

describe('a route with another receiver than before', () => {
  const withReceiver = (receiver: string): string => `${simple.replace('receiver: team', `receiver: ${receiver}`)}  - name: other
    webhook_configs: [{ url: 'http://127.0.0.1:9/' }, { url: 'http://127.0.0.1:9/', send_resolved: false }]
`;

  test('tells the new one at once, and to the old one the end', () => {
    const before = new Simulation(withReceiver('team'));
    before.alerts = [alertOf({ alertname: 'A', instance: '1' })];
    before.pass(30_000);
    const after = new Simulation(withReceiver('other'));
    Object.assign(after, { state: before.state, nowMs: before.nowMs + 1_000 });
    // Nothing is decided before the evaluator has spoken, but where a group belongs is known.
    after.alerts = [alertOf({ alertname: 'A', instance: '1' }), alertOf({ alertname: 'A', instance: '2' }, { startsAtMs: after.nowMs })];
    const told = after.decide();
    expect(brief(told)).toEqual(['team resolved: A', 'other new: A A', 'other new: A A']);
    expect(told[0]).toMatchObject({ status: 'resolved', alerts: [{ labels: { instance: '1' }, status: 'resolved', annotations: { description: 'It may go on: the receiver other is told of it from now on.' } }] });
    expect(after.decide()).toEqual([]);
    after.alerts = after.alerts.map((alert) => ({ ...alert, status: 'resolved', endsAtMs: after.nowMs }));
    expect(brief(after.pass(5 * minuteMs))).toEqual(['other resolved: A A']);
    // And back: where resolves are not wanted none is sent.
    expect(new Set([...before.sent, ...after.sent].map(({ id }) => id)).size).toBe(before.sent.length + after.sent.length);
  });

  test('has nothing to tell the old one where that is gone, or knew of nothing', () => {
    const before = new Simulation(simple);
    before.alerts = [alertOf({ alertname: 'A' })];
    before.decide();
    const after = new Simulation(withReceiver('other'));
    Object.assign(after, { state: before.state, nowMs: before.nowMs, alerts: before.alerts });
    expect(brief(after.decide())).toEqual(['other new: A', 'other new: A']);
    const gone = new Simulation(simple.replaceAll('team', 'new'));
    Object.assign(gone, { state: after.state, nowMs: after.nowMs + 1_000, alerts: before.alerts });
    expect(brief(gone.decide())).toEqual(['new new: A']);
  });
});

describe('acknowledgements', () => {
  test('keep a group from being repeated until something new fires in it', () => {
    const world = new Simulation(simple);
    const first = alertOf({ alertname: 'A', instance: '1' });
    world.alerts = [first];
    world.pass(30_000);
    world.state = acknowledge({ state: world.state, overrides: [] }, { fingerprints: [first.fingerprint], by: 'ada', via: 'cli' }, world.nowMs).after.state;
    expect(brief(world.pass(600 * minuteMs))).toEqual([]);
    world.alerts = [first, alertOf({ alertname: 'A', instance: '2' }, { startsAtMs: world.nowMs })];
    expect(brief(world.pass(5 * minuteMs))).toEqual(['team changed: A A']);
    expect(brief(world.pass(250 * minuteMs))).toEqual(['team repeat: A A']);
  });

  test('end with the alert, or with their time', () => {
    const world = new Simulation(simple);
    const alert = alertOf({ alertname: 'A' });
    world.alerts = [alert];
    world.pass(30_000);
    world.state = acknowledge({ state: world.state, overrides: [] }, { fingerprints: [alert.fingerprint], by: 'ada', via: 'cli', forMs: 300 * minuteMs }, world.nowMs).after.state;
    expect(brief(world.pass(299 * minuteMs))).toEqual([]);
    expect(brief(world.pass(6 * minuteMs))).toEqual(['team repeat: A']);
    world.state = acknowledge({ state: world.state, overrides: [] }, { fingerprints: [alert.fingerprint], by: 'ada', via: 'cli' }, world.nowMs).after.state;
    world.alerts = [alertOf({ alertname: 'A' }, { endsAtMs: world.nowMs })];
    world.pass(10 * minuteMs);
    expect(world.state.acks).toEqual({});
  });
});
