import { PgBoss } from 'pg-boss';
import type { Job, Platform } from '../domain.ts';
import { consume, createJobMetrics, declareQueue } from './consumer.ts';
import { watchQueues } from './depth.ts';
import { createRelay, type Relay, type RelayOptions } from './relay.ts';

export interface Queues {
  readonly boss: PgBoss;
  readonly relay: Relay;
  /** Takes no new job, waits up to 10 s for those under way, frees the connections. */
  stop(): Promise<void>;
}

export interface QueuesOptions extends RelayOptions {
  /** The queue library keeps connections of its own. Default 4. */
  readonly connectionsMax?: number;
}

const stopGraceMs = 10_000;

/** Starts the relay from the outbox and a consumer for each job; several processes may do so at once. */
export async function startQueues(platform: Platform, url: string, jobs: readonly Job<unknown>[], options: QueuesOptions = {}): Promise<Queues> {
  const { host, db, log, metrics } = platform;
  const boss = new PgBoss({
    connectionString: url,
    application_name: 'sora-queue',
    max: options.connectionsMax ?? 4,
    // Jobs of a worker that died are found within this, after they expired.
    superviseIntervalSeconds: 10,
    monitorIntervalSeconds: 10,
    maintenanceIntervalSeconds: 60,
    schedule: false,
  });
  boss.on('error', (error) => log.warn({ err: error }, 'the queue library reports an error'));
  boss.on('warning', (warning) => log.warn({ warning }, 'the queue library warns'));
  await boss.start();
  const durations = createJobMetrics(metrics);
  const wakes = new Map<string, () => void>();
  for (const job of jobs) {
    await declareQueue(boss, job);
    wakes.set(job.topic, await consume({ host, boss, log, durations }, job));
  }
  const topics = jobs.map((job) => job.topic);
  const onMoved = (moved: Iterable<string>): void => {
    for (const topic of moved) wakes.get(topic)?.();
  };
  const relay = createRelay({ host, db, boss, log, metrics, topics, onMoved }, options);
  watchQueues(host, db, metrics, topics);
  relay.start();
  return {
    boss,
    relay,
    async stop() {
      await relay.stop();
      await boss.stop({ graceful: true, timeout: stopGraceMs });
    },
  };
}
