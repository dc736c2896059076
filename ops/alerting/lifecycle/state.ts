/** What the lifecycle of a rule's alerts starts from and ends in. All of it can be written as JSON and read back. */
import type { AlertInstance, AlertTransition, RuleHealth } from '../alert.ts';
import type { Labels } from '../../metricstore/series.ts';

/** What the lifecycle needs to know of an alerting rule. */
export interface LifecycleRule {
  readonly group: string;
  readonly name: string;
  /** Of the rule file, group's and rule's, templates not expanded. */
  readonly labels: Labels;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** Alerts that may be active at once; 0 for any number. */
  readonly limit: number;
  /** Samples are written that long before the evaluation. */
  readonly queryOffsetMs: number;
}

/** One element of a rule's result, after its templates. */
export interface AlertElement {
  /** Of the result without `__name__`, of the rule, and `alertname`. */
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly value: number;
}

export type Evaluation =
  | { readonly kind: 'elements'; readonly elements: readonly AlertElement[]; /** Whether any selector found a series. */ readonly hasSeries: boolean }
  | { readonly kind: 'error'; readonly message: string };

/** Where a rule stands. */
export interface RuleState {
  /** In order of their fingerprints. */
  readonly alerts: readonly AlertInstance[];
  readonly health: RuleHealth;
  /** Of the last evaluation, where it failed. */
  readonly error?: string | undefined;
  /** Series that the last evaluation that succeeded wrote; those that the next does not write get a staleness marker. */
  readonly series: readonly Labels[];
  readonly evaluatedAtMs?: number | undefined;
}

export const emptyState: RuleState = { alerts: [], health: 'unknown', series: [] };

/** A sample that a rule writes to the store; with `isStale` a staleness marker whose value means nothing. */
export interface RuleSample {
  readonly labels: Labels;
  readonly atMs: number;
  readonly value: number;
  readonly isStale?: boolean;
}

export interface Advance {
  readonly state: RuleState;
  readonly transitions: readonly AlertTransition[];
  readonly samples: readonly RuleSample[];
}
