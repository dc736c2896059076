import type { Registry } from 'prom-client';
import { counter, metricNames } from '../../ops/telemetry/metrics.ts';
import { transferKinds, type TransferKind } from './rules.ts';

/** Every value of the label `reason`. */
const failureReasons = ['insufficient', 'unknown_recipient', 'self_transfer', 'conflict', 'error'] as const;
export type FailureReason = (typeof failureReasons)[number];

export interface WalletMetrics {
  failed(kind: TransferKind, reason: FailureReason): void;
  earned(kind: TransferKind, tokens: number): void;
}

/** Declares the wallet's counters; all series exist from the start, so that rates have a first value. */
export function createWalletMetrics(registry: Registry): WalletMetrics {
  const failures = counter(registry, metricNames.walletFailures);
  const revenue = counter(registry, metricNames.creatorRevenue);
  for (const kind of transferKinds) {
    revenue.inc({ kind }, 0);
    for (const reason of failureReasons) failures.inc({ kind, reason }, 0);
  }
  return {
    failed: (kind, reason) => failures.inc({ kind, reason }),
    earned: (kind, tokens) => revenue.inc({ kind }, tokens),
  };
}
