-- Many purchases and many events in one call each. See 0301 for why the planner is kept on the indexes.

-- Records purchases as pending; answers the row of each key, which is an older one where the key was used before.
create function payment_open_intents(ids uuid[], users bigint[], keys uuid[], tokens bigint[], prices bigint[], methods text[])
returns setof payment_intents language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  -- In order of the key, so that calls with the same keys wait for one another and never in a circle.
  insert into payment_intents (id, user_id, write_id, tokens, price_cents, payment_method)
  select i.id, i.user_id, i.key, i.tokens, i.price, i.method
  from unnest(ids, users, keys, tokens, prices, methods) with ordinality i(id, user_id, key, tokens, price, method, ord)
  order by i.user_id, i.key, i.ord
  on conflict (user_id, write_id) do nothing;

  return query select p.* from unnest(users, keys) with ordinality i(user_id, key, ord)
    join payment_intents p on p.user_id = i.user_id and p.write_id = i.key order by i.ord;
end $$;

-- Takes verified events, credits the wallets of purchases that succeeded, all in this one transaction.
-- States only rise: pending < failed < succeeded; hence the order of events does not matter, nor does a repeat.
-- Outcomes: applied, duplicate (event seen before), ignored (nothing left to do), unknown_intent and
-- amount_mismatch (nothing is kept, so that the event can come again).
create function payment_apply_events(events text[], intents uuid[], types text[], provider_ids text[], prices bigint[],
  failures text[], created timestamptz[])
returns table(ord int, outcome text) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  outcomes text[]; paid_ids uuid[]; paid_users bigint[]; paid_tokens bigint[]; refused_credit text;
begin
  perform from payment_intents where id = any (intents) order by id for update;

  -- Locked, hence what is read now cannot change; an event belongs to one intent, so its repeats wait here too.
  select array_agg(case
      when n.known is null then 'unknown_intent'
      when n.seen then 'duplicate'
      when n.price <> n.known_price then 'amount_mismatch'
      when n.ord > n.first then 'duplicate'
      when n.known = 'succeeded' then 'ignored'
      when n.rank = 2 and n.same_rank = n.ord then 'applied'
      when n.rank = 1 and n.top_rank < 2 and n.known = 'pending' and n.same_rank = n.ord then 'applied'
      else 'ignored' end order by n.ord) into outcomes
  from (
    select m.*, max(m.rank) filter (where m.usable) over (partition by m.intent) as top_rank,
      min(m.ord) filter (where m.usable) over (partition by m.intent, m.rank) as same_rank
    from (
      select i.*, p.status as known, p.price_cents as known_price,
        case i.type when 'payment_intent.succeeded' then 2 when 'payment_intent.failed' then 1 else 0 end as rank,
        s.seen, i.ord = i.first and not s.seen and i.price = p.price_cents as usable
      from (select u.*, min(u.ord) over (partition by u.event) as first
        from unnest(events, intents, types, prices) with ordinality u(event, intent, type, price, ord)) i
      left join payment_intents p on p.id = i.intent
      cross join lateral (select exists (select from payment_events e where e.event_id = i.event offset 0) as seen) s
    ) m
  ) n;

  insert into payment_events (event_id, intent_id, type, created_at, outcome)
  select i.event, i.intent, i.type, i.created, i.outcome from unnest(events, intents, types, created, outcomes) i(event, intent, type, created, outcome)
  where i.outcome in ('applied', 'ignored') order by i.event
  on conflict do nothing;

  with raised as (
    update payment_intents p set
      status = case i.type when 'payment_intent.succeeded' then 'succeeded' else 'failed' end,
      failure_code = case i.type when 'payment_intent.succeeded' then null else coalesce(i.failure, 'failed') end,
      provider_id = i.provider_id, updated_at = now()
    from unnest(intents, types, provider_ids, failures, outcomes) i(intent, type, provider_id, failure, outcome)
    where i.outcome = 'applied' and p.id = i.intent
    returning p.id, p.user_id, p.tokens, p.status
  )
  select array_agg(r.id), array_agg(r.user_id), array_agg(r.tokens) into paid_ids, paid_users, paid_tokens
  from raised r where r.status = 'succeeded';

  if paid_ids is not null then
    select c.outcome into refused_credit
    from wallet_credit(paid_ids, paid_users, paid_tokens, array_fill('purchase'::text, array[cardinality(paid_ids)])) c
    where c.outcome = 'conflict' limit 1;
    if found then
      raise exception 'the ledger holds another credit under the id of one of these purchases' using errcode = 'integrity_constraint_violation';
    end if;
  end if;

  return query select o.ord::int, o.outcome from unnest(outcomes) with ordinality o(outcome, ord);
end $$;
