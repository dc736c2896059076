import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksumOf, writeIdOf } from '../swarm/write-id.ts';
import { compareUser, differs } from './compare.ts';
import type { StoredId } from './compare.ts';

const run = '7f3a0001';
const space = { run, users: 1_000, reach: { keys: 1_000, steps: 100 }, candidatesMax: 4_000 };
const user = 41;
const ids = (steps: readonly number[]): string[] => steps.map((step) => writeIdOf(run, user, step, 0));
const writesOf = (acknowledged: readonly string[], indeterminate: readonly string[] = []): Parameters<typeof compareUser>[1] => ({
  user, acknowledged: acknowledged.length, checksum: acknowledged.reduce((sum, id) => sum + checksumOf(id), 0), indeterminate,
});
const stored = (writeIds: readonly string[], rows = 1): StoredId[] => writeIds.map((writeId) => ({ kind: 'message', writeId, rows }));
const findings = (...args: Parameters<typeof compareUser>): string[] => compareUser(...args).map((difference) => `${difference.finding} ${difference.writeId}`);

describe('compareUser', () => {
  it('names the one row that is gone, without a list of what was sent', () => {
    const [one = '', two = '', three = ''] = ids([3, 9, 20]);
    expect(findings(42, writesOf([one, two, three]), stored([one, three]), space)).toEqual([`lost ${two}`]);
  });
  it('names two that are gone, and counts more that it cannot tell apart', () => {
    const all = ids([1, 5, 8, 13, 34]);
    expect(findings(42, writesOf(all), stored(all.slice(2)), space).sort()).toEqual([`lost ${all[0]}`, `lost ${all[1]}`].sort());
    expect(findings(42, writesOf(all), stored(all.slice(3)), space)).toEqual(['lost unknown', 'lost unknown', 'lost unknown']);
  });
  it('names the write that is gone of a user who arrived several times', () => {
    const all = [41, 41, 1_041, 2_041, 2_041].map((key, step) => writeIdOf(run, key, step, 0));
    const reach = { keys: 2_042, steps: 5 };
    for (const gone of all) expect(findings(42, writesOf(all), stored(all.filter((id) => id !== gone)), { ...space, reach })).toEqual([`lost ${gone}`]);
    // The next turn was never begun.
    expect(findings(42, writesOf(all), stored(all.slice(1)), { ...space, reach: { ...reach, keys: 41 } })).toEqual(['lost unknown']);
  });
  it('does not search for ids without end', () => {
    const [one = '', two = ''] = ids([3, 9]);
    expect(findings(42, writesOf([one, two]), stored([one]), { ...space, reach: { keys: 1e9, steps: 1e6 } })).toEqual(['lost unknown']);
  });
  it('names a doubled row beside a lost one', () => {
    const [one = '', two = ''] = ids([3, 9]);
    expect(findings(42, writesOf([one, two]), stored([one], 2), space)).toEqual([`duplicated ${one}`, `lost ${two}`]);
  });
  it('takes an indeterminate write once or not at all, but never twice', () => {
    const [one = '', doubt = ''] = ids([3, 9]);
    expect(findings(42, writesOf([one], [doubt]), stored([one]), space)).toEqual([]);
    expect(findings(42, writesOf([one], [doubt]), stored([one, doubt]), space)).toEqual([]);
    expect(findings(42, writesOf([one], [doubt]), [...stored([one]), ...stored([doubt], 2)], space)).toEqual([`duplicated ${doubt}`]);
  });
  it('does not let an indeterminate row stand in for an acknowledged one', () => {
    const [one = '', doubt = ''] = ids([3, 9]);
    expect(findings(42, writesOf([one], [doubt]), stored([doubt]), space)).toEqual([`lost ${one}`]);
  });
  it('names a row that nobody acknowledged', () => {
    const [one = '', stray = ''] = ids([3, 9]);
    expect(findings(42, writesOf([one]), stored([one, stray]), space)).toEqual([`unexpected ${stray}`]);
  });
  it('finds any single deletion and any single doubling', () => {
    const steps = fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 30 });
    fc.assert(fc.property(steps, fc.nat(), fc.nat(), (chosen, first, second) => {
      const all = ids(chosen);
      const gone = all[first % all.length] ?? '';
      const doubled = all[second % all.length] ?? '';
      expect(compareUser(42, writesOf(all), stored(all), space)).toEqual([]);
      const kept = all.filter((id) => id !== gone);
      expect(findings(42, writesOf(all), stored(kept), space)).toEqual([`lost ${gone}`]);
      const rows = stored(all).map((row) => (row.writeId === doubled ? { ...row, rows: 2 } : row));
      expect(findings(42, writesOf(all), rows, space)).toEqual([`duplicated ${doubled}`]);
    }), { numRuns: 50 });
  });
});

describe('differs', () => {
  it('is false only for equal totals, whatever was in doubt', () => {
    const all = ids([1, 2]);
    const writes = writesOf(all);
    expect(differs(writes, { count: 2, checksum: writes.checksum })).toBe(false);
    expect(differs(writes, { count: 2, checksum: writes.checksum + 1 })).toBe(true);
    expect(differs(writes, { count: 3, checksum: writes.checksum })).toBe(true);
    expect(differs(writes, undefined)).toBe(true);
    expect(differs(writesOf([], all), undefined)).toBe(false);
    expect(differs(writesOf([], all), { count: 1, checksum: checksumOf(all[0] ?? '') })).toBe(true);
    expect(differs(writesOf(all.slice(0, 1), all.slice(1)), { count: 1, checksum: checksumOf(all[1] ?? '') })).toBe(true);
  });
});
