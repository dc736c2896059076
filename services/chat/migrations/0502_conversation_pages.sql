-- Pages of conversations of many users at once, newest first.
create function chat_conversation_pages(users bigint[], before_ids bigint[], page_sizes int[])
returns table(ord int, id bigint, peer_id bigint, created_at timestamptz, last_message_id bigint, read_message_id bigint, peer_read_message_id bigint)
language plpgsql stable set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
  return query
  select r.ord::int, c.id, m.peer_id, c.created_at,
    (select max(x.id) from messages x where x.conversation_id = c.id), m.read_message_id, o.read_message_id
  from unnest(users, before_ids, page_sizes) with ordinality r(user_id, before_id, page_size, ord)
  cross join lateral (
    select y.* from conversation_members y where y.user_id = r.user_id and y.conversation_id < r.before_id
    order by y.conversation_id desc limit r.page_size
  ) m
  join conversations c on c.id = m.conversation_id
  join conversation_members o on o.conversation_id = m.conversation_id and o.user_id = m.peer_id
  order by r.ord, c.id desc;
end $$;
