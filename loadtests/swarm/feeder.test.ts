import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { type Fed, feeder, type Feeder, feederLimits, type FeedOrder, loadFeeders } from './feeder.ts';
import { partitionOf, shareOf, userAt } from './partition.ts';

const host = createNodeHost();
const folder = mkdtempSync(join(tmpdir(), 'feeder-'));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return name;
};
const user = (index: number, more: Partial<Fed> = {}): Fed => ({ index, key: index, users: 4, seed: 1, openly: false, ...more });
const rows = (count: number): string => JSON.stringify(Array.from({ length: count }, (_, n) => n));
const load = (): Promise<void> => loadFeeders(host.files, folder);
const numbers = async (count: number, order?: FeedOrder): Promise<Feeder<number>> => {
  const made = feeder.json<number>(write(`n${count}.json`, rows(count)), order === undefined ? {} : { order });
  await load();
  return made;
};

describe('files', () => {
  it('are read as CSV by the names of its first line, with quotes and a byte order mark', async () => {
    const people = feeder.csv<{ name: string; city: string }>(write('people.csv', '\uFEFFname,city\nAnn,"Rome, Italy"\n\nBo,"the ""north"""\n'));
    await load();
    expect([people.next(user(0)), people.next(user(1))]).toEqual([{ name: 'Ann', city: 'Rome, Italy' }, { name: 'Bo', city: 'the "north"' }]);
  });

  it.each<[string, () => void, string]>([
    ['missing', () => feeder.csv('nowhere.csv'), 'nowhere.csv does not exist'],
    ['empty', () => feeder.csv(write('empty.csv', 'name,city\n')), 'empty.csv has no rows'],
    ['uneven', () => feeder.csv(write('uneven.csv', 'name,city\nAnn\n')), 'uneven.csv cannot be read'],
    ['ambiguous', () => feeder.csv(write('twice.csv', 'name,city,name\nAnn,Rome,Bo\n')), 'twice.csv cannot be read: its first line names column "name" twice'],
    ['no JSON', () => feeder.json(write('bad.json', '[1,')), 'bad.json cannot be read'],
    ['no array', () => feeder.json(write('object.json', '{"a":1}')), 'object.json holds no array'],
    ['too long', () => feeder.json(write('long.json', `[${'0,'.repeat(feederLimits.rows)}0]`)), `has ${feederLimits.rows + 1} rows; the limit is ${feederLimits.rows}`],
    ['too large', () => feeder.json(write('large.json', ' '.repeat(feederLimits.fileBytes + 1))), `the limit is ${feederLimits.fileBytes}`],
  ])('that are %s are refused by name', async (_name, make, message) => {
    make();
    await expect(load()).rejects.toThrow(message);
    await expect(load()).resolves.toBeUndefined();
  });

  it('must have been read', async () => {
    const early = feeder.json(write('early.json', '[1]'));
    expect(() => early.next(user(0))).toThrow('used before its scenario was loaded');
    await load();
    expect(early.next(user(0))).toBe(1);
  });
});

describe('orders', () => {
  it('circular goes on from a user’s own row, around and around', async () => {
    const made = await numbers(3);
    expect(Array.from({ length: 5 }, () => made.next(user(1)))).toEqual([1, 2, 0, 1, 2]);
    expect(made.next(user(2))).toBe(2);
  });

  it('shuffled gives every row before it repeats one, in an order of the seed', async () => {
    const order = async (seed: number): Promise<number[]> => {
      const made = await numbers(50, 'shuffled');
      return Array.from({ length: 50 }, () => made.next(user(0, { seed })));
    };
    expect(new Set(await order(1)).size).toBe(50);
    expect(await order(1)).toEqual(await order(1));
    expect(await order(1)).not.toEqual(await order(2));
    expect(await order(1)).not.toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it('once never gives a row twice, and says which file has how many when it runs out', async () => {
    const made = await numbers(10, 'once');
    const taken = [0, 1, 2, 3].flatMap((index) => [made.next(user(index)), made.next(user(index))]);
    expect(new Set(taken).size).toBe(8);
    expect([made.next(user(0)), made.next(user(1))]).toEqual([8, 9]);
    expect(() => made.next(user(2))).toThrow('feeder n10.json has 10 rows for one use each, and user 2 asked for row 11');
  });

  it('gives arrivals rows by their number, whichever user takes them', async () => {
    const made = await numbers(10, 'once');
    expect([7, 3, 5].map((key) => made.next(user(0, { key, openly: true })))).toEqual([7, 3, 5]);
    expect(() => made.next(user(0, { key: 5, openly: true }))).toThrow('gives each arrival one row');
    expect(() => made.next(user(1, { key: 10, openly: true }))).toThrow('arrival 10 asked for row 11');
  });

  it('is the same for any number of workers, and once never overlaps between them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 64 }), fc.constantFrom<FeedOrder>('circular', 'shuffled', 'once'), (users, workers, order) => {
        const rowsOf = (count: number): number[][] => {
          const drawn: number[][] = [];
          for (let index = 0; index < count; index++) {
            const made = feeder.generated((n) => n, { count: 200, order });
            const partition = partitionOf(index, count);
            for (let place = 0; place < shareOf(partition, users); place++) {
              const index = userAt(partition, place);
              drawn[index] = Array.from({ length: 5 }, () => made.next(user(index, { users })));
            }
          }
          return drawn;
        };
        const one = rowsOf(1);
        expect(rowsOf(workers)).toEqual(one);
        if (order === 'once') expect(new Set(one.flat()).size).toBe(users * 5);
      }),
      { numRuns: 40 },
    );
  });
});

describe('generated rows', () => {
  it('come without end and without repetition unless counted', () => {
    const made = feeder.generated((n) => `user-${n}@example.com`);
    expect([made.next(user(1)), made.next(user(1)), made.next(user(3))]).toEqual(['user-1@example.com', 'user-5@example.com', 'user-3@example.com']);
    expect(() => feeder.generated(String, { count: 0 })).toThrow('of 0 rows');
  });
});
