/** Events of the log that tell a notification's way. */
import type { NewEvent } from '../../core/event-log/event.ts';
import { identify, integrationName } from './item.ts';
import type { OutboxItem } from './item.ts';

export type NotificationPhase = 'queued' | 'sent' | 'failed' | 'dead';

const textMax = 4_000;
const wordMax = 200;

/** @param error without secrets; cut to what an event holds */
export function notificationEvent(item: OutboxItem, phase: NotificationPhase, atMs: number, error?: string, keySuffix = ''): NewEvent {
  const { id, receiver, integration } = identify(item);
  const isChange = item.type === 'change';
  return {
    atMs,
    actor: 'sora',
    key: `notification:${id}:${phase}${keySuffix}`,
    details: {
      kind: 'notification',
      phase,
      notificationId: id.slice(0, wordMax),
      groupKey: isChange ? '' : item.notification.groupKey.slice(0, textMax),
      receiver: receiver.slice(0, wordMax),
      integration: integrationName(integration),
      reason: isChange ? 'change' : item.notification.reason,
      fingerprints: isChange ? [] : item.notification.alerts.map((alert) => alert.fingerprint),
      ...(error === undefined ? {} : { error: error.slice(0, textMax) }),
    },
  };
}
