/** The life of silences: their end is announced to those who would otherwise be surprised by it. */
import type { NewEvent } from '../../core/event-log/event.ts';
import type { IntegrationKind, Notification } from '../notification.ts';
import type { Integration } from './integration.ts';
import { formatMatcher, matchesAll } from './matcher.ts';
import { buildNotification } from './message.ts';
import { isFiring, noticeBeforeMs } from './state.ts';
import type { Group, Silence } from './state.ts';

/** How long a silence is kept after its end. */
const keptMs = 5 * 86_400_000;
/** An announcement wakes nobody: it goes where people read, not where they are paged. */
const announcing: readonly IntegrationKind[] = ['slack', 'discord', 'email', 'webhook', 'log'];

export interface SilencesAdvanced {
  readonly silences: readonly Silence[];
  readonly notifications: readonly Notification[];
  readonly events: readonly NewEvent[];
  readonly wakeAtMs: number | undefined;
}

/** Announces ends, enters them in the event log, and forgets old silences. */
export function advanceSilences(silences: readonly Silence[], groups: readonly Group[], integrationsOf: (receiver: string) => readonly Integration[], nowMs: number): SilencesAdvanced {
  const notifications: Notification[] = [];
  const events: NewEvent[] = [];
  const wakes: number[] = [];
  const advanced = silences.flatMap((silence): Silence[] => {
    if (silence.endedAtMs !== undefined) return nowMs - silence.endsAtMs > keptMs ? [] : [silence];
    if (nowMs >= silence.endsAtMs) {
      events.push(silenceEvent(silence, 'expired', 'sora', silence.endsAtMs));
      return [{ ...silence, endedAtMs: silence.endsAtMs }];
    }
    const noticeAtMs = silence.endsAtMs - noticeBeforeMs(silence);
    wakes.push(silence.startsAtMs > nowMs ? silence.startsAtMs : silence.noticedAtMs === undefined && nowMs < noticeAtMs ? noticeAtMs : silence.endsAtMs);
    if (silence.noticedAtMs !== undefined || nowMs < noticeAtMs) return [silence];
    notifications.push(...announce(silence, groups, integrationsOf, nowMs));
    events.push(silenceEvent(silence, 'expiring', 'sora', nowMs));
    return [{ ...silence, noticedAtMs: nowMs }];
  });
  return { silences: advanced, notifications, events, wakeAtMs: wakes.length === 0 ? undefined : Math.min(...wakes) };
}

export function silenceEvent(silence: Silence, phase: 'created' | 'expiring' | 'expired' | 'ended', actor: string, atMs: number): NewEvent {
  return {
    atMs,
    actor,
    key: `silence/${silence.id}/${phase}`,
    details: { kind: 'silence', phase, silenceId: silence.id, comment: silence.comment, matchers: silence.matchers.map(formatMatcher), endsAtMs: silence.endsAtMs },
  };
}

/** To the author, by way of the receivers that will hear of these alerts when it ends; nothing where it holds none back. */
function announce(silence: Silence, groups: readonly Group[], integrationsOf: (receiver: string) => readonly Integration[], nowMs: number): Notification[] {
  return groups.flatMap((group) => {
    const alerts = group.alerts.filter((entry) => isFiring(entry) && matchesAll(silence.matchers, entry.alert.labels)).map(({ alert }) => alert);
    if (alerts.length === 0) return [];
    return integrationsOf(group.receiver)
      .filter(({ kind }) => announcing.includes(kind))
      .map((integration) => buildNotification(group, integration, { reason: 'silence-expiry', alerts, nth: silence.id, to: silence.author }, nowMs));
  });
}
