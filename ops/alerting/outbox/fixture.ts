/** A control plane's database with an outbox, for tests. */
import { join } from 'node:path';
import type { PoolClient } from 'pg';
import { createTestDatabase } from '../../../tests/database.ts';
import { openControlDatabase } from '../../control/database.ts';
import type { ControlDatabase } from '../../control/database.ts';
import { createEventLog } from '../../core/event-log/log.ts';
import type { PostgresEventLog } from '../../core/event-log/log.ts';
import type { Host } from '../../core/host.ts';
import { limitOf } from '../notifiers/comparison.ts';
import type { IntegrationSettings } from '../notifiers/settings.ts';
import { createOutbox } from './outbox.ts';
import type { Outbox } from './outbox.ts';
import type { OutboxLimits } from './item.ts';
import { createSender } from './sender.ts';
import type { Sender } from './sender.ts';

export const outboxMigrations = [join(import.meta.dirname, '../../core/event-log/migrations'), join(import.meta.dirname, '../migrations')];

export interface OutboxFixture extends AsyncDisposable {
  readonly url: string;
  readonly database: ControlDatabase;
  readonly log: PostgresEventLog;
  readonly outbox: Outbox;
  /** Runs `work` in a transaction. */
  write<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result>;
  /** A sender that finds these settings; its errors are thrown by `errors`. */
  sender(settings: (receiver: string) => IntegrationSettings | undefined): Sender;
  readonly errors: unknown[];
  states(): Promise<{ item_id: string; state: string; attempts: number; last_error: string | null }[]>;
}

export async function createOutboxFixture(host: Host, limits?: Partial<OutboxLimits>): Promise<OutboxFixture> {
  const test = await createTestDatabase({ migrate: false });
  const database = openControlDatabase(host, test.url);
  await database.migrate(outboxMigrations);
  const log = createEventLog(database.pool);
  const errors: unknown[] = [];
  const appendEvents: PostgresEventLog['appendWith'] = (client, added) => log.appendWith(client, added);
  return {
    url: test.url, database, log, errors,
    outbox: createOutbox({ host, appendEvents, limits }),
    write: (work) => database.transaction(work),
    sender: (settings) => createSender({ host, pool: database.pool, findSettings: settings, limitOf, writeLog: () => undefined, appendEvents, onError: (error) => void errors.push(error), limits }),
    states: async () => (await database.pool.query<{ item_id: string; state: string; attempts: number; last_error: string | null }>('select item_id, state, attempts, last_error from alerting_outbox order by sequence')).rows,
    async [Symbol.asyncDispose]() {
      await database.close();
      await test[Symbol.asyncDispose]();
    },
  };
}
