import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../histogram.ts';
import { nameOfRequest, OperationNames } from './operation-names.ts';
import type { OperationTimes } from '../tally.ts';
import { CheckBook, sumChecks } from './checks.ts';
import { joinTags, type TagSet } from './tag-sets.ts';
import { TagTotals } from './tag-totals.ts';
import { TagBook } from './tags.ts';

describe('nameOfRequest', () => {
  it.each([
    ['/', 'GET /'],
    ['/posts/17', 'GET /posts/:id'],
    ['/posts/17/comments?cursor=9#top', 'GET /posts/:id/comments'],
    ['/u/7f9c24e8-3b12-4fef-91d0-1a2b3c4d5e6f/', 'GET /u/:id/'],
    ['/blob/deadbeef01', 'GET /blob/:id'],
    ['/s/eyJhbGciOiJIUzI1NiJ9.x', 'GET /s/:id'],
    ['/v2/payment-methods/visa', 'GET /v2/payment-methods/visa'],
    ['/how-to-write-a-long-title', 'GET /how-to-write-a-long-title'],
  ])('%s is %s', (path, name) => expect(nameOfRequest('GET', path)).toBe(name));

  it('is the same for all ids of a kind, and never long', () => {
    fc.assert(fc.property(fc.nat(), fc.uuid(), fc.webPath(), (id, uuid, path) => {
      expect(nameOfRequest('GET', `/a/${id}/b/${uuid}`)).toBe('GET /a/:id/b/:id');
      expect(nameOfRequest('DELETE', path).length).toBeLessThanOrEqual(100);
    }));
  });
});

it('operations keep their index once they have one', () => {
  const names = new OperationNames(['feed', 'like']);
  const made = names.find('made');
  expect([names.find('like').opIndex, made.opIndex, names.find('made')]).toEqual([1, 2, made]);
  for (let n = 0; n < 500; n++) names.find(`name-${n}`);
  expect(names.list).toHaveLength(2 + 100 + 1);
  expect(names.find('late').op).toBe('(other)');
  expect(names.find('made')).toBe(made);
});

const timesOf = (us: number): OperationTimes => ({ response: us, service: us, poolWait: us, lateness: us });

it('operations that thresholds name have their room whatever others come first', () => {
  const names = new OperationNames(['feed'], ['late', 'feed']);
  for (let n = 0; n < 500; n++) names.find(`name-${n}`);
  expect([names.find('late').op, names.find('later').op, names.list.length]).toEqual(['late', '(other)', 1 + 100 + 1 + 1]);
});

describe('tags', () => {
  it('keep 20 names of 100 values, and count the rest as (other)', () => {
    const book = new TagBook();
    for (let name = 0; name < 30; name++) book.operation(book.add(undefined, `n${name}`, 'v'), 0, 1, 'ok', timesOf(5));
    for (let value = 0; value < 150; value++) book.operation(book.add(undefined, 'n0', `w${value}`), 0, 1, 'failed', timesOf(5));
    const samples = book.take();
    expect(new Set(samples.map(({ name }) => name)).size).toBe(21);
    expect(samples.find(({ name }) => name === '(other)')).toMatchObject({ value: '(other)', total: 10 });
    expect(samples.filter(({ name }) => name === 'n0')).toHaveLength(101);
    expect(samples.find(({ name, value }) => name === 'n0' && value === '(other)')).toMatchObject({ total: 51, failed: 51 });
    expect(book.overflow).toBe(10 + 51);
  });

  it('take the place of an earlier value of their name', () => {
    const book = new TagBook();
    const first = book.add(book.add(undefined, 'a', '1'), 'b', '1');
    book.operation(book.add(first, 'a', '2'), 0, 0, 'refused', timesOf(5));
    expect(book.take().map(({ name, value, refused }) => [name, value, refused])).toEqual([['b', '1', 1], ['a', '2', 1]]);
  });

  it('count into the same buckets as histograms, and add up without loss', () => {
    fc.assert(fc.property(fc.array(fc.double({ min: 0, max: 4e9, noNaN: true }), { minLength: 1, maxLength: 200 }), fc.integer({ min: 1, max: 5 }), (timesUs, workers) => {
      const books = Array.from({ length: workers }, () => new TagBook());
      const whole = new Histogram();
      for (const [n, timeUs] of timesUs.entries()) {
        const book = books[n % workers]!;
        book.operation(book.add(undefined, 'a', 'b'), 0, 1, 'ok', timesOf(timeUs));
        whole.record(timeUs);
      }
      const totals = new TagTotals();
      for (const book of books) for (const sample of book.take()) totals.add(sample);
      expect(totals.list()).toHaveLength(1);
      expect(totals.list()[0]).toMatchObject({ name: 'a', value: 'b', phase: 'hold', total: timesUs.length });
      expect(totals.list()[0]!.times.response).toEqual(whole.encode());
    }), { numRuns: 30 });
  });
});

