import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { partitionOf, partWithin, placeOf, shareOf, userAt } from './partition.ts';

it('deals every user to exactly one share, and finds its place again', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1, max: 40 }), (users, count) => {
      const dealt: number[] = [];
      for (let index = 0; index < count; index++) {
        const partition = partitionOf(index, count);
        for (let place = 0; place < shareOf(partition, users); place++) {
          const user = userAt(partition, place);
          expect(placeOf(partition, user)).toBe(place);
          dealt.push(user);
        }
      }
      expect(dealt.toSorted((a, b) => a - b)).toEqual(Array.from({ length: users }, (_, user) => user));
    }),
  );
});

it('deals every user to exactly one worker of one share, whatever number of workers each share has', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 500 }), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }), (users, workers) => {
      const parts = workers.flatMap((count, share) =>
        Array.from({ length: count }, (_, worker) => ({ share, part: partWithin(partitionOf(share, workers.length), worker, count) })));
      const dealt = parts.flatMap(({ share, part }) =>
        Array.from({ length: shareOf(part, users) }, (_, place) => {
          const user = userAt(part, place);
          expect(placeOf(partitionOf(share, workers.length), user)).toBeDefined();
          return user;
        }));
      expect(dealt.toSorted((a, b) => a - b)).toEqual(Array.from({ length: users }, (_, user) => user));
    }),
  );
});

it('knows which users are not its own', () => {
  expect(placeOf(partitionOf(1, 3), 3)).toBeUndefined();
});

it.each([
  [2, 2],
  [-1, 2],
  [0, 0],
  [0.5, 2],
])('refuses partition %d of %d', (index, count) => {
  expect(() => partitionOf(index, count)).toThrow(`partition ${index} of ${count}`);
});
