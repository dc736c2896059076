-- Events leave in the transaction of the change they speak of; the workers' relay moves them to
-- queues. Rows live for milliseconds, so the table is vacuumed early and often.
create table platform_outbox (
  id bigint generated always as identity primary key,
  topic text not null,
  payload jsonb not null,
  created_at timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
