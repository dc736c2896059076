import { Counter, type Registry } from 'prom-client';
import { transferKinds, type TransferKind } from './rules.ts';

/** Every value of the label `reason`. */
const failureReasons = ['insufficient_tokens', 'unknown_recipient', 'self_transfer', 'key_reused', 'error'] as const;
export type FailureReason = (typeof failureReasons)[number];

export interface WalletMetrics {
  failed(reason: FailureReason): void;
  earned(kind: TransferKind, tokens: number): void;
}

/** Declares the wallet's counters; all series exist from the start, so that rates have a first value. */
export function createWalletMetrics(registry: Registry): WalletMetrics {
  const failures = counter(registry, 'wallet_failures_total', 'Transfers refused or failed, by reason', 'reason');
  for (const reason of failureReasons) failures.inc({ reason }, 0);
  const revenue = counter(registry, 'creator_revenue_tokens_total', 'Tokens that creators earned, by kind of payment', 'kind');
  for (const kind of transferKinds) revenue.inc({ kind }, 0);
  return {
    failed: (reason) => failures.inc({ reason }),
    earned: (kind, tokens) => revenue.inc({ kind }, tokens),
  };
}

/** The registry's counter of this name: chat counts its revenue in the same one. */
function counter<Label extends string>(registry: Registry, name: string, help: string, label: Label): Counter<Label> {
  const known = registry.getSingleMetric(name);
  if (known instanceof Counter) return known;
  return new Counter({ name, help, labelNames: [label], registers: [registry] });
}
