import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Roster } from './roster.ts';
import type { Listed } from './roster.ts';

interface Guest extends Listed {
  readonly name: number;
}

it('holds what a set would, whatever comes and goes', () => {
  const moves = fc.array(fc.record({ name: fc.nat(9), comes: fc.boolean() }), { maxLength: 200 });
  fc.assert(fc.property(moves, (steps) => {
    const guests: Guest[] = Array.from({ length: 10 }, (_, name) => ({ name, rosterAt: -1 }));
    const roster = new Roster<Guest>();
    const expected = new Set<number>();
    for (const { name, comes } of steps) {
      const guest = guests[name]!; // There is one for each name below 10.
      if (comes) roster.add(guest);
      else roster.delete(guest);
      if (comes) expected.add(name);
      else expected.delete(name);
      expect(roster.size).toBe(expected.size);
    }
    const names = (held: Iterable<number>): number[] => [...held].toSorted((a, b) => a - b);
    expect(names(roster.list().map((guest) => guest.name))).toEqual(names(expected));
  }));
});

it('may be changed while its list is walked, and emptied', () => {
  const roster = new Roster<Guest>();
  const guests = [0, 1, 2].map((name): Guest => ({ name, rosterAt: -1 }));
  for (const guest of guests) roster.add(guest);
  for (const guest of roster.list()) roster.delete(guest);
  expect(roster.size).toBe(0);
  for (const guest of guests) roster.add(guest);
  roster.clear();
  expect([roster.size, ...guests.map(({ rosterAt }) => rosterAt)]).toEqual([0, -1, -1, -1]);
});
