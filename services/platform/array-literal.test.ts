import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../tests/database.ts';
import { arrayLiteral, writeArrays } from './array-literal.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
beforeAll(async () => {
  database = await createTestDatabase({ migrate: false });
});
afterAll(() => database[Symbol.asyncDispose]());

const read = { name: 'array_literal_read', text: 'select $1::text[] as texts, $2::bigint[] as numbers, $3::boolean[] as flags' };

describe('arrayLiteral', () => {
  it('arrives in PostgreSQL as it was', async () => {
    // PostgreSQL's text holds any character but NUL, and no lone surrogates.
    const text = fc.string({ unit: fc.constantFrom('a', '"', '\\', ',', '{', '}', ' ', '\n', 'ż', '🎉', 'NULL', "'"), maxLength: 8 });
    const some = <T>(item: fc.Arbitrary<T>) => fc.array(fc.option(item), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(some(text), some(fc.maxSafeInteger()), some(fc.boolean()), async (texts, numbers, flags) => {
        expect(arrayLiteral(texts)).toBeTypeOf('string');
        const [row] = await database.db.query(read, writeArrays([texts, numbers, flags]));
        expect(row).toEqual({ texts, numbers, flags });
      }),
      { numRuns: 100 },
    );
  });

  it('leaves to pg what it does not know, and other values alone', () => {
    const dates = [new Date(0)];
    expect(arrayLiteral(dates)).toBeUndefined();
    expect(arrayLiteral([[1]])).toBeUndefined();
    expect(writeArrays([5, 'x', null, dates, [1, 2]])).toEqual([5, 'x', null, dates, '{1,2}']);
  });
});
