-- History is not rewritten: rows are neither changed nor deleted, but for the thinning that thin.ts does.
create function event_log_refuse() returns trigger language plpgsql as $$
begin
  if tg_op <> 'UPDATE' and current_setting('sora.thinning', true) = 'on' then
    return old;
  end if;
  raise exception 'the event log is append-only' using errcode = 'restrict_violation', hint = 'append an event that says what is right';
end $$;
create trigger event_log_append_only before update or delete on event_log for each row execute function event_log_refuse();
create trigger event_log_not_emptied before truncate on event_log for each statement execute function event_log_refuse();
