/** What the outbox keeps, and the names under which it keeps it. */
import { createHash } from 'node:crypto';
import type { IntegrationKind, Notification } from '../notification.ts';
import { severities } from '../alert.ts';
import type { Severity } from '../alert.ts';
import type { ChangeItem } from '../notifiers/outcome.ts';

export type OutboxItem = { readonly type: 'notification'; readonly notification: Notification } | { readonly type: 'change'; readonly change: ChangeItem };

/** Of an item that somebody has leased and is about to send. */
export interface LeasedItem {
  readonly sequence: number;
  readonly lane: string;
  readonly target: string;
  readonly groupId: string;
  readonly episode: string;
  readonly item: OutboxItem;
  /** With the one that begins now. */
  readonly attempts: number;
  readonly giveUpAtMs: number;
}

/** How long an item is tried before it is a dead letter: as long as somebody may still act on it. */
export const giveUpAfterMs: Readonly<Record<Severity, number>> = { critical: 3_600_000, high: 4 * 3_600_000, medium: 8 * 3_600_000, low: 24 * 3_600_000 };
/** An end is tried longer, as nothing repeats it and an incident would stay open for ever; but not before what fires again behind it. */
export const resolveGiveUpAfterMs = 24 * 3_600_000;

/** Bounds of the outbox. */
export interface OutboxLimits {
  /** Waiting items beyond which the oldest of the lowest severity are dropped, critical ones not yet. */
  readonly waitingMax: number;
  /** Waiting items beyond which critical ones are dropped too, the oldest first: some 500 MB with 10 kB each. */
  readonly criticalMax: number;
  /** How long a settled item is kept, so that its id is not taken twice. */
  readonly settledKeptMs: number;
  /** Settled items kept at most. */
  readonly settledMax: number;
}

export const outboxLimits: OutboxLimits = { waitingMax: 10_000, criticalMax: 50_000, settledKeptMs: 7 * 86_400_000, settledMax: 50_000 };

/** Of text of any length and content, for keys of an index: 32 hexadecimal digits of SHA-256. */
export function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

export function integrationName(integration: { readonly kind: IntegrationKind; readonly index: number }): string {
  return `${integration.kind}[${integration.index}]`;
}

/** Receiver and integration, as they stand in events: `oncall/slack[0]`. */
export function targetOf(receiver: string, integration: { readonly kind: IntegrationKind; readonly index: number }): string {
  return `${receiver}/${integrationName(integration)}`;
}

/** Group and integration: items of a lane go in order. */
export function laneOf(notification: Notification): string {
  return digest(notification.groupKey, targetOf(notification.receiver, notification.integration));
}

export const groupIdOf = (groupKey: string): string => digest(groupKey);

/** A word beside the fire itself, such as that a silence ends: it opens no episode, and no other message answers it. */
export const isNotice = ({ reason }: Notification): boolean => reason === 'silence-expiry';

export const severityRank = (severity: Severity): number => severities.indexOf(severity);

/** Id, destination and weight of an item of either type. */
export function identify(item: OutboxItem): { readonly id: string; readonly receiver: string; readonly integration: { readonly kind: IntegrationKind; readonly index: number }; readonly severity: Severity } {
  if (item.type === 'change') return { id: item.change.id, receiver: item.change.receiver, integration: item.change.integration, severity: 'low' };
  const { id, receiver, integration, severity } = item.notification;
  return { id, receiver, integration, severity };
}

/** As JSON that PostgreSQL takes: it has no words for NaN and infinities, nor for the character 0 and half characters. */
export function encodeItem(item: OutboxItem): string {
  return JSON.stringify(item, (_key, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value)) return { figure: String(value) };
    return typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\ufffd') : value;
  });
}

/** The item of `encodeItem`, as the driver has parsed it. */
export function decodeItem(stored: OutboxItem): OutboxItem {
  if (stored.type === 'change') return stored;
  const alerts = stored.notification.alerts.map((alert) => ({ ...alert, value: figureOf(alert.value) }));
  return { ...stored, notification: { ...stored.notification, alerts } };
}

function figureOf(value: number | { readonly figure: string }): number {
  return typeof value === 'number' ? value : Number(value.figure);
}
