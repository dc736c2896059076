import type { Fault } from '../fault.ts';
import { freeze, processOf, runSql } from './reach.ts';

const rows = 1_500;
/** Marks the rows of the drill; a valid event of nobody's post is done at once. */
const drillTopic = 'drill.idle';

export const stoppedWorkers: Fault = {
  name: 'workers-stopped', what: 'the workers stand still (SIGSTOP)', target: 'workers',
  alerts: ['ScrapeFailing'],
  begin(world) {
    const thaw = freeze(world, processOf(world, 'workers').pid);
    return Promise.resolve(() => Promise.resolve(thaw()));
  },
};

export const fullQueue: Fault = {
  name: 'queue-full', what: `the workers stand still, and ${rows.toLocaleString('en')} events wait`, target: 'workers',
  alerts: ['QueueDepthHigh'],
  async begin(world) {
    const thaw = freeze(world, processOf(world, 'workers').pid);
    await runSql(world, `insert into platform_outbox (topic, payload) select '${drillTopic}', '{}' from generate_series(1, ${rows})`);
    return async () => {
      await runSql(world, `delete from platform_outbox where topic = '${drillTopic}'`);
      thaw();
    };
  },
};

export const oldQueue: Fault = {
  name: 'queue-old', what: 'the workers stand still until an event waits for more than 60 s', target: 'workers', conditionAfterMs: 60_000,
  alerts: ['QueueAgeHigh'],
  async begin(world) {
    const thaw = freeze(world, processOf(world, 'workers').pid);
    await runSql(world, `insert into platform_outbox (topic, payload) values ('${drillTopic}', '{}')`);
    return async () => {
      await runSql(world, `delete from platform_outbox where topic = '${drillTopic}'`);
      thaw();
    };
  },
};

export const badJob: Fault = {
  name: 'job-malformed', what: 'an event arrives whose payload no worker can read', target: 'workers',
  alerts: ['DeadLetters'],
  async begin(world) {
    await runSql(world, `insert into platform_outbox (topic, payload) values ('feed.fan_out', '{"drill": true}')`);
    return () => runSql(world, `delete from pgboss.job where name = 'feed.fan_out.dead'`);
  },
};
