/** Taking items from the outbox, and giving back those of a sender that died. */
import type { ClientBase } from 'pg';
import { outboxLockSpace } from './outbox.ts';
import { decodeItem } from './item.ts';
import type { LeasedItem, OutboxItem } from './item.ts';

interface LeasedRow {
  readonly sequence: string;
  readonly lane: string;
  readonly target: string;
  readonly group_id: string;
  readonly episode: string;
  readonly item: OutboxItem;
  readonly attempts: number;
  readonly give_up_at_ms: string;
}

export interface LeaseRequest {
  readonly owner: number;
  readonly nowMs: number;
  /** After it the item may be taken by another, alive or not. */
  readonly leaseMs: number;
  /** Targets that want nothing now. */
  readonly blockedTargets: readonly string[];
  /** Sequences that this process is sending. */
  readonly inFlight: readonly number[];
}

/** Leases the most severe item that is due and first of its lane; undefined where there is none. */
export async function leaseItem(client: ClientBase, request: LeaseRequest): Promise<LeasedItem | undefined> {
  const { rows } = await client.query<LeasedRow>(
    `with next as (
       select sequence from alerting_outbox item
       where state = 'waiting' and due_at_ms <= $1 and coalesce(lease_until_ms, 0) <= $1
         and target <> all ($2::text[]) and sequence <> all ($3::bigint[])
         and not exists (select 1 from alerting_outbox earlier where earlier.state = 'waiting' and earlier.lane = item.lane and earlier.sequence < item.sequence)
       order by severity_rank, sequence limit 1
       for update skip locked)
     update alerting_outbox item set lease_owner = $4, lease_until_ms = $1 + $5, attempts = attempts + 1
     from next where item.sequence = next.sequence
     returning item.sequence, lane, target, group_id, episode, item, attempts, give_up_at_ms`,
    [request.nowMs, request.blockedTargets, request.inFlight, request.owner, request.leaseMs],
  );
  const row = rows[0];
  return row === undefined
    ? undefined
    : { sequence: Number(row.sequence), lane: row.lane, target: row.target, groupId: row.group_id, episode: row.episode, item: decodeItem(row.item), attempts: row.attempts, giveUpAtMs: Number(row.give_up_at_ms) };
}

/** Says that a sender lives, for as long as this connection does. */
export async function declareAlive(client: ClientBase, owner: number): Promise<void> {
  await client.query('select pg_advisory_lock($1, $2)', [outboxLockSpace, owner]);
}

/** Takes back at once what senders hold whose connection is gone, instead of waiting for their leases to end. */
export async function freeLeasesOfTheDead(client: ClientBase, owner: number): Promise<number> {
  const { rowCount } = await client.query(
    `update alerting_outbox set lease_owner = null, lease_until_ms = null
     where state = 'waiting' and lease_owner is not null and lease_owner <> $1 and lease_owner not in (
       select objid::bigint::integer from pg_locks
       where locktype = 'advisory' and classid = $2 and objsubid = 2 and database = (select oid from pg_database where datname = current_database()))`,
    [owner, outboxLockSpace],
  );
  return rowCount ?? 0;
}
