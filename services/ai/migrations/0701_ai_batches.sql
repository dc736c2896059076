-- Functions, because the planner settings keep their cached generic plans on the indexes: a plan made while the tables
-- were small would otherwise scan them until the next analyze.

-- What must be known before the model is asked: the reply an earlier try stored, if any, and today's tokens.
create function ai_look_up(users bigint[], write_ids uuid[])
returns table(ord int, id bigint, companion_id int, prompt text, reply text, model text, prompt_tokens int,
  completion_tokens int, used_today bigint)
language plpgsql stable set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
  return query
  select i.ord::int, m.id, m.companion_id, m.prompt, m.reply, m.model, m.prompt_tokens, m.completion_tokens,
    coalesce((select sum(u.prompt_tokens + u.completion_tokens) from ai_usage u
      where u.user_id = i.user_id and u.day = (now() at time zone 'utc')::date), 0)::bigint
  from unnest(users, write_ids) with ordinality i(user_id, write_id, ord)
  left join ai_messages m on m.user_id = i.user_id and m.write_id = i.write_id;
end $$;

-- Stores many replies and adds their tokens to the usage, all in one transaction. A write id that is there already
-- changes nothing and costs nothing. Answers the id that is stored, whichever try stored it.
create function ai_save(users bigint[], companions int[], write_ids uuid[], prompts text[], replies text[], models text[],
  prompt_counts int[], completion_counts int[])
returns table(ord int, id bigint, companion_id int, prompt text, reply text, model text, prompt_tokens int,
  completion_tokens int)
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
  -- Rows are locked in one order, so two batches that share users cannot deadlock; of equal writes the first counts.
  with made as (
    insert into ai_messages (user_id, companion_id, write_id, prompt, reply, model, prompt_tokens, completion_tokens)
    select i.user_id, i.companion_id, i.write_id, i.prompt, i.reply, i.model, i.prompt_tokens, i.completion_tokens
    from unnest(users, companions, write_ids, prompts, replies, models, prompt_counts, completion_counts) with ordinality
      i(user_id, companion_id, write_id, prompt, reply, model, prompt_tokens, completion_tokens, ord)
    order by i.user_id, i.write_id, i.ord
    on conflict (user_id, write_id) do nothing
    returning ai_messages.user_id, ai_messages.model, ai_messages.prompt_tokens, ai_messages.completion_tokens
  )
  insert into ai_usage as u (user_id, day, model, requests, prompt_tokens, completion_tokens)
  select d.user_id, (now() at time zone 'utc')::date, d.model, count(*), sum(d.prompt_tokens), sum(d.completion_tokens)
  from made d group by d.user_id, d.model order by d.user_id, d.model
  on conflict (user_id, day, model) do update set requests = u.requests + excluded.requests,
    prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = u.completion_tokens + excluded.completion_tokens;

  return query
  select i.ord::int, m.id, m.companion_id, m.prompt, m.reply, m.model, m.prompt_tokens, m.completion_tokens
  from unnest(users, write_ids) with ordinality i(user_id, write_id, ord)
  join ai_messages m on m.user_id = i.user_id and m.write_id = i.write_id;
end $$;
