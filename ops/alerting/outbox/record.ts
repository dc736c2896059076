/** Writing down what came of an attempt, in one transaction with the event that tells it. */
import type { ClientBase } from 'pg';
import { SoraError, messageOf } from '../../core/error.ts';
import type { NewEvent } from '../../core/event-log/event.ts';
import type { Outcome, Thread } from '../notifiers/outcome.ts';
import { notificationEvent } from './event.ts';
import { isNotice } from './item.ts';
import type { LeasedItem, OutboxLimits } from './item.ts';
import type { RetryDecision } from './retry.ts';
import { addTotals } from './totals.ts';

type AppendEvents = (client: ClientBase, events: readonly NewEvent[]) => Promise<void>;

/** The first message of this episode in this lane; undefined where none was sent. */
export async function readThread(client: ClientBase, leased: LeasedItem): Promise<Thread | undefined> {
  const { rows } = await client.query<{ first_item_id: string; first_sent_at_ms: string; receipt: Thread['receipt'] }>(
    'select first_item_id, first_sent_at_ms, receipt from alerting_outbox_thread where lane = $1 and episode = $2',
    [leased.lane, leased.episode],
  );
  const row = rows[0];
  return row === undefined ? undefined : { firstId: row.first_item_id, firstSentAtMs: Number(row.first_sent_at_ms), receipt: row.receipt };
}

export async function recordSent(client: ClientBase, append: AppendEvents, leased: LeasedItem, outcome: Extract<Outcome, { kind: 'sent' }>, nowMs: number): Promise<void> {
  const { item } = leased;
  await client.query(`update alerting_outbox set state = 'sent', settled_at_ms = $2, lease_until_ms = null, last_error = null where sequence = $1`, [leased.sequence, nowMs]);
  if (item.type === 'notification' && !isNotice(item.notification)) {
    await client.query(
      `insert into alerting_outbox_thread (lane, group_id, episode, first_item_id, first_sent_at_ms, receipt, is_resolved, changed_at_ms)
       values ($1, $2, $3, $4, $5, $6, $7, $5)
       on conflict (lane) do update set
         first_item_id = case when alerting_outbox_thread.episode = excluded.episode then alerting_outbox_thread.first_item_id else excluded.first_item_id end,
         first_sent_at_ms = case when alerting_outbox_thread.episode = excluded.episode then alerting_outbox_thread.first_sent_at_ms else excluded.first_sent_at_ms end,
         receipt = case when alerting_outbox_thread.episode = excluded.episode then excluded.receipt || alerting_outbox_thread.receipt else excluded.receipt end,
         episode = excluded.episode, is_resolved = excluded.is_resolved, changed_at_ms = excluded.changed_at_ms`,
      [leased.lane, leased.groupId, leased.episode, item.notification.id, nowMs, JSON.stringify(outcome.receipt ?? {}), item.notification.status === 'resolved'],
    );
  }
  await addTotals(client, 'sent', [item]);
  await append(client, [notificationEvent(item, 'sent', nowMs)]);
}

export async function recordFailed(client: ClientBase, append: AppendEvents, leased: LeasedItem, error: string, decision: RetryDecision, nowMs: number): Promise<void> {
  if (decision.kind === 'dead') {
    await client.query(`update alerting_outbox set state = 'dead', settled_at_ms = $2, lease_until_ms = null, last_error = $3 where sequence = $1`, [leased.sequence, nowMs, error]);
    await addTotals(client, 'dead', [leased.item]);
    await append(client, [notificationEvent(leased.item, 'dead', nowMs, error)]);
    return;
  }
  await client.query('update alerting_outbox set lease_owner = null, lease_until_ms = null, due_at_ms = $2, last_error = $3 where sequence = $1', [leased.sequence, decision.dueAtMs, error]);
  // The first failure is history; the hundredth of the same item is only a number.
  if (leased.attempts === 1) await append(client, [notificationEvent(leased.item, 'failed', nowMs, error)]);
}

/** Forgets settled items and closed threads that nobody will ask for. */
export async function prune(client: ClientBase, limits: OutboxLimits, nowMs: number): Promise<void> {
  await client.query(`delete from alerting_outbox where state <> 'waiting' and settled_at_ms < $1`, [nowMs - limits.settledKeptMs]);
  await client.query(
    `delete from alerting_outbox where sequence in (select sequence from alerting_outbox where state <> 'waiting' order by settled_at_ms desc offset $1)`,
    [limits.settledMax],
  );
  const before = nowMs - 30 * 86_400_000;
  await client.query('delete from alerting_outbox_thread where is_resolved and changed_at_ms < $1', [before]);
  await client.query('delete from alerting_outbox_episode where not is_open and changed_at_ms < $1', [before]);
}

/** What is written of an error that no notifier foresaw. */
export const unforeseen = (error: unknown): Outcome => ({ kind: 'retry', error: error instanceof SoraError ? error.message : `defect: ${messageOf(error)}` });
