import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createNodeHost } from '../../core/node-host.ts';
import { exampleNotification, startReceiver } from '../notifiers/fixture.ts';
import type { Receiver } from '../notifiers/fixture.ts';
import { integrationSettings } from '../notifiers/settings.ts';
import { createOutboxFixture } from './fixture.ts';
import type { OutboxFixture } from './fixture.ts';

const host = createNodeHost();
let fixture: OutboxFixture;
let receiver: Receiver;
beforeAll(async () => {
  fixture = await createOutboxFixture(host);
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await fixture[Symbol.asyncDispose]();
});

const startChild = (): ChildProcess => spawn(process.execPath, [join(import.meta.dirname, 'crash-child.ts'), fixture.url, receiver.url], { stdio: ['ignore', 'inherit', 'inherit'] });

/** Asks the database again and again until it says so. */
async function until(sql: string): Promise<void> {
  while ((await fixture.database.pool.query(sql)).rowCount === 0);
}

test('a sender killed between sending and recording causes one duplicate with the same id, and no more', async () => {
  const lock = await fixture.database.pool.connect();
  receiver.always(async () => {
    // From here on nobody can record; the lease was committed before the request went out.
    await lock.query('begin');
    await lock.query('lock table alerting_outbox in share row exclusive mode');
    receiver.always({ kind: 'reply', status: 200 });
    return { kind: 'reply', status: 200 };
  });
  const child = startChild();
  const hasEnded = once(child, 'exit');
  await fixture.write((client) => fixture.outbox.enqueue(client, [exampleNotification({ id: 'once' })]));
  await receiver.until(1);
  await until(`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'update alerting_outbox set state = ''sent''%'`);
  child.kill('SIGKILL');
  expect(await hasEnded).toEqual([null, 'SIGKILL']);
  await lock.query('rollback');
  lock.release();
  expect(await fixture.states()).toMatchObject([{ item_id: 'once', state: 'waiting' }]);

  for (let restart = 0; restart < 2; restart++) {
    const sender = fixture.sender(() => integrationSettings.parse({ kind: 'webhook', url: receiver.url }));
    await sender.start();
    await receiver.until(2);
    await until(`select 1 from alerting_outbox where state = 'sent'`);
    await sender.stop();
  }
  expect(receiver.requests.map((request) => request.headers['webhook-id'])).toEqual(['once', 'once']);
  expect(new Set(receiver.requests.map(({ body }) => body)).size).toBe(1);
  expect(fixture.errors).toEqual([]);
}, 20_000);
