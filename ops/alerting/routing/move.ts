/** What happens to a group when the routing file names another receiver for its route. */
import type { Notification } from '../notification.ts';
import { integrationKey } from './flush.ts';
import type { Integration } from './integration.ts';
import { buildNotification } from './message.ts';
import type { Group } from './state.ts';

/**
 * Ends the group at the receiver it had, so that no incident stays open there that nobody would end, and gives it to the
 * other, which is told at once and from the beginning. A receiver that is no longer in the file cannot be told.
 * @param integrations of the receiver it had
 */
export function moveGroup(group: Group, receiver: string, integrations: readonly Integration[], nowMs: number): { readonly group: Group; readonly notifications: readonly Notification[] } {
  const description = `It may go on: the receiver ${receiver} is told of it from now on.`;
  const notifications = integrations.flatMap((integration) => {
    const told = group.told[integrationKey(integration)];
    const alerts = group.alerts
      .filter(({ alert }) => told?.firing.includes(alert.fingerprint))
      .map(({ alert }) => ({ ...alert, status: 'resolved' as const, endsAtMs: alert.endsAtMs ?? nowMs, annotations: { ...alert.annotations, description } }));
    if (told === undefined || alerts.length === 0 || !integration.sendResolved) return [];
    return [buildNotification(group, integration, { reason: 'resolved', alerts, nth: told.count + 1, to: group.page?.person ?? group.pagedLast }, nowMs)];
  });
  const { page: _page, pagedLast: _pagedLast, ...kept } = group;
  return { group: { ...kept, receiver, told: {}, nextFlushAtMs: nowMs }, notifications };
}
