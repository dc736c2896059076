import { Gauge, type Registry } from 'prom-client';
import type { Host } from '../../../ops/core/host.ts';
import { metricNames, type MetricSpec } from '../../../ops/telemetry/metric-names.ts';
import type { Database } from '../database.ts';
import { memoReading } from '../memo-reading.ts';
import { deadLetterQueue } from './consumer.ts';

interface Depth {
  readonly name: string;
  readonly depth: number;
  readonly ageS: number;
}

const waiting = {
  name: 'queue_depths',
  text: `select name, count(*) as depth, extract(epoch from now() - min(created_on))::float8 as "ageS"
         from pgboss.job where name = any($1::text[]) and state < 'active' group by name
         union all
         select 'outbox', count(*), coalesce(extract(epoch from now() - min(created_at)), 0)::float8 from platform_outbox`,
};

/** Declares depth and age of the outbox and of each topic's queue, and the number of dead letters. */
export function watchQueues(host: Host, db: Database, metrics: Registry, topics: readonly string[]): void {
  const names = topics.flatMap((topic) => [topic, deadLetterQueue(topic)]);
  const read = memoReading(host, async () => {
    const rows = await db.query<Depth>(waiting, [names]);
    return new Map(rows.map((row) => [row.name, row]));
  });
  const declare = (spec: MetricSpec, set: (gauge: Gauge, depths: Map<string, Depth>) => void): void => {
    const gauge: Gauge = new Gauge({
      name: spec.name, help: spec.help, labelNames: [...spec.labels], registers: [],
      async collect() {
        // An unreachable database leaves the last value; `db_up` is what tells of it.
        const depths = await read();
        if (depths !== undefined) set(this, depths);
      },
    });
    metrics.registerMetric(gauge);
  };
  const queues = ['outbox', ...topics];
  declare(metricNames.queueDepth, (gauge, depths) => {
    for (const queue of queues) gauge.set({ queue }, depths.get(queue)?.depth ?? 0);
  });
  declare(metricNames.queueAge, (gauge, depths) => {
    for (const queue of queues) gauge.set({ queue }, depths.get(queue)?.ageS ?? 0);
  });
  declare(metricNames.deadLetters, (gauge, depths) => {
    for (const queue of topics) gauge.set({ queue }, depths.get(deadLetterQueue(queue))?.depth ?? 0);
  });
}