describe('tags by operation', () => {
  it('tell operations apart up to 4,000 pairs, and leave nothing out beyond', () => {
    const ops = Array.from({ length: 600 }, (_, op) => `op-${op}`);
    const book = new TagBook(ops);
    const tags = Array.from({ length: 10 }, (_, value) => book.add(undefined, 'a', `v${value}`));
    for (const each of tags) for (const op of ops.keys()) book.operation(each, op, 1, 'ok', timesOf(5));
    book.request(tags[9]!, 599, 1, true, 7, 10, 20);
    book.check(tags[9]!, 599, 1, false, 'is fine');
    const samples = book.take();
    expect(samples.reduce((sum, { total }) => sum + total, 0)).toBe(6_000);
    expect(samples.filter(({ op }) => op !== '(other)')).toHaveLength(4_000);
    expect(samples.find(({ value, op }) => value === 'v9' && op === '(other)')).toMatchObject({ total: 600, requests: 1, requestsFailed: 1, bytesSent: 10, checks: 1, checksFailed: 1 });
    expect(book.overflow).toBeGreaterThanOrEqual(2_000);
    book.operation(tags[0]!, 3, 1, 'ok', timesOf(5));
    expect(book.take().map(({ value, op, total }) => [value, op, total])).toEqual([['v0', 'op-3', 1]]);
  });
});

describe('checks', () => {
  it('are counted by name, operation and phase: 100 names, beyond them (other)', () => {
    const book = new CheckBook(['feed', 'chat']);
    for (let name = 0; name < 130; name++) book.count(`n${name}`, name % 2, 1, name % 3 !== 0);
    book.count('n1', 1, 0, true);
    const samples = book.take();
    expect(samples.reduce((sum, { total }) => sum + total, 0)).toBe(131);
    expect(samples.reduce((sum, { failed }) => sum + failed, 0)).toBe(44);
    expect(samples.filter(({ name }) => name === '(other)').reduce((sum, { total }) => sum + total, 0)).toBe(30);
    expect(samples.filter(({ name }) => name === 'n1')).toEqual([{ name: 'n1', op: 'chat', phase: 'hold', total: 1, failed: 0 }, { name: 'n1', op: 'chat', phase: 'ramp', total: 1, failed: 0 }]);
    expect([book.overflow, book.take()]).toEqual([30, []]);
  });

  it('that thresholds name have their room whatever others come first', () => {
    const book = new CheckBook(['feed'], ['paid']);
    for (let name = 0; name < 130; name++) book.count(`n${name}`, 0, 1, true);
    book.count('paid', 0, 1, false);
    expect(book.take().find(({ name }) => name === 'paid')).toMatchObject({ total: 1, failed: 1 });
    expect(book.overflow).toBe(30);
  });

  it('add up over workers', () => {
    const sample = fc.record({ name: fc.constantFrom('a', 'b'), op: fc.constantFrom('x', 'y'), phase: fc.constantFrom('ramp' as const, 'hold' as const), total: fc.nat(9), failed: fc.nat(9) });
    fc.assert(fc.property(fc.array(sample), fc.array(sample), (some, others) => {
      expect(sumChecks([...sumChecks(some), ...others])).toEqual(sumChecks([...some, ...others]));
      const all = sumChecks([...some, ...others]);
      expect(all.reduce((sum, { failed }) => sum + failed, 0)).toBe([...some, ...others].reduce((sum, { failed }) => sum + failed, 0));
    }));
  });
});

