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

/** Has a sender send so many at once, and kills it when each of them has been answered and none is recorded. */
async function killBeforeRecording(ids: readonly string[], atOnce: number): Promise<void> {
  receiver.requests.length = 0;
  const lock = await fixture.database.pool.connect();
  const locked = Promise.withResolvers<void>();
  let asked = 0;
  receiver.always(async () => {
    asked += 1;
    if (asked === atOnce) {
      // From here on nobody can record; the leases were committed before the requests went out.
      await lock.query('begin');
      await lock.query('lock table alerting_outbox in share row exclusive mode');
      locked.resolve();
    }
    await locked.promise;
    return { kind: 'reply', status: 200 };
  });
  const child = startChild();
  const hasEnded = once(child, 'exit');
  await fixture.write((client) => fixture.outbox.enqueue(client, ids.map((id) => exampleNotification({ id, groupKey: id }))));
  await until(`select 1 where (select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'update alerting_outbox set state = ''sent''%') = ${atOnce}`);
  child.kill('SIGKILL');
  expect(await hasEnded).toEqual([null, 'SIGKILL']);
  await lock.query('rollback');
  lock.release();
  expect((await fixture.states()).filter(({ item_id }) => ids.includes(item_id)).map(({ state }) => state)).toEqual(ids.map(() => 'waiting'));
  receiver.always({ kind: 'reply', status: 200 });
}

/** Lets one sender after another do what is left, and gives the ids that the receiver was sent, in order. */
async function sendTheRest(): Promise<string[]> {
  for (let restart = 0; restart < 2; restart++) {
    const sender = fixture.sender(() => integrationSettings.parse({ kind: 'webhook', url: receiver.url }));
    await sender.start();
    await until(`select 1 where not exists (select 1 from alerting_outbox where state = 'waiting')`);
    await sender.stop();
  }
  expect(fixture.errors).toEqual([]);
  return receiver.requests.map((request) => String(request.headers['webhook-id']));
}

test('a sender killed between sending and recording causes one duplicate with the same id, and no more', async () => {
  await killBeforeRecording(['once'], 1);
  expect(await sendTheRest()).toEqual(['once', 'once']);
  expect(new Set(receiver.requests.map(({ body }) => body)).size).toBe(1);
}, 20_000);

test('one killed in a burst repeats what was under way, each once and under its id, and nothing else', async () => {
  const ids = Array.from({ length: 10 }, (_, index) => `burst-${index}`);
  await killBeforeRecording(ids, 4);
  const sent = await sendTheRest();
  expect(sent.toSorted()).toEqual([...ids, ...sent.slice(0, 4)].toSorted());
  expect(new Set(sent.slice(0, 4)).size).toBe(4);
}, 20_000);
