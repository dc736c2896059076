create table event_log (
  sequence bigint generated always as identity primary key,
  at_ms bigint not null,
  actor text not null,
  kind text not null,
  details jsonb not null,
  key text unique
);
create index event_log_kind_at on event_log (kind, at_ms);
create index event_log_at on event_log (at_ms);
