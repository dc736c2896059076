import { Gauge } from 'prom-client';
import { messageOf } from '../../ops/core/error.ts';
import type { Timer } from '../../ops/core/host.ts';
import type { Statement } from '../platform/database.ts';
import type { Platform } from '../platform/domain.ts';
import { createPlainWalletStore } from './store.ts';

export interface LedgerWatchOptions {
  /** Least pause between two sums of the balances. Default 5,000 ms. */
  readonly sumEveryMs?: number;
  /** Least pause between two audits of the whole ledger, and before the first. Default 3,600,000 ms. */
  readonly auditEveryMs?: number;
}

export interface LedgerWatch {
  start(): void;
  /** Ends the timers and waits for the check under way. */
  stop(): Promise<void>;
  /** One sum, as the timer runs it. */
  sumOnce(): Promise<void>;
  /** One audit, as the timer runs it. */
  auditOnce(): Promise<void>;
}

/** A check may take this share of the time at most: the pause after it grows with its length. */
const dutyRatio = 0.005;

/** Entries of a transfer sum to 0, so balances do; numeric, as a broken ledger may exceed a bigint. */
const sumStatement: Statement = {
  name: 'wallet_sum_balances',
  text: 'select abs(coalesce(sum(balance), 0))::float8 as imbalance from wallet_accounts',
  repeatable: true,
};

/**
 * Watches that the ledger balances. `ledger_imbalance_tokens`, the sum of all balances, notices tokens that came from
 * nowhere within seconds; `ledger_audit_findings`, from the whole audit, notices whatever else is wrong within the hour.
 */
export function createLedgerWatch(platform: Platform, options: LedgerWatchOptions = {}): LedgerWatch {
  const { host, db, log, metrics } = platform;
  const { sumEveryMs = 5_000, auditEveryMs = 3_600_000 } = options;
  const store = createPlainWalletStore(db);
  const imbalance = new Gauge({ name: 'ledger_imbalance_tokens', help: 'Tokens by which the balances of the ledger miss 0', registers: [metrics] });
  const findings = new Gauge({ name: 'ledger_audit_findings', help: 'Accounts and transfers that the last audit of the whole ledger found wrong', registers: [metrics] });
  let isStopping = false;
  const timers = new Set<Timer>();
  const underWay = new Set<Promise<void>>();

  const sumOnce = async (): Promise<void> => {
    const [row] = await db.query<{ imbalance: number }>(sumStatement);
    imbalance.set(row?.imbalance ?? 0);
  };
  const auditOnce = async (): Promise<void> => {
    const audit = await store.audit();
    findings.set(audit.mismatchCount + audit.negativeCount + audit.brokenTransferCount + (audit.debits === audit.credits ? 0 : 1));
    if (!audit.balanced) log.error({ mismatches: audit.mismatches, broken: audit.brokenTransfers, negatives: audit.negativeAccounts }, 'the ledger does not balance');
  };
  const repeat = (check: () => Promise<void>, everyMs: number, firstMs: number): void => {
    const timer = host.timers.after(firstMs, () => {
      timers.delete(timer);
      const startMs = host.clock.monotonicMs();
      // An unreachable database leaves the last value; the next check tells.
      const run = check().catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'the ledger could not be checked')).then(() => {
        underWay.delete(run);
        if (!isStopping) repeat(check, everyMs, Math.max(everyMs, (host.clock.monotonicMs() - startMs) / dutyRatio));
      });
      underWay.add(run);
    }).unref();
    timers.add(timer);
  };

  return {
    sumOnce,
    auditOnce,
    start() {
      repeat(sumOnce, sumEveryMs, 0);
      repeat(auditOnce, auditEveryMs, auditEveryMs);
    },
    async stop() {
      isStopping = true;
      for (const timer of timers) timer.cancel();
      await Promise.all(underWay);
    },
  };
}