describe('tags that are measured together', () => {
  const set: TagSet = { tags: { plan: 'pro', size: 'big' } };

  it('count what happens while a journey has set them all, beside each by itself', () => {
    const book = new TagBook(['feed'], [set, { tags: { plan: 'pro' }, check: 'is fine' }]);
    const pro = book.add(undefined, 'plan', 'pro');
    const proBig = book.add(pro, 'size', 'big');
    const freeBig = book.add(proBig, 'plan', 'free');
    for (const tags of [pro, proBig, freeBig]) {
      book.operation(tags, 0, 1, 'ok', timesOf(5));
      book.request(tags, 0, 1, false, 5, 1, 1);
      book.check(tags, 0, 1, true, 'is fine');
      book.check(tags, 0, 1, false, 'is quick');
    }
    const found = book.take().map(({ name, value, total, requests, checks, checksFailed }) => [`${name}: ${value}`, [total, requests, checks, checksFailed]]);
    expect(Object.fromEntries(found)).toEqual({
      'plan: free': [1, 1, 2, 1],
      'plan: pro': [2, 2, 4, 2],
      'size: big': [2, 2, 4, 2],
      'plan & size: pro & big': [1, 1, 2, 1],
      'plan & (check): pro & is fine': [0, 0, 2, 0],
    });
  });

  it('have room however many others there are', () => {
    const book = new TagBook([], [set]);
    for (let name = 0; name < 30; name++) book.add(undefined, `n${name}`, 'v');
    for (let value = 0; value < 150; value++) book.add(undefined, 'size', `w${value}`);
    book.operation(book.add(book.add(undefined, 'size', 'big'), 'plan', 'pro'), -1, 1, 'ok', timesOf(5));
    expect(book.take().find(({ name }) => name === 'plan & size')).toMatchObject({ value: 'pro & big', total: 1 });
  });

  it('have room one by one too, and are then measured once', () => {
    const book = new TagBook([], [{ tags: { plan: 'pro' } }]);
    for (let value = 0; value < 150; value++) book.add(undefined, 'plan', `w${value}`);
    book.operation(book.add(undefined, 'plan', 'pro'), -1, 1, 'ok', timesOf(5));
    expect(book.take().map(({ name, value, total }) => [name, value, total])).toEqual([['plan', 'pro', 1]]);
  });

  it('are told apart by operation, also beyond 4,000 pairs', () => {
    const ops = Array.from({ length: 50 }, (_, op) => `op-${op}`);
    const book = new TagBook(ops, [{ tags: { shop: 's99' } }, { tags: { shop: 's99', plan: 'pro' } }]);
    for (let value = 0; value < 100; value++) for (const op of ops.keys()) book.operation(book.add(undefined, 'shop', `s${value}`), op, 1, 'ok', timesOf(5));
    book.operation(book.add(book.add(undefined, 'shop', 's99'), 'plan', 'pro'), 49, 1, 'ok', timesOf(5));
    const samples = book.take().filter(({ value }) => value === 's99' || value === 'pro & s99');
    expect(samples).toHaveLength(51);
    expect(samples.filter(({ op }) => op === '(other)')).toEqual([]);
  });

  it('are never taken for others, and are the same in any order', () => {
    const tags = fc.dictionary(fc.stringMatching(/^[\w.-]{1,4}$/), fc.string({ unit: fc.constantFrom('&', ' ', 'a'), minLength: 1, maxLength: 6 }), { minKeys: 1, maxKeys: 3 });
    const sets = fc.record({ tags, check: fc.string({ unit: fc.constantFrom('&', ' ', 'a') }) }, { requiredKeys: ['tags'] });
    fc.assert(fc.property(sets, sets, (one, other) => {
      const key = (of: TagSet): string => JSON.stringify([Object.entries(of.tags).toSorted(([a], [b]) => (a < b ? -1 : 1)), of.check]);
      expect(JSON.stringify(joinTags(one)) === JSON.stringify(joinTags(other))).toBe(key(one) === key(other));
      expect(joinTags({ ...one, tags: Object.fromEntries(Object.entries(one.tags).toReversed()) })).toEqual(joinTags(one));
    }));
  });
});

it('tags and checks hold no secret that a journey put into them', () => {
  const secret = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghijklmnop';
  const [book, checks] = [new TagBook(['feed']), new CheckBook(['feed'])];
  book.operation(book.add(undefined, 'token', secret), 0, 1, 'ok', timesOf(5));
  checks.count(`answered Bearer ${secret}`, 0, 1, false);
  expect(JSON.stringify([book.take(), checks.take()])).not.toContain('eyJhbGci');
});
