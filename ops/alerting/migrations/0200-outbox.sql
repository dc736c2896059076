-- Items that wait to be sent, and those that were, for a while, so that an id is never taken twice.
-- Times are the control plane's clock in milliseconds, so that a test can move them.
create table alerting_outbox (
  sequence bigint generated always as identity primary key,
  item_id text not null unique check (length(item_id) between 1 and 200),
  -- Group and integration: within it the order of sequence is kept, so that a resolve never overtakes its fire.
  lane text not null,
  -- Receiver and integration: what a throttle holds back.
  target text not null,
  group_id text not null,
  severity_rank smallint not null check (severity_rank between 0 and 3),
  -- From a group's first fire to its resolve; part of the key at PagerDuty.
  episode text not null,
  item jsonb not null,
  state text not null default 'waiting' check (state in ('waiting', 'sent', 'dead', 'dropped')),
  attempts integer not null default 0,
  queued_at_ms bigint not null,
  due_at_ms bigint not null,
  give_up_at_ms bigint not null,
  lease_owner integer,
  lease_until_ms bigint,
  settled_at_ms bigint,
  last_error text
);
create index alerting_outbox_lane on alerting_outbox (lane, sequence) where state = 'waiting';
create index alerting_outbox_order on alerting_outbox (severity_rank, sequence) where state = 'waiting';
create index alerting_outbox_settled on alerting_outbox (settled_at_ms) where state <> 'waiting';
create index alerting_outbox_group on alerting_outbox (group_id);

-- One row a group, changed in the transaction that decides.
create table alerting_outbox_episode (
  group_id text primary key,
  episode text not null,
  is_open boolean not null,
  changed_at_ms bigint not null
);

-- What the first message of an episode left behind at its receiver, such as Slack's time stamp of it.
create table alerting_outbox_thread (
  lane text primary key,
  group_id text not null,
  episode text not null,
  first_item_id text not null,
  first_sent_at_ms bigint not null,
  receipt jsonb not null,
  is_resolved boolean not null,
  changed_at_ms bigint not null
);

-- Counted in the transaction that settles an item, so that no restart loses a dead letter.
create table alerting_outbox_total (
  outcome text not null,
  integration text not null,
  severity text not null,
  items bigint not null,
  primary key (outcome, integration, severity)
);
