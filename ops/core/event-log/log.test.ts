import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTestDatabase } from '../../../tests/database.ts';
import type { TestDatabase } from '../../../tests/database.ts';
import { openControlDatabase } from '../../control/database.ts';
import type { ControlDatabase } from '../../control/database.ts';
import { createTestHost } from '../test-host.ts';
import type { NewEvent } from './event.ts';
import { createEventLog } from './log.ts';
import type { PostgresEventLog } from './log.ts';

let testDatabase: TestDatabase;
let database: ControlDatabase;
let log: PostgresEventLog;

beforeAll(async () => {
  testDatabase = await createTestDatabase({ migrate: false });
  database = openControlDatabase(createTestHost(), testDatabase.url);
  await database.migrate([`${import.meta.dirname}/migrations`]);
  log = createEventLog(database.pool);
});
afterAll(async () => {
  await database.close();
  await testDatabase[Symbol.asyncDispose]();
});
const empty = `begin; set local sora.thinning = 'on'; truncate event_log; commit`;
beforeEach(() => database.pool.query(empty));

const configEvent = (atMs: number, summary: string, key?: string): NewEvent => ({ atMs, actor: 'ada', details: { kind: 'config', subject: 'gateway', summary }, key });

test('what was appended is read in order, filtered by kind, time and sequence', async () => {
  await log.append([configEvent(30, 'c'), { atMs: 10, actor: 'sora', details: { kind: 'login', role: 'admin' } }, configEvent(20, 'b')]);
  const all = await log.read({});
  expect(all.map(({ atMs }) => atMs)).toEqual([30, 10, 20]);
  expect((await log.read({ kinds: ['config'] })).map(({ details }) => details)).toEqual([configEvent(0, 'c').details, configEvent(0, 'b').details]);
  expect((await log.read({ fromMs: 10, toMs: 20 })).map(({ atMs }) => atMs)).toEqual([10, 20]);
  expect((await log.read({ afterSequence: all[0]?.sequence })).map(({ atMs }) => atMs)).toEqual([10, 20]);
  expect(await log.read({ limit: 1 })).toEqual([{ ...configEvent(30, 'c'), key: undefined, sequence: all[0]?.sequence }]);
});

test('a second event of the same key is dropped, in one append and in another', async () => {
  await log.append([configEvent(1, 'first', 'k'), configEvent(2, 'second', 'k')]);
  await log.append([configEvent(3, 'third', 'k'), configEvent(4, 'fourth', 'other')]);
  expect((await log.read({})).map(({ atMs, key }) => [atMs, key])).toEqual([[1, 'k'], [4, 'other']]);
});

test('an event that meets no schema is refused, and none of its append is kept', async () => {
  const wrong = { atMs: 1, actor: 'ada', details: { kind: 'config', subject: '', summary: 'x' } } as NewEvent;
  await expect(log.append([configEvent(1, 'right'), wrong])).rejects.toMatchObject({ code: 'invalid_event', message: expect.stringContaining('subject') as string });
  await expect(log.append([configEvent(-1, 'early')])).rejects.toMatchObject({ message: expect.stringContaining('atMs -1') as string });
  await expect(log.read({ limit: 10_001 })).rejects.toMatchObject({ code: 'invalid_config' });
  expect(await log.read({})).toEqual([]);
});

test('text that PostgreSQL cannot hold is mended', async () => {
  await log.append([configEvent(1, 'a\0b\ud800')]);
  expect((await log.read({}))[0]?.details).toMatchObject({ summary: 'a\ufffdb\ufffd' });
});

test('what is appended with a transaction is undone with it', async () => {
  await expect(database.transaction(async (client) => {
    await log.appendWith(client, [configEvent(1, 'undone')]);
    throw new Error('no');
  })).rejects.toThrow('no');
  expect(await log.read({})).toEqual([]);
});

test('a reader that follows by sequence sees every event of writers at the same time, however they overlap', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 5 }), async (writers) => {
    await database.pool.query(empty);
    let done = false;
    const seen: string[] = [];
    const follow = async (): Promise<void> => {
      for (let after = 0; ;) {
        const isLast = done;
        const found = await log.read({ afterSequence: after });
        seen.push(...found.map(({ key }) => key ?? ''));
        after = found.at(-1)?.sequence ?? after;
        if (isLast) return;
      }
    };
    const write = (name: number, pauses: readonly number[]): Promise<void> => database.transaction(async (client) => {
      for (const [step, pause] of pauses.entries()) {
        await log.appendWith(client, [configEvent(step, 'x', `${name}/${step}`)]);
        await client.query('select pg_sleep($1)', [pause / 1_000]);
      }
    });
    const following = follow();
    await Promise.all(writers.map((pauses, name) => write(name, pauses)));
    done = true;
    await following;
    expect(seen.toSorted()).toEqual(writers.flatMap((pauses, name) => pauses.map((_, step) => `${name}/${step}`)).toSorted());
  }), { numRuns: 15 });
});
