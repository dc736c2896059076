/** Pages whoever is on call, and the next person when nobody acknowledges. */
import type { NewEvent } from '../../core/event-log/event.ts';
import type { Notification } from '../notification.ts';
import type { Policy } from '../oncall/policy.ts';
import type { Holder } from './hold.ts';
import type { Integration } from './integration.ts';
import { buildNotification, severityOf } from './message.ts';
import type { Route } from './route.ts';
import { ackOf, isFiring } from './state.ts';
import type { Group, GroupAlert, Observed, Page } from './state.ts';

export interface PageOptions {
  readonly policy: Policy;
  readonly integrations: readonly Integration[];
  readonly holder: Holder;
  readonly route: Route | undefined;
}

/** Begins to page for a group that is being told or has been, and ends when all of it is acknowledged or held. */
export function startPage(observed: Observed, group: Group, { policy, holder, route }: PageOptions, isDue: boolean, nowMs: number): Group {
  const firing = group.alerts.filter(isFiring);
  // The end of it is told to whoever was paged last, acknowledged or not; see `Group.pagedLast`.
  if (firing.length === 0) return group;
  const open = openAlerts(observed, group, policy, holder, route, nowMs);
  if (open.length === 0) return group.page === undefined ? group : { ...group, page: undefined };
  const isTold = open.some(({ alert }) => Object.values(group.told).some((told) => told.firing.includes(alert.fingerprint)));
  if (group.page !== undefined || !(isDue || isTold)) return group;
  const first = nextPage(observed, policy, { step: -1, round: 1, sinceMs: nowMs }, nowMs) ?? { step: 0, round: 1, sinceMs: nowMs };
  return withPage(group, first);
}

const withPage = (group: Group, page: Page): Group => ({ ...group, page, pagedLast: page.person ?? group.pagedLast });

/** Firing alerts that the policy pages for and nobody has taken on. */
function openAlerts(observed: Observed, group: Group, policy: Policy, holder: Holder, route: Route | undefined, nowMs: number): readonly GroupAlert[] {
  return group.alerts.filter(
    (entry) => isFiring(entry) && policy.severities.includes(severityOf([entry.alert])) && ackOf(observed.state, group.key, entry.alert.fingerprint, nowMs) === undefined && holder(entry.alert.labels, route) === undefined,
  );
}

/** Goes on to the next person when the time of the one before is over. */
export function escalate(observed: Observed, group: Group, options: PageOptions, nowMs: number): { group: Group; notifications: Notification[]; events: NewEvent[]; wakeAtMs: number | undefined } {
  const { policy, integrations, holder, route } = options;
  const { page } = group;
  const none = { group, notifications: [], events: [] };
  if (page === undefined) return { ...none, wakeAtMs: undefined };
  const open = openAlerts(observed, group, policy, holder, route, nowMs);
  if (open.length === 0) return { ...none, wakeAtMs: undefined };
  const dueMs = escalationAtMs(policy, page);
  if (dueMs === undefined || nowMs < dueMs) return { ...none, wakeAtMs: dueMs };
  const next = nextPage(observed, policy, page, nowMs);
  if (next === undefined) return { ...none, wakeAtMs: undefined };
  const to = next.person;
  const alerts = open.map(({ alert }) => alert);
  const notifications = integrations.map((integration) =>
    // The time of the page before tells this one from that of an earlier round over the same alerts.
    buildNotification(group, integration, { reason: 'escalation', alerts, nth: page.sinceMs, to, ackUrl: observed.ackUrlOf?.(group.key, nowMs) }, nowMs),
  );
  const events: NewEvent[] = [{
    atMs: nowMs,
    actor: 'sora',
    key: `escalation/${notifications[0]?.id ?? `${group.key.slice(0, 300)}/${page.sinceMs}`}`,
    details: { kind: 'escalation', groupKey: group.key.slice(0, 4_000), fingerprints: alerts.map(({ fingerprint }) => fingerprint), fromPerson: page.person ?? 'nobody', toPerson: to ?? 'nobody' },
  }];
  return { group: withPage(group, next), notifications, events, wakeAtMs: escalationAtMs(policy, next) };
}

function escalationAtMs(policy: Policy, page: Page): number | undefined {
  const isLast = page.step + 1 >= policy.steps.length;
  if (isLast && page.round >= policy.rounds) return undefined;
  return page.sinceMs + (policy.steps[isLast ? 0 : page.step + 1]?.afterMs ?? 0);
}

/** The next step that pages somebody else, those of the next round included; undefined where there is none. */
function nextPage(observed: Observed, policy: Policy, page: Page, nowMs: number): Page | undefined {
  const count = policy.steps.length;
  for (let ahead = 1; ahead <= count; ahead++) {
    const [step, round] = page.step + ahead < count ? [page.step + ahead, page.round] : [page.step + ahead - count, page.round + 1];
    if (round > policy.rounds) return undefined;
    const person = observed.policies.personAt(policy.name, step, nowMs);
    if (person !== undefined && person !== page.person) return { step, round, sinceMs: nowMs, person };
  }
  return undefined;
}
