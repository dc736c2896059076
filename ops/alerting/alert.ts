/** The words that rules, routing, notifiers and incidents share. */
import type { Labels } from '../metricstore/series.ts';

/** Severities, and no others; how soon each must be acknowledged. */
export const severities = ['critical', 'high', 'medium', 'low'] as const;
export type Severity = (typeof severities)[number];

/** Where one alert of one rule stands. `resolved` ones are kept for 15 min, so that their end is told. */
export type AlertState = 'pending' | 'firing' | 'resolved';

/** One element of a rule's result and its life so far. */
export interface AlertInstance {
  /** Of the result without `__name__`, of the rule, and `alertname`. */
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly state: AlertState;
  /** Value of the expression when it last held. */
  readonly value: number;
  /** When the expression began to hold without a break. */
  readonly activeAtMs: number;
  readonly firedAtMs?: number | undefined;
  /** Set while the expression no longer holds and `keep_firing_for` keeps the alert firing. */
  readonly keepFiringSinceMs?: number | undefined;
  readonly resolvedAtMs?: number | undefined;
  /** Load run or drill under way when the alert became active, until it has been over for a while; see `rehearsalLabel`. */
  readonly rehearsalId?: string | undefined;
  /** What the rule's `impact` query gave when the alert fired; see `RoutedAlert`. */
  readonly impact?: string | undefined;
}

/** Of a rule as a whole: `no-data` where none of its selectors finds a series, `error` where its evaluation failed. */
export type RuleHealth = 'unknown' | 'ok' | 'no-data' | 'error';

/** One step of an alert's life, as the event log keeps it. */
export interface AlertTransition {
  readonly atMs: number;
  readonly group: string;
  readonly rule: string;
  /** See `fingerprintOf`. */
  readonly fingerprint: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly from: 'inactive' | 'pending' | 'firing';
  readonly to: 'pending' | 'firing' | 'resolved' | 'inactive';
  readonly value: number;
  /** When the expression began to hold: the first bad sample that was seen. */
  readonly activeAtMs: number;
}

/** What the evaluator hands to routing after every evaluation: alerts that fire or were resolved. */
export interface RoutedAlert {
  readonly fingerprint: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly status: 'firing' | 'resolved';
  readonly startsAtMs: number;
  readonly endsAtMs?: number | undefined;
  readonly value: number;
  /** What the rule's `impact` query gave when the alert fired, such as `1,234 requests`; undefined where it gave no figure. */
  readonly impact?: string | undefined;
  /** The rule's expression; its last comparison is the comparator and limit that notifications name. */
  readonly expression: string;
  /** Alert it comes from, when this is an outside Alertmanager's. */
  readonly generatorUrl?: string | undefined;
}

/** Label of alerts that a load run or drill causes; they go to the receiver `rehearsal`. */
export const rehearsalLabel = 'sora_rehearsal';

/** By label set, which nobody changes: every evaluation of every group asks for those of all alerts that fire. */
const known = new WeakMap<Labels, string>();

/** The same for equal label sets: sixteen hexadecimal digits of FNV-1a (64 bit) over the sorted labels. */
export function fingerprintOf(labels: Labels): string {
  const before = known.get(labels);
  if (before !== undefined) return before;
  const text = Object.keys(labels).sort().map((name) => `${name}\u00ff${labels[name] ?? ''}\u00ff`).join('');
  const fingerprint = hashOf(Buffer.from(text));
  known.set(labels, fingerprint);
  return fingerprint;
}

/** FNV-1a by two halves of 32 bits, as integers of 64 cost an allocation for every byte. Its prime is 2^40 + 0x1b3. */
function hashOf(bytes: Buffer): string {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (let index = 0; index < bytes.length; index++) {
    const mixed = (low ^ (bytes[index] ?? 0)) >>> 0;
    const product = mixed * 0x1b3;
    low = product >>> 0;
    high = (high * 0x1b3 + Math.floor(product / 2 ** 32) + mixed * 2 ** 8) >>> 0;
  }
  return [high, low].map((half) => half.toString(16).padStart(8, '0')).join('');
}
