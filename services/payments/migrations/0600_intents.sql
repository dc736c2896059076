-- A purchase is recorded before money can move: the intent's id is the provider's idempotency key and, when it
-- succeeds, the key of the credit in the ledger.
create table payment_intents (
  id uuid primary key,
  user_id bigint not null,
  write_id uuid not null,
  tokens bigint not null check (tokens > 0),
  price_cents bigint not null check (price_cents > 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- Failed is not final: a processor may yet report success, and money taken must become tokens.
  status text not null default 'pending' check (status in ('pending', 'failed', 'succeeded')),
  -- The processor said no while the buyer waited (402); such a purchase was never acknowledged.
  refused boolean not null default false,
  payment_method text not null,
  provider_id text,
  failure_code text
) with (fillfactor = 80);

create unique index payment_intents_key on payment_intents (user_id, write_id);
-- What the reconciler walks; intents leave it as they settle.
create index payment_intents_pending on payment_intents (created_at, id) where status = 'pending';

-- One row for each event that was taken: a repeat finds it and does nothing.
create table payment_events (
  event_id text primary key,
  intent_id uuid not null,
  type text not null,
  -- By the processor's clock.
  created_at timestamptz not null,
  received_at timestamptz not null default now(),
  outcome text not null
);
create index payment_events_received on payment_events using brin (received_at);

-- What was acknowledged to buyers, for the audit of writes.
create view payment_accepted_intents as
  select id, user_id, write_id, created_at from payment_intents where not refused;
