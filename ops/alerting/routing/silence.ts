/** The life of silences: their end is announced to those who would otherwise be surprised by it. */
import type { NewEvent } from '../../core/event-log/event.ts';
import type { RoutedAlert } from '../alert.ts';
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

/** Whom an announcement may reach. */
export interface Announcing {
  readonly groups: readonly Group[];
  readonly integrationsOf: (receiver: string) => readonly Integration[];
  /** Hears of silences whose own receivers only page, and of those that hold nothing back. */
  readonly fallback: string;
}

export interface SilencesAdvanced {
  readonly silences: readonly Silence[];
  readonly notifications: readonly Notification[];
  readonly events: readonly NewEvent[];
  readonly wakeAtMs: number | undefined;
}

/** Announces ends, enters them in the event log, and forgets old silences. */
export function advanceSilences(silences: readonly Silence[], world: Announcing, nowMs: number): SilencesAdvanced {
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
    notifications.push(...announce(silence, world, nowMs));
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

/** To the author, by way of the receivers that will hear of these alerts when it ends; the fallback where none of them announces. */
function announce(silence: Silence, { groups, integrationsOf, fallback }: Announcing, nowMs: number): Notification[] {
  const { id, author, comment, endsAtMs, matchers } = silence;
  const notice = { id, author, comment, endsAtMs, matchers: matchers.map(formatMatcher) };
  const tell = (group: Group, alerts: readonly RoutedAlert[]): Notification[] =>
    integrationsOf(group.receiver)
      .filter(({ kind }) => announcing.includes(kind))
      .map((integration) => buildNotification(group, integration, { reason: 'silence-expiry', alerts, nth: id, to: author, silence: notice }, nowMs));
  const held = groups.flatMap((group) => group.alerts.filter((entry) => isFiring(entry) && matchesAll(matchers, entry.alert.labels)).map(({ alert }) => ({ group, alert })));
  const told = [...Map.groupBy(held, ({ group }) => group)].flatMap(([group, entries]) => tell(group, entries.map(({ alert }) => alert)));
  if (told.length > 0) return told;
  return tell({ key: `silence:${id}`, routeKey: '', receiver: fallback, labels: {}, alerts: [], nextFlushAtMs: nowMs, told: {} }, held.map(({ alert }) => alert));
}
