/**
 * The durable outbox: what routing decides is written in routing's own transaction, and the sender takes it from
 * here. An item is sent at least once, and once more for each time that the sender dies between sending and recording it.
 * Several are under way at a time (see sender.ts): a crash may repeat each of them, under its old id. Where a receiver does
 * not know a message again by its id only one is.
 */
import type { ClientBase } from 'pg';
import type { NewEvent } from '../../core/event-log/event.ts';
import type { Host } from '../../core/host.ts';
import { severities } from '../alert.ts';
import type { Notification } from '../notification.ts';
import type { ChangeItem } from '../notifiers/outcome.ts';
import { notificationEvent } from './event.ts';
import { decodeItem, digest, encodeItem, giveUpAfterMs, groupIdOf, identify, isNotice, laneOf, outboxLimits, resolveGiveUpAfterMs, severityRank, targetOf } from './item.ts';
import type { OutboxItem, OutboxLimits } from './item.ts';
import { addTotals } from './totals.ts';

/** Channel of PostgreSQL's NOTIFY that wakes the sender when the transaction commits. */
export const outboxChannel = 'alerting_outbox';
/** Space of our advisory locks: key 0 orders those who enqueue, any other says that a sender lives. */
export const outboxLockSpace = 712_020;

export interface OutboxDeps {
  readonly host: Host;
  /** Writes events in the caller's transaction. */
  readonly appendEvents: (client: ClientBase, events: readonly NewEvent[]) => Promise<void>;
  readonly limits?: Partial<OutboxLimits> | undefined;
}

export interface Enqueued {
  readonly queued: number;
  /** Had an id that is known: they are not queued again. */
  readonly known: number;
  /** Older items that made room. */
  readonly dropped: number;
}

/** What writes into the outbox. Each function runs in the caller's transaction, at its end: it holds a lock until the commit. */
export interface Outbox {
  enqueue(client: ClientBase, notifications: readonly Notification[]): Promise<Enqueued>;
  /** Deploys for the receivers that show changes. */
  enqueueChanges(client: ClientBase, changes: readonly ChangeItem[]): Promise<Enqueued>;
  /** Tells PagerDuty that somebody has acknowledged the group, where it has an open incident of it. */
  enqueueAcknowledgement(client: ClientBase, acknowledgement: { readonly groupKey: string; readonly actor: string; readonly atMs: number }): Promise<Enqueued>;
}

export function createOutbox(deps: OutboxDeps): Outbox {
  const limits = { ...outboxLimits, ...deps.limits };
  const put = (client: ClientBase, items: readonly OutboxItem[]): Promise<Enqueued> => putItems(deps, limits, client, items);
  return {
    enqueue: (client, notifications) => put(client, notifications.map((notification) => ({ type: 'notification', notification }))),
    enqueueChanges: (client, changes) => put(client, changes.map((change) => ({ type: 'change', change }))),
    async enqueueAcknowledgement(client, { groupKey, actor, atMs }) {
      const open = await openIncidents(client, groupKey);
      return put(client, open.map(({ notification, episode }) => ({
        type: 'notification',
        notification: { ...notification, id: `ack-${digest(episode, laneOf(notification))}`, reason: 'acknowledged', status: 'firing', to: actor, atMs },
      })));
    },
  };
}

async function putItems(deps: OutboxDeps, limits: OutboxLimits, client: ClientBase, items: readonly OutboxItem[]): Promise<Enqueued> {
  if (items.length === 0) return { queued: 0, known: 0, dropped: 0 };
  // One after the other, so that the order of sequence is the order of commits and a lane's order means something.
  await client.query('select pg_advisory_xact_lock($1, 0)', [outboxLockSpace]);
  const fresh = await withoutKnown(client, items);
  const nowMs = deps.host.clock.nowMs();
  const episodes = await openEpisodes(client, fresh, nowMs);
  await hurryResolves(client, fresh);
  if (fresh.length > 0) await insertItems(client, fresh, episodes, nowMs);
  const dropped = await makeRoom(client, limits, nowMs);
  await deps.appendEvents(client, [
    ...fresh.map((item) => notificationEvent(item, 'queued', nowMs)),
    ...dropped.map((item) => notificationEvent(item, 'dead', nowMs, `dropped: more than ${identify(item).severity === 'critical' ? limits.criticalMax : limits.waitingMax} notifications waited`)),
  ]);
  await client.query(`notify ${outboxChannel}`);
  return { queued: fresh.length, known: items.length - fresh.length, dropped: dropped.length };
}

