-- Series that have outlived the memory of a process. `key` is a hash of the label set.
create table metricstore_series (
  id bigint generated always as identity primary key,
  key bytea not null unique,
  name text not null,
  labels jsonb not null,
  is_counter boolean not null,
  first_ms bigint not null,
  -- To within half a day.
  last_ms bigint not null
);
create index metricstore_series_name on metricstore_series (name);

-- Buckets of 5 min of all series of a shard (a hash of the metric's name) whose ends lie in (from_ms, to_ms].
create table metricstore_chunk (
  shard smallint not null,
  from_ms bigint not null,
  to_ms bigint not null,
  body bytea not null,
  primary key (shard, from_ms)
) with (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);
-- Bodies are compressed already.
alter table metricstore_chunk alter column body set storage external;
create index metricstore_chunk_to on metricstore_chunk (to_ms);

-- The end of the newest bucket that is written.
create table metricstore_progress (
  only_row boolean primary key default true check (only_row),
  bucket_ms bigint not null
);

-- The newest raw samples, so that a process that starts again does not start empty.
create table metricstore_journal (
  from_ms bigint primary key,
  to_ms bigint not null,
  body bytea not null
) with (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);
alter table metricstore_journal alter column body set storage external;
