-- The trace a row belongs to, as W3C writes it; null where tracing is off.
alter table platform_outbox add column traceparent text;
