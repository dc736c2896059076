import { describe, expect, test } from 'vitest';
import type { Policies } from '../oncall/policy.ts';
import { acknowledge } from './actions.ts';
import { parseRouting } from './config.ts';
import { Simulation, alertOf, brief } from './fixture.ts';

const minuteMs = 60_000;
const config = parseRouting('routing.yaml', `
route: { receiver: pager, group_by: [alertname], group_wait: 0s, group_interval: 1m, repeat_interval: 4h }
receivers: [{ name: pager, webhook_configs: [{ url: 'http://127.0.0.1:9/' }] }]
`);
const paging = { ...config, receivers: config.receivers.map((receiver) => ({ ...receiver, policy: 'page' })) };

function policiesOf(people: readonly (string | undefined)[], rounds = 1): Policies {
  return {
    find: () => ({ name: 'page', severities: ['critical'], rounds, steps: people.map(() => ({ afterMs: 5 * minuteMs })) }),
    personAt: (_, step) => people[step],
    contactOf: () => undefined,
  };
}

const critical = alertOf({ alertname: 'A', severity: 'critical' });
const pages = (world: Simulation, durationMs: number): string[] => world.pass(durationMs).map(({ reason, to }) => `${reason} ${to ?? '-'}`);

describe('paging', () => {
  test('goes to whoever is on call, and to the next person after five minutes without an acknowledgement', () => {
    const world = new Simulation(paging, policiesOf(['ada', 'bob', 'cy']));
    world.alerts = [critical];
    expect(pages(world, 5 * minuteMs - 1)).toEqual(['new ada']);
    expect(pages(world, 1)).toEqual(['escalation bob']);
    expect(pages(world, 20 * minuteMs)).toEqual(['escalation cy']);
    expect(world.events.map(({ details }) => details.kind === 'escalation' && `${details.fromPerson} ${details.toPerson}`)).toEqual(['ada bob', 'bob cy']);
    world.alerts = [alertOf(critical.labels, { endsAtMs: world.nowMs })];
    expect(pages(world, minuteMs)).toEqual(['resolved cy']);
  });

  test('stops at an acknowledgement and begins anew when something new fires', () => {
    const world = new Simulation(paging, policiesOf(['ada', 'bob']));
    world.alerts = [critical];
    world.pass(2 * minuteMs);
    world.state = acknowledge({ state: world.state, overrides: [] }, { fingerprints: [critical.fingerprint], by: 'ada', via: 'link' }, world.nowMs).after.state;
    expect(pages(world, 60 * minuteMs)).toEqual([]);
    world.alerts = [critical, alertOf({ alertname: 'A', severity: 'critical', instance: '2' }, { startsAtMs: world.nowMs })];
    expect(pages(world, 7 * minuteMs)).toEqual(['changed ada', 'escalation bob']);
  });

  test('begins with a message to the first person also where what was silenced for a while goes on', () => {
    const world = new Simulation(paging, policiesOf(['ada', 'bob']));
    world.alerts = [critical];
    expect(pages(world, minuteMs)).toEqual(['new ada']);
    world.state = { ...world.state, silences: [{ id: 's', matchers: [{ name: 'alertname', operator: '=', value: 'A' }], startsAtMs: world.nowMs, endsAtMs: world.nowMs + 20.5 * minuteMs, author: 'ada', comment: 'c', createdAtMs: world.nowMs, noticedAtMs: world.nowMs }] };
    expect(pages(world, 20 * minuteMs)).toEqual([]);
    expect(pages(world, 5 * minuteMs)).toEqual(['repeat ada']);
    expect(pages(world, minuteMs)).toEqual(['escalation bob']);
  });

  test('tells the end to whoever was paged last, though somebody else is on call by then', () => {
    const people = ['ada', 'bob'];
    const world = new Simulation(paging, policiesOf(people));
    world.alerts = [critical];
    expect(pages(world, 6 * minuteMs)).toEqual(['new ada', 'escalation bob']);
    world.state = acknowledge({ state: world.state, overrides: [] }, { fingerprints: [critical.fingerprint], by: 'bob', via: 'cli' }, world.nowMs).after.state;
    world.pass(minuteMs);
    people[0] = 'cy';
    world.alerts = [alertOf(critical.labels, { endsAtMs: world.nowMs })];
    expect(pages(world, minuteMs)).toEqual(['resolved bob']);
  });

  test('leaves out who is paged already and who is nobody, and goes round as often as it is told', () => {
    const world = new Simulation(paging, policiesOf(['ada', 'ada', undefined, 'bob'], 2));
    world.alerts = [critical];
    expect(pages(world, 60 * minuteMs)).toEqual(['new ada', 'escalation bob', 'escalation ada', 'escalation bob']);
    expect(new Set(world.sent.map(({ id }) => id)).size).toBe(world.sent.length);
  });

  test('pages nobody twice where there is one person, and goes no further for lesser alerts', () => {
    const alone = new Simulation(paging, policiesOf(['ada', 'ada'], 3));
    alone.alerts = [critical];
    expect(pages(alone, 60 * minuteMs)).toEqual(['new ada']);
    const lesser = new Simulation(paging, policiesOf(['ada', 'bob']));
    lesser.alerts = [alertOf({ alertname: 'A', severity: 'high' })];
    expect(pages(lesser, 60 * minuteMs)).toEqual(['new ada']);
    expect(brief(lesser.sent)).toEqual(['pager new: A']);
  });
});
