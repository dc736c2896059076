-- A shard is a range of 256 series by number, and no longer a hash of the metric's name: one metric may have most of all series,
-- and what is merged at a time has to have an end. Rows by name cannot be told apart from these.
truncate metricstore_chunk, metricstore_progress;
alter table metricstore_chunk alter column shard type integer;
