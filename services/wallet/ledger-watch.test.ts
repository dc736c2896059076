import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import { createLedgerWatch } from './ledger-watch.ts';

let test: TestDatabase;
beforeEach(async () => {
  test = await createTestDatabase();
});
afterEach(() => test[Symbol.asyncDispose]());

const run = (text: string): Promise<object[]> => test.db.query({ name: text.slice(0, 60), text });
const credit = "select wallet_credit(array[gen_random_uuid()], array[1::bigint], array[100::bigint], array['purchase'])";

describe('the ledger watch', () => {
  it('finds tokens that came from nowhere by the sum, and a lost entry by the audit', async () => {
    const metrics = new Registry();
    const watch = createLedgerWatch({ host: createTestHost(), db: test.db, log: pino({ level: 'silent' }), metrics });
    const figures = async (): Promise<string[]> => {
      await watch.sumOnce();
      await watch.auditOnce();
      return (await metrics.metrics()).split('\n').filter((line) => line.startsWith('ledger_'));
    };
    await run(credit);
    expect(await figures()).toEqual(['ledger_imbalance_tokens 0', 'ledger_audit_findings 0']);
    await run('update wallet_accounts set balance = balance + 7 where id = 1');
    expect(await figures()).toEqual(['ledger_imbalance_tokens 7', 'ledger_audit_findings 1']);
    await run('update wallet_accounts set balance = balance - 7 where id = 1');
    await run('delete from wallet_entries where account_id = 1');
    const [sum, audit] = await figures();
    expect(sum).toBe('ledger_imbalance_tokens 0');
    expect(Number(audit?.split(' ')[1])).toBeGreaterThan(0);
  });

  it('sums every 5 s, and stops', async () => {
    const host = createTestHost();
    let reads = 0;
    const db = { ...test.db, query: () => Promise.resolve([{ imbalance: ++reads }]) as Promise<never[]> };
    const watch = createLedgerWatch({ host, db, log: pino({ level: 'silent' }), metrics: new Registry() });
    watch.start();
    await host.advance(11_000);
    expect(reads).toBe(3);
    await watch.stop();
    await host.advance(60_000);
    expect(reads).toBe(3);
  });
});