async function withoutKnown(client: ClientBase, items: readonly OutboxItem[]): Promise<OutboxItem[]> {
  const ids = items.map((item) => identify(item).id);
  const { rows } = await client.query<{ item_id: string }>('select item_id from alerting_outbox where item_id = any($1)', [ids]);
  const seen = new Set(rows.map((row) => row.item_id));
  return items.filter((item) => {
    const { id } = identify(item);
    return !seen.has(id) && seen.add(id);
  });
}

/**
 * The episode of each group: a fire opens one where none is open, a resolve closes it. It is set here, in
 * the transaction that decides, and not by the sender, so that no crash can give one fire two episodes.
 */
async function openEpisodes(client: ClientBase, items: readonly OutboxItem[], nowMs: number): Promise<ReadonlyMap<string, string>> {
  const all = items.flatMap((item) => (item.type === 'notification' ? [item.notification] : []));
  const notifications = all.filter((notification) => !isNotice(notification));
  const ids = [...new Set(notifications.map((notification) => groupIdOf(notification.groupKey)))];
  const known = await client.query<{ group_id: string; episode: string; is_open: boolean }>('select group_id, episode, is_open from alerting_outbox_episode where group_id = any($1)', [ids]);
  const states = new Map(known.rows.map((row) => [row.group_id, { episode: row.episode, isOpen: row.is_open }]));
  const episodes = new Map(all.filter(isNotice).map(({ id }) => [id, digest('notice', id)]));
  for (const notification of notifications) {
    const groupId = groupIdOf(notification.groupKey);
    const before = states.get(groupId);
    const isFire = notification.status === 'firing';
    const episode = before === undefined || (isFire && !before.isOpen) ? digest(groupId, notification.id) : before.episode;
    states.set(groupId, { episode, isOpen: isFire });
    episodes.set(notification.id, episode);
  }
  const changed = ids.map((id) => states.get(id));
  await client.query(
    `insert into alerting_outbox_episode (group_id, episode, is_open, changed_at_ms)
     select *, $4 from unnest($1::text[], $2::text[], $3::boolean[])
     on conflict (group_id) do update set episode = excluded.episode, is_open = excluded.is_open, changed_at_ms = excluded.changed_at_ms`,
    [ids, changed.map((state) => state?.episode ?? ''), changed.map((state) => state?.isOpen ?? false), nowMs],
  );
  return episodes;
}

async function insertItems(client: ClientBase, items: readonly OutboxItem[], episodes: ReadonlyMap<string, string>, nowMs: number): Promise<void> {
  const rows = items.map((item) => {
    const { id, receiver, integration, severity } = identify(item);
    const isChange = item.type === 'change';
    return {
      item_id: id,
      // Changes have no order among themselves: one that fails holds back none.
      lane: isChange ? digest('change', id) : laneOf(item.notification),
      target: targetOf(receiver, integration),
      group_id: isChange ? '' : groupIdOf(item.notification.groupKey),
      severity_rank: severityRank(severity),
      episode: episodes.get(id) ?? '',
      item: encodeItem(item),
      give_up_at_ms: nowMs + (isResolve(item) ? resolveGiveUpAfterMs : giveUpAfterMs[severity]),
    };
  });
  await client.query(
    `insert into alerting_outbox (item_id, lane, target, group_id, severity_rank, episode, item, queued_at_ms, due_at_ms, give_up_at_ms)
     select item_id, lane, target, group_id, severity_rank, episode, item::jsonb, $2, $2, give_up_at_ms
     from rows from (jsonb_to_recordset($1::jsonb) as (item_id text, lane text, target text, group_id text, severity_rank smallint, episode text, item text, give_up_at_ms bigint))
       with ordinality as row (item_id, lane, target, group_id, severity_rank, episode, item, give_up_at_ms, place)
     order by place`,
    [JSON.stringify(rows), nowMs],
  );
}

