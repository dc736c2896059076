import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../../tests/database.ts';
import { createLedgerDatabase } from './fixture.ts';
import { paymentKinds, splitRevenue, type PaymentKind } from './rules.ts';
import { createPlainWalletStore } from './store.ts';

interface Payment {
  readonly key: string;
  readonly payer: number;
  readonly payee: number;
  readonly amount: number;
  readonly kind: PaymentKind;
}

let test: TestDatabase;
let nextUser = 1;

beforeAll(async () => {
  test = await createLedgerDatabase(1);
});
afterAll(() => test[Symbol.asyncDispose]());

/** A block of users no other test touches. */
function takeUsers(count: number): number[] {
  const first = nextUser;
  nextUser += count;
  return Array.from({ length: count }, (_, index) => first + index);
}

async function charge(payments: readonly Payment[]): Promise<string[]> {
  const rows = await test.db.query<{ ord: number; outcome: string }>(
    { name: 'test_charge', text: 'select ord, outcome from wallet_charge($1, $2, $3, $4, $5)' },
    [payments.map((p) => p.key), payments.map((p) => p.payer), payments.map((p) => p.payee), payments.map((p) => p.amount), payments.map((p) => p.kind)],
  );
  expect(rows.map((row) => row.ord)).toEqual(payments.map((_, index) => index + 1));
  return rows.map((row) => row.outcome);
}

async function credit(credits: readonly { key: string; user: number; amount: number }[]): Promise<string[]> {
  const rows = await test.db.query<{ outcome: string }>(
    { name: 'test_credit', text: 'select outcome from wallet_credit($1, $2, $3, $4)' },
    [credits.map((c) => c.key), credits.map((c) => c.user), credits.map((c) => c.amount), credits.map(() => 'purchase')],
  );
  return rows.map((row) => row.outcome);
}

async function balances(users: readonly number[]): Promise<number[]> {
  const store = createPlainWalletStore(test.db);
  return Promise.all(users.map((user) => store.balance(user)));
}

const fund = (users: readonly number[], amount: number): Promise<string[]> =>
  credit(users.map((user) => ({ key: randomUUID(), user, amount })));

/** The ledger as a few lines: what the SQL must do, item after item. */
function settle(start: ReadonlyMap<number, number>, payments: readonly Payment[]): { outcomes: string[]; balances: Map<number, number> } {
  const held = new Map(start);
  const settled = new Map<string, Payment>();
  const outcomes = payments.map((payment) => {
    const before = settled.get(`${payment.payer}:${payment.key}`);
    if (before !== undefined) {
      const same = before.payee === payment.payee && before.amount === payment.amount && before.kind === payment.kind;
      return same ? 'replayed' : 'conflict';
    }
    if ((held.get(payment.payer) ?? 0) < payment.amount) return 'insufficient';
    settled.set(`${payment.payer}:${payment.key}`, payment);
    held.set(payment.payer, (held.get(payment.payer) ?? 0) - payment.amount);
    held.set(payment.payee, (held.get(payment.payee) ?? 0) + splitRevenue(payment.kind, payment.amount).creator);
    return 'ok';
  });
  return { outcomes, balances: held };
}

