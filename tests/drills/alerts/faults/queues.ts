import type { Fault } from '../fault.ts';
import { askSql, freeze, processOf, runSql } from './reach.ts';

const rows = 1_500;
/** A topic that no worker consumes: its rows stay in the outbox. */
const drillTopic = 'drill.unconsumed';
const removeRows = `delete from platform_outbox where topic = '${drillTopic}'`;

export const stoppedWorkers: Fault = {
  name: 'workers-stopped', what: 'the workers stand still (SIGSTOP)', target: 'workers',
  alerts: ['ScrapeFailing'],
  begin(world) {
    const thaw = freeze(world, processOf(world, 'workers').pid);
    return Promise.resolve(() => Promise.resolve(thaw()));
  },
};

export const fullQueue: Fault = {
  name: 'queue-full', what: `${rows.toLocaleString('en')} events come that nobody takes, and a rule of the drill joins two series when they do`, target: 'workers',
  alerts: ['QueueDepthHigh', 'RuleFailing'],
  async begin(world) {
    await runSql(world, `insert into platform_outbox (topic, payload) select '${drillTopic}', '{}' from generate_series(1, ${rows})`);
    return () => runSql(world, removeRows);
  },
};

export const oldQueue: Fault = {
  name: 'queue-old', what: 'an event is taken by nobody for more than 60 s', target: 'workers', conditionAfterMs: 60_000,
  alerts: ['QueueAgeHigh'],
  async begin(world) {
    await runSql(world, `insert into platform_outbox (topic, payload) values ('${drillTopic}', '{}')`);
    return () => runSql(world, removeRows);
  },
};

export const badJob: Fault = {
  name: 'job-malformed', what: 'an event arrives whose payload no worker can read', target: 'workers',
  alerts: ['DeadLetters'],
  async begin(world) {
    await runSql(world, `insert into platform_outbox (topic, payload) values ('feed.fan_out', '{"drill": true}')`);
    return () => runSql(world, `delete from pgboss.job where name = 'feed.fan_out.dead'`);
  },
  notes: async (world) => ({ fill: { '00000000-0000-0000-0000-000000000000': await askSql(world, `select id from pgboss.job where name = 'feed.fan_out.dead' and state < 'active'`) } }),
  mitigation: ['npx sora db query --write "delete'],
};