const isResolve = (item: OutboxItem): boolean => item.type === 'notification' && item.notification.status === 'resolved';

/** An end that cannot be sent holds back what fires again behind it no longer than its severity allows. */
async function hurryResolves(client: ClientBase, fresh: readonly OutboxItem[]): Promise<void> {
  const lanes = fresh.flatMap((item) => (item.type === 'notification' && !isResolve(item) ? [laneOf(item.notification)] : []));
  if (lanes.length === 0) return;
  await client.query(
    `update alerting_outbox set give_up_at_ms = least(give_up_at_ms, queued_at_ms + ($2::bigint[])[severity_rank + 1])
     where state = 'waiting' and lane = any($1) and item #>> '{notification,status}' = 'resolved'`,
    [lanes, severities.map((severity) => giveUpAfterMs[severity])],
  );
}

/** Drops the oldest of the lowest severity beyond the bounds, critical ones only beyond the second; never one that is being sent. */
async function makeRoom(client: ClientBase, { waitingMax, criticalMax }: OutboxLimits, nowMs: number): Promise<OutboxItem[]> {
  const counted = await client.query<{ waiting: string }>(`select count(*) as waiting from alerting_outbox where state = 'waiting'`);
  const waiting = Number(counted.rows[0]?.waiting ?? 0);
  const lesser = await dropOldest(client, waiting - waitingMax, severityRank('critical') + 1, nowMs);
  const critical = await dropOldest(client, waiting - lesser.length - criticalMax, severityRank('critical'), nowMs);
  const dropped = [...lesser, ...critical];
  if (dropped.length > 0) await addTotals(client, 'dropped', dropped);
  return dropped;
}

async function dropOldest(client: ClientBase, count: number, rankMin: number, nowMs: number): Promise<OutboxItem[]> {
  if (count <= 0) return [];
  const { rows } = await client.query<{ item: OutboxItem }>(
    `update alerting_outbox set state = 'dropped', settled_at_ms = $2, last_error = 'dropped: too many waited'
     where sequence in (
       select sequence from alerting_outbox where state = 'waiting' and severity_rank >= $3 and coalesce(lease_until_ms, 0) <= $2
       order by severity_rank desc, sequence limit $1 for update skip locked)
     returning item`,
    [count, nowMs, rankMin],
  );
  return rows.map((row) => decodeItem(row.item));
}

/** The last notification of each lane of the group that has an open incident at PagerDuty. */
async function openIncidents(client: ClientBase, groupKey: string): Promise<{ readonly notification: Notification; readonly episode: string }[]> {
  const { rows } = await client.query<{ item: OutboxItem; episode: string }>(
    `select distinct on (item.lane) item.item, item.episode
     from alerting_outbox item join alerting_outbox_episode episode on episode.group_id = item.group_id and episode.episode = item.episode and episode.is_open
     where item.group_id = $1 and item.state in ('waiting', 'sent') and item.item #>> '{notification,integration,kind}' = 'pagerduty'
       and item.item #>> '{notification,status}' = 'firing'
     order by item.lane, item.sequence desc limit 100`,
    [groupIdOf(groupKey)],
  );
  return rows.map(({ item, episode }) => ({ item: decodeItem(item), episode })).flatMap(({ item, episode }) => (item.type === 'notification' ? [{ notification: item.notification, episode }] : []));
}
