import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameOfRequest, OperationNames } from './operation-names.ts';

describe('names that journeys make up', () => {
  const find = (path: string): string => new OperationNames([]).find(nameOfRequest('GET', path)).op;

  it.each([
    ['/users/alice@example.com/orders', 'GET /users/:id/orders'],
    ['/u/a%40b.de', 'GET /u/:id'],
    ['/t/+491701234567', 'GET /t/:id'],
    ['/t/%2B491701234567/%E0', 'GET /t/:id/%E0'],
    ['/verify/AbCdEfGhIjKlMnOp', 'GET /verify/:id'],
    ['/x;token=hunter/y', 'GET /:id/y'],
    ['/settings/userAccountPreferences', 'GET /settings/userAccountPreferences'],
    ['/auth/token', 'GET /auth/token'],
    ['/v2/payment-methods/visa', 'GET /v2/payment-methods/visa'],
  ])('hold nothing secret: %s is %s', (path, name) => expect(find(path)).toBe(name));

  it('hold nothing secret where the journey gives them, and keep the rest', () => {
    const names = new OperationNames([]);
    expect(names.find('sign in alice@example.com / slowly').op).toBe('sign in [email] / slowly');
    expect(names.find('buy with Bearer abcdefghijklmnopqrst').op).toBe('buy with Bearer [redacted]');
    expect(names.list.join()).not.toMatch(/alice|abcdef/);
  });

  it('are one where they differ in what is secret, also beyond the bound of names, and add up', () => {
    const names = new OperationNames(['feed']);
    const first = names.find('GET /users/user@example.com');
    for (let n = 0; n < 150; n++) names.find(`name-${n}`);
    for (let n = 0; n < 1_500; n++) expect(names.find(`GET /users/user${n}@example.com`)).toBe(first);
    expect([names.list.length, names.overflow]).toEqual([1 + 100 + 1, 51]);
    for (let n = 0; n < 2; n++) expect(names.find('late for eve@example.com').op).toBe('(other)');
    expect(names.overflow).toBe(53);
  });

  it('are cut at a segment, so that no half of an address is left', () => {
    const name = nameOfRequest('GET', `/${'a'.repeat(80)}/alice.of.wonderland@example.com`);
    expect(name).toBe(`GET /${'a'.repeat(80)}/…`);
    expect(nameOfRequest('GET', `/${'alice@'.repeat(30)}`)).toBe('GET /…');
    fc.assert(fc.property(fc.webPath({ size: 'medium' }), (path) => {
      expect(nameOfRequest('DELETE', path).length).toBeLessThanOrEqual(100);
    }), { numRuns: 50 });
  });
});
