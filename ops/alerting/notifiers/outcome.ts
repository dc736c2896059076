/** What the outbox gives a notifier, and what came of it. */
import type { Host } from '../../core/host.ts';
import type { Notification } from '../notification.ts';

/** What the first message of an episode left at its receiver, such as `{ ts, channel }` at Slack. */
export type Receipt = Readonly<Record<string, string>>;

/** The first message of the episode that reached this integration. */
export interface Thread {
  readonly firstId: string;
  readonly firstSentAtMs: number;
  readonly receipt: Receipt;
}

/** One notification and what the outbox knows about it. */
export interface Delivery {
  readonly notification: Notification;
  /** From the group's first fire to its resolve; a group that fires again later has another one. */
  readonly episode: string;
  /** Undefined for the first message of an episode. */
  readonly thread?: Thread | undefined;
}

/** A deploy for PagerDuty's timeline of changes. */
export interface ChangeItem {
  /** The same at every attempt. */
  readonly id: string;
  readonly receiver: string;
  readonly integration: { readonly kind: 'pagerduty'; readonly index: number };
  readonly summary: string;
  readonly source: string;
  readonly atMs: number;
  readonly details: Readonly<Record<string, string>>;
}

/** What came of one attempt. `error` holds no secret: see `withoutSecrets`. */
export type Outcome =
  | { readonly kind: 'sent'; readonly receipt?: Receipt | undefined; /** How long the receiver wants nothing more. */ readonly quietForMs?: number | undefined }
  /** Worth another try, after `afterMs` where the receiver named a time. */
  | { readonly kind: 'retry'; readonly error: string; readonly afterMs?: number | undefined }
  /** Refused for what it is: another try would end the same, unless somebody mends the settings. */
  | { readonly kind: 'refused'; readonly error: string };

/** What every notifier needs besides its settings. */
export interface SendContext {
  readonly host: Host;
  /** Comparator and limit of a rule's expression; undefined where it has none. */
  readonly limitOf: (expression: string) => Limit | undefined;
  /** What stands before a runbook's path, such as `https://git.example/sora/blob/main`; without it the path is shown as it is. */
  readonly runbookBaseUrl?: string | undefined;
  /** Where the integration `log` writes: the control plane's own log. */
  readonly writeLog: (fields: Readonly<Record<string, unknown>>, text: string) => void;
}

/** The comparison that an alert's value meets. */
export interface Limit {
  readonly comparator: '>' | '<' | '>=' | '<=' | '==' | '!=';
  /** A number, or PromQL where the limit is computed. */
  readonly limit: string;
}