describe('wallet_charge', () => {
  it('settles in array order: income of an earlier item can be spent, a refused one takes nothing', async () => {
    const [a = 0, b = 0, c = 0] = takeUsers(3);
    await fund([a], 100);
    const outcomes = await charge([
      { key: randomUUID(), payer: a, payee: b, amount: 80, kind: 'chat' },
      { key: randomUUID(), payer: a, payee: b, amount: 50, kind: 'tip' },
      { key: randomUUID(), payer: a, payee: c, amount: 20, kind: 'gift' },
      { key: randomUUID(), payer: b, payee: c, amount: 52, kind: 'live' },
      { key: randomUUID(), payer: b, payee: c, amount: 1, kind: 'live' },
    ]);
    expect(outcomes).toEqual(['ok', 'insufficient', 'ok', 'ok', 'insufficient']);
    expect(await balances([a, b, c])).toEqual([0, 0, 16 + 37]);
  });

  it('answers a key once more as replayed, other parameters as conflict, within and across calls', async () => {
    const [a = 0, b = 0, c = 0] = takeUsers(3);
    await fund([a, c], 100);
    const first: Payment = { key: randomUUID(), payer: a, payee: b, amount: 10, kind: 'tip' };
    expect(await charge([first, first, { ...first, amount: 11 }])).toEqual(['ok', 'replayed', 'conflict']);
    const repeats = [first, { ...first, kind: 'gift' as const }, { ...first, payee: c }, { ...first, payer: c }];
    // The key is the payer's: another payer may use the same one.
    expect(await charge(repeats)).toEqual(['replayed', 'conflict', 'conflict', 'ok']);
    expect(await balances([a, b, c])).toEqual([90, 16, 90]);
  });

  it('lets a refused key be tried again', async () => {
    const [a = 0, b = 0] = takeUsers(2);
    const payment: Payment = { key: randomUUID(), payer: a, payee: b, amount: 10, kind: 'tip' };
    expect(await charge([payment, payment])).toEqual(['insufficient', 'insufficient']);
    await fund([a], 10);
    expect(await charge([payment, payment])).toEqual(['ok', 'replayed']);
  });

  it.each<[string, Partial<Payment>]>([
    ['zero tokens', { amount: 0 }],
    ['negative tokens', { amount: -5 }],
    ['a payment to oneself', { payee: 1 }],
    ['a system account as payee', { payee: 9_000_000_000_000_000 }],
    ['a system account as payer', { payer: 9_000_000_000_000_001 }],
    ['an unknown kind', { kind: 'bribe' as PaymentKind }],
  ])('refuses %s', async (_, bad) => {
    await expect(charge([{ key: randomUUID(), payer: 1, payee: 2, amount: 5, kind: 'tip', ...bad }])).rejects.toThrow('each payment needs');
  });

  it('agrees with item-by-item settlement on any batch, and keeps the ledger balanced', async () => {
    const size = 5;
    const keys = Array.from({ length: 12 }, () => randomUUID());
    const payment = fc.record({
      key: fc.nat(keys.length - 1), payer: fc.nat(size - 1), step: fc.integer({ min: 1, max: size - 1 }),
      amount: fc.integer({ min: 1, max: 60 }), kind: fc.constantFrom(...paymentKinds),
    });
    await fc.assert(fc.asyncProperty(fc.array(payment, { minLength: 1, maxLength: 40 }), fc.array(fc.integer({ min: 1, max: 100 }), { minLength: size, maxLength: size }), async (drawn, funds) => {
      const users = takeUsers(size);
      await credit(users.map((user, index) => ({ key: randomUUID(), user, amount: funds[index] ?? 1 })));
      const payments = drawn.map((d) => ({
        key: keys[d.key] ?? '', payer: users[d.payer] ?? 0, payee: users[(d.payer + d.step) % size] ?? 0, amount: d.amount, kind: d.kind,
      }));
      const expected = settle(new Map(users.map((user, index) => [user, funds[index] ?? 1])), payments);
      expect(await charge(payments)).toEqual(expected.outcomes);
      expect(await balances(users)).toEqual(users.map((user) => expected.balances.get(user)));
    }), { numRuns: 60 });
    expect(await createPlainWalletStore(test.db).audit()).toMatchObject({ balanced: true, mismatchCount: 0, negativeCount: 0 });
  });
});

describe('wallet_credit', () => {
  it('credits once for a key of a user', async () => {
    const [a = 0, b = 0] = takeUsers(2);
    const key = randomUUID();
    const once = { key, user: a, amount: 30 };
    expect(await credit([once, once, { ...once, amount: 31 }, { ...once, user: b }])).toEqual(['ok', 'replayed', 'conflict', 'ok']);
    expect(await credit([once, { ...once, amount: 1 }])).toEqual(['replayed', 'conflict']);
    expect(await balances([a, b])).toEqual([30, 30]);
  });
});

describe('the split in SQL', () => {
  it('is the split in TypeScript', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom(...paymentKinds), fc.integer({ min: 1, max: 1_000_000_000_000 })), { minLength: 1, maxLength: 50 }), async (pairs) => {
      const rows = await test.db.query<{ share: number }>(
        { name: 'test_split', text: 'select i.amount * wallet_platform_percent(i.kind) / 100 as share from unnest($1::text[], $2::bigint[]) with ordinality i(kind, amount, ord) order by ord' },
        [pairs.map(([kind]) => kind), pairs.map(([, amount]) => amount)],
      );
      expect(rows.map((row) => row.share)).toEqual(pairs.map(([kind, amount]) => splitRevenue(kind, amount).platform));
    }), { numRuns: 20 });
  });
});

describe('the database itself', () => {
  it('refuses entries that do not sum to zero', async () => {
    const insert = test.db.query({ name: 'test_bad_entries', text: 'insert into wallet_entries values (1, 999999, 5), (2, 999999, -4)' });
    await expect(insert).rejects.toThrow('do not sum to 0');
  });

  it('refuses a negative balance', async () => {
    const [a = 0] = takeUsers(1);
    const insert = test.db.query({ name: 'test_negative', text: 'insert into wallet_accounts values ($1, -1)' }, [a]);
    await expect(insert).rejects.toThrow('wallet_accounts_balance_check');
  });
});
