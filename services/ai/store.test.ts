import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import { createAiStore, type AiStore, type NewAiMessage, type StoredAiMessage } from './store.ts';
import { createBatchedAiStore } from './store-batched.ts';

let test_: TestDatabase;
let plain: AiStore;
let batched: AiStore;

beforeAll(async () => {
  test_ = await createTestDatabase();
  plain = createAiStore(test_.db);
  batched = createBatchedAiStore(createNodeHost(), test_.db);
});
afterAll(() => test_[Symbol.asyncDispose]());

const message = (change: Partial<NewAiMessage> = {}): NewAiMessage => ({
  userId: 1, companionId: 1, writeId: randomUUID(), prompt: 'hi', reply: 'hello', model: 'companion-small', promptTokens: 3, completionTokens: 5, ...change,
});

test('a repeated write keeps the first reply and counts once', async () => {
  const first = message({ userId: 11 });
  const saved = await batched.save(first);
  const again = await Promise.all([batched.save({ ...first, reply: 'other' }), batched.save({ ...first, reply: 'third' })]);
  expect(again).toEqual([saved, saved]);
  expect(await batched.lookUp(11, first.writeId)).toEqual({ stored: saved, usedToday: 8 });
  expect(await batched.lookUp(11, randomUUID())).toEqual({ stored: undefined, usedToday: 8 });
});

test('batched and plain stores leave the same messages and usage', async () => {
  let base = 1_000;
  const steps = fc.array(fc.record({
    user: fc.integer({ min: 0, max: 3 }),
    write: fc.integer({ min: 0, max: 5 }),
    model: fc.constantFrom('companion-small', 'companion-large'),
    promptTokens: fc.nat(1_000),
    completionTokens: fc.nat(1_000),
    reply: fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', '')),
  }), { minLength: 1, maxLength: 12 });
  await fc.assert(fc.asyncProperty(steps, async (list) => {
    const offset = (base += 20);
    const ids = Array.from({ length: 6 }, () => randomUUID());
    const make = (start: number): NewAiMessage[] => list.map(({ user, write, ...rest }) => message({ ...rest, userId: start + user, writeId: ids[write] as string }));
    const slow = [];
    for (const item of make(offset)) slow.push(await plain.save(item));
    const fast = await Promise.all(make(offset + 10).map((item) => batched.save(item)));
    const withoutId = (one: StoredAiMessage): object => ({ ...one, id: 0 });
    expect(fast.map(withoutId)).toEqual(slow.map(withoutId));
    for (let user = 0; user < 4; user++) {
      expect(await plain.usage(offset + 10 + user)).toEqual(await plain.usage(offset + user));
      const one = await batched.lookUp(offset + 10 + user, ids[0] as string);
      const other = await plain.lookUp(offset + user, ids[0] as string);
      expect({ ...one, stored: one.stored?.reply }).toEqual({ ...other, stored: other.stored?.reply });
    }
  }), { numRuns: 25 });
});
