import type { Database, Statement } from '../platform/database.ts';
import type { EventOutcome, IntentStatus } from './rules.ts';

/** A purchase as the buyer asked for it; `intentId` is fresh and used only where the key is. */
export interface NewIntent {
  readonly intentId: string;
  readonly userId: number;
  readonly writeId: string;
  readonly tokens: number;
  readonly priceCents: number;
  readonly paymentMethod: string;
}

export interface StoredIntent extends NewIntent {
  readonly status: IntentStatus;
  readonly refused: boolean;
  readonly failureCode: string | null;
  readonly createdAt: Date;
}

/** A verified report of the processor. */
export interface PaymentEvent {
  readonly eventId: string;
  readonly intentId: string;
  readonly type: string;
  readonly providerId: string;
  readonly amountCents: number;
  readonly failureCode: string | null;
  readonly createdMs: number;
}

export interface PendingIntent {
  readonly intentId: string;
  readonly createdAt: Date;
  /** Its place in the list; as text, because a Date drops the microseconds that tell rows apart. */
  readonly position: string;
}

/** All that payments knows of PostgreSQL. */
export interface PaymentsStore {
  /** Records a purchase; answers the older one where the user's key was used before. */
  openIntent(intent: NewIntent): Promise<StoredIntent>;
  /** Marks a purchase that the processor declined while the buyer waited; one that succeeded stays. */
  refuseIntent(intentId: string, failureCode: string): Promise<void>;
  /** Fails a purchase that is still pending and was never charged. */
  failIntent(intentId: string, failureCode: string): Promise<void>;
  findIntent(userId: number, intentId: string): Promise<StoredIntent | undefined>;
  /** Takes an event and, where the purchase succeeded, credits the wallet, in one transaction. */
  applyEvent(event: PaymentEvent): Promise<EventOutcome>;
  /** Oldest first: pending intents created before `before` and after the one given. */
  listPending(before: Date, after: PendingIntent | undefined, limit: number): Promise<PendingIntent[]>;
  /** Forgets up to `limit` events received before `before`; their intents' states keep repeats harmless. */
  pruneEvents(before: Date, limit: number): Promise<number>;
}

interface IntentRow {
  readonly id: string;
  readonly user_id: number;
  readonly write_id: string;
  readonly tokens: number;
  readonly price_cents: number;
  readonly created_at: Date;
  readonly status: IntentStatus;
  readonly refused: boolean;
  readonly payment_method: string;
  readonly failure_code: string | null;
}

interface PendingRow {
  readonly id: string;
  readonly created_at: Date;
  readonly position: string;
}

// All of these may run twice: keys, states and event ids make a repeat a no-op.
const openStatement: Statement = {
  name: 'payments_open_intents',
  text: 'select * from payment_open_intents($1, $2, $3, $4, $5, $6)',
  repeatable: true,
};

const refuseStatement: Statement = {
  name: 'payments_refuse_intent',
  text: `update payment_intents p set refused = true, updated_at = now(),
      status = case p.status when 'pending' then 'failed' else p.status end, failure_code = coalesce(p.failure_code, $2)
    where p.id = $1 and p.status <> 'succeeded'`,
  repeatable: true,
};

const failStatement: Statement = {
  name: 'payments_fail_intent',
  text: `update payment_intents set status = 'failed', failure_code = $2, updated_at = now() where id = $1 and status = 'pending'`,
  repeatable: true,
};

const findStatement: Statement = {
  name: 'payments_find_intent',
  text: 'select * from payment_intents where id = $1 and user_id = $2',
  repeatable: true,
};

const applyStatement: Statement = {
  name: 'payments_apply_events',
  text: 'select outcome from payment_apply_events($1, $2, $3, $4, $5, $6, $7) order by ord',
  repeatable: true,
};

const pendingStatement: Statement = {
  name: 'payments_list_pending',
  text: `select id, created_at, created_at::text as position from payment_intents
    where status = 'pending' and created_at < $1 and (created_at, id) > ($2::text::timestamptz, $3::uuid)
    order by created_at, id limit $4`,
  repeatable: true,
};

const pruneStatement: Statement = {
  name: 'payments_prune_events',
  text: `with old as (select event_id from payment_events where received_at < $1 limit $2),
      gone as (delete from payment_events e using old where e.event_id = old.event_id returning 1)
    select count(*)::int as pruned from gone`,
  repeatable: true,
};

const firstId = '00000000-0000-0000-0000-000000000000';

function intentOf(row: IntentRow): StoredIntent {
  return {
    intentId: row.id,
    userId: row.user_id,
    writeId: row.write_id,
    tokens: row.tokens,
    priceCents: row.price_cents,
    paymentMethod: row.payment_method,
    status: row.status,
    refused: row.refused,
    failureCode: row.failure_code,
    createdAt: row.created_at,
  };
}

/** Records many purchases in one call and one commit, in their order. */
export async function openIntents(db: Database, intents: readonly NewIntent[]): Promise<StoredIntent[]> {
  const rows = await db.query<IntentRow>(openStatement, [
    intents.map((intent) => intent.intentId),
    intents.map((intent) => intent.userId),
    intents.map((intent) => intent.writeId),
    intents.map((intent) => intent.tokens),
    intents.map((intent) => intent.priceCents),
    intents.map((intent) => intent.paymentMethod),
  ]);
  if (rows.length !== intents.length) throw new Error(`${intents.length} intents were sent and ${rows.length} came back`);
  return rows.map(intentOf);
}

/** Takes many events in one call and one commit, in their order. */
export async function applyEvents(db: Database, events: readonly PaymentEvent[]): Promise<EventOutcome[]> {
  const rows = await db.query<{ outcome: EventOutcome }>(applyStatement, [
    events.map((event) => event.eventId),
    events.map((event) => event.intentId),
    events.map((event) => event.type),
    events.map((event) => event.providerId),
    events.map((event) => event.amountCents),
    events.map((event) => event.failureCode),
    events.map((event) => new Date(event.createdMs)),
  ]);
  return rows.map((row) => row.outcome);
}

/** A store that asks PostgreSQL once for each call. */
export function createPlainPaymentsStore(db: Database): PaymentsStore {
  return {
    openIntent: async (intent) => first(await openIntents(db, [intent])),
    refuseIntent: async (intentId, failureCode) => {
      await db.query(refuseStatement, [intentId, failureCode]);
    },
    failIntent: async (intentId, failureCode) => {
      await db.query(failStatement, [intentId, failureCode]);
    },
    findIntent: async (userId, intentId) => (await db.query<IntentRow>(findStatement, [intentId, userId])).map(intentOf)[0],
    applyEvent: async (event) => first(await applyEvents(db, [event])),
    listPending: async (before, after, limit) => {
      const rows = await db.query<PendingRow>(pendingStatement, [before, after?.position ?? '-infinity', after?.intentId ?? firstId, limit]);
      return rows.map((row) => ({ intentId: row.id, createdAt: row.created_at, position: row.position }));
    },
    pruneEvents: async (before, limit) => first(await db.query<{ pruned: number }>(pruneStatement, [before, limit])).pruned,
  };
}

function first<Item>(items: readonly Item[]): Item {
  if (items[0] === undefined) throw new Error('the database answered no row');
  return items[0];
}
