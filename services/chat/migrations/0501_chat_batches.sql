-- The batches of the hot path. Functions, because the planner settings keep their cached generic plans on the indexes:
-- a plan made while the tables were small would otherwise scan them until the next analyze.

-- All sends, batched or not, hold this lock to their commit. A batch takes milliseconds and carries hundreds, and one
-- process has one batch in flight; in return counts of free messages and write ids need no further care, and two
-- batches cannot deadlock, whatever conversations and wallets they share.
create function chat_lock_sends() returns void language sql as $$ select pg_advisory_xact_lock(7305201500) $$;

-- Sends many messages in array order as if each had been sent alone: prices each (the first 4 of a sender in a
-- conversation are free), settles the paid ones in one call of the wallet, and writes those that were free or paid.
-- `outcome`: `created`; `replayed`, with the message an earlier try made; `missing`, the sender is no member;
-- `insufficient`, the balance is below the price; `conflict`, the write id has paid for something else.
create function chat_send(senders bigint[], conversations bigint[], write_ids uuid[], bodies text[])
returns table(ord int, outcome text, id bigint, conversation_id bigint, body text, price bigint, created_at timestamptz)
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  new_ords bigint[]; new_prices bigint[];
  paid_ords bigint[]; payees bigint[];
  refused bigint[] := '{}'; conflicts uuid[] := '{}';
begin
  perform chat_lock_sends();
  -- Statements after the lock have snapshots that hold all earlier sends.
  select array_agg(n.ord order by n.ord), array_agg(n.price order by n.ord),
    array_agg(n.ord order by n.ord) filter (where n.price > 0), array_agg(n.peer_id order by n.ord) filter (where n.price > 0)
  into new_ords, new_prices, paid_ords, payees
  from (
    select f.ord, f.peer_id, case
      when f.sent_count + row_number() over (partition by f.conversation_id, f.sender_id order by f.ord) <= 4 then 0
      else coalesce((select p.chat_price from profiles p where p.user_id = f.peer_id), 0) end as price
    from (
      select distinct on (i.sender_id, i.write_id) i.*, m.peer_id, m.sent_count
      from unnest(senders, conversations, write_ids) with ordinality i(sender_id, conversation_id, write_id, ord)
      join conversation_members m on m.conversation_id = i.conversation_id and m.user_id = i.sender_id
      where not exists (select from messages x where x.sender_id = i.sender_id and x.write_id = i.write_id)
      order by i.sender_id, i.write_id, i.ord
    ) f
  ) n;

  if paid_ords is not null then
    select coalesce(array_agg(paid_ords[c.ord]), '{}'),
      coalesce(array_agg(write_ids[paid_ords[c.ord]]) filter (where c.outcome = 'conflict'), '{}')
    into refused, conflicts
    from wallet_charge(
      array(select write_ids[p.ord] from unnest(paid_ords) with ordinality p(ord, at) order by p.at),
      array(select senders[p.ord] from unnest(paid_ords) with ordinality p(ord, at) order by p.at),
      payees,
      array(select n.price from unnest(new_prices) with ordinality n(price, at) where n.price > 0 order by n.at),
      array_fill('chat'::text, array[cardinality(paid_ords)])
    ) c where c.outcome not in ('ok', 'replayed');
  end if;

  if new_ords is not null then
    with made as (
      insert into messages (conversation_id, sender_id, write_id, body, price)
      select conversations[n.ord], senders[n.ord], write_ids[n.ord], bodies[n.ord], n.price
      from unnest(new_ords, new_prices) n(ord, price) where n.ord <> all (refused) order by n.ord
      returning messages.conversation_id, messages.sender_id
    )
    update conversation_members m set sent_count = m.sent_count + c.added
    from (select d.conversation_id, d.sender_id, count(*) as added from made d group by d.conversation_id, d.sender_id) c
    where m.conversation_id = c.conversation_id and m.user_id = c.sender_id;
  end if;

  return query
  select i.ord::int, case
      when x.id is not null then case when i.ord = any (new_ords) then 'created' else 'replayed' end
      when i.write_id = any (conflicts) then 'conflict'
      when exists (select from conversation_members m where m.conversation_id = i.conversation_id and m.user_id = i.sender_id)
        then 'insufficient'
      else 'missing' end,
    x.id, x.conversation_id, x.body, x.price, x.created_at
  from unnest(senders, conversations, write_ids) with ordinality i(sender_id, conversation_id, write_id, ord)
  left join messages x on x.sender_id = i.sender_id and x.write_id = i.write_id;
end $$;

-- Pages of messages, newest first, for members only: no row for others, one row of nulls for an empty page.
create function chat_messages(users bigint[], conversations bigint[], before_ids bigint[], page_sizes int[])
returns table(ord int, id bigint, conversation_id bigint, sender_id bigint, body text, price bigint, created_at timestamptz)
language plpgsql stable set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
  return query
  select r.ord::int, x.id, x.conversation_id, x.sender_id, x.body, x.price, x.created_at
  from unnest(users, conversations, before_ids, page_sizes) with ordinality r(user_id, conversation_id, before_id, page_size, ord)
  join conversation_members m on m.conversation_id = r.conversation_id and m.user_id = r.user_id
  left join lateral (
    select y.* from messages y where y.conversation_id = r.conversation_id and y.id < r.before_id
    order by y.id desc limit r.page_size
  ) x on true
  order by r.ord, x.id desc;
end $$;
