import type { PgBoss } from 'pg-boss';
import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import type { Host } from '../../../ops/core/host.ts';
import type { Database, Queryable } from '../database.ts';

export interface RelayOptions {
  /** Rows moved in one transaction. Default 500. */
  readonly batchSize?: number;
  /** Pause after a batch that was not full. Default 20 ms. */
  readonly pauseMinMs?: number;
  /** The pause doubles up to this while nothing comes. Default 500 ms. */
  readonly pauseMaxMs?: number;
}

/** Where a job's data holds the trace of its outbox row: the queue has no column for it. Consumers take it out. */
export const traceMember = '_traceparent';

interface OutboxRow {
  readonly id: number;
  readonly topic: string;
  readonly payload: object;
  readonly traceparent: string | null;
}

const take = {
  name: 'outbox_take',
  // Rows locked by another relay are its own; the oldest free ones are ours.
  text: `delete from platform_outbox where id = any(array(
           select id from platform_outbox where topic = any($1::text[]) order by id limit $2 for update skip locked))
         returning id, topic, payload, traceparent`,
};

/** Moves rows of the outbox to their queues. Rows of topics without a consumer here stay where they are. */
export interface Relay {
  /** Moves one batch; returns the number of rows by topic. */
  moveOnce(): Promise<Map<string, number>>;
  start(): void;
  /** Resolves once the batch under way is done. */
  stop(): Promise<void>;
}

/**
 * @param onMoved told of each batch's topics, so that their consumers need not wait for their next poll
 * Rows leave the outbox and enter the queue in one transaction: a crash loses none and doubles none.
 */
export function createRelay(
  parts: { host: Host; db: Database; boss: PgBoss; log: Logger; metrics: Registry; topics: readonly string[]; onMoved: (topics: Iterable<string>) => void },
  options: RelayOptions = {},
): Relay {
  const { batchSize = 500, pauseMinMs = 20, pauseMaxMs = 500 } = options;
  const { host, db, boss, log } = parts;
  const moved = new Counter({ name: 'outbox_moved_total', help: 'Rows moved from the outbox to queues', labelNames: ['topic'], registers: [parts.metrics] });
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  const moveOnce = async (): Promise<Map<string, number>> => {
    const counts = await db.transaction(async (tx) => {
      const rows = await tx.query<OutboxRow>(take, [parts.topics, batchSize]);
      // The order of `returning` is not that of the ids; consumers see events in the order of their making.
      rows.sort((a, b) => a.id - b.id);
      const byTopic = Map.groupBy(rows, (row) => row.topic);
      for (const [topic, group] of byTopic) await insertJobs(boss, tx, topic, group);
      return new Map([...byTopic].map(([topic, group]) => [topic, group.length]));
    });
    for (const [topic, count] of counts) moved.inc({ topic }, count);
    if (counts.size > 0) parts.onMoved(counts.keys());
    return counts;
  };

  const run = async (): Promise<void> => {
    let pauseMs = pauseMinMs;
    while (!stopping.signal.aborted) {
      let rows = 0;
      try {
        for (const count of (await moveOnce()).values()) rows += count;
        pauseMs = rows > 0 ? pauseMinMs : Math.min(pauseMaxMs, pauseMs * 2);
      } catch (error) {
        log.warn({ err: error }, 'the outbox could not be moved; trying again');
        pauseMs = pauseMaxMs;
      }
      if (rows < batchSize) await host.timers.sleep(pauseMs, stopping.signal).catch(() => undefined);
    }
  };

  return {
    moveOnce,
    start() {
      running ??= run();
    },
    async stop() {
      stopping.abort(new Error('the relay stops'));
      await running;
    },
  };
}

async function insertJobs(boss: PgBoss, tx: Queryable, topic: string, rows: readonly OutboxRow[]): Promise<void> {
  await boss.insert(
    topic,
    rows.map((row) => ({ data: row.traceparent === null ? row.payload : { ...row.payload, [traceMember]: row.traceparent } })),
    {
      db: {
        executeSql: async (text, values) => ({ rows: await tx.query({ name: `outbox_insert_${topic}`.slice(0, 63), text }, values) }),
      },
    },
  );
}
