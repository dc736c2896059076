-- What routing remembers: groups of alerts and what their receivers were told, silences, who has taken an alert on,
-- and who stands in for whom. All of it is read once, at the start; times are the control plane's clock.
create table alerting_group (
  -- Digest of the group's key, which may be long.
  id text primary key check (length(id) = 32),
  state jsonb not null
);

create table alerting_silence (
  id text primary key,
  ends_at_ms bigint not null,
  state jsonb not null
);

create table alerting_ack (
  fingerprint text primary key,
  state jsonb not null
);

create table alerting_oncall_override (
  id text primary key,
  to_ms bigint not null,
  state jsonb not null
);
