-- feed_create_posts as before, but its outbox row carries the trace of the call. The parameter has a default, so that
-- api processes of the version before go on calling it with four.
drop function feed_create_posts(bigint[], uuid[], text[], bigint);
create function feed_create_posts(authors bigint[], write_ids uuid[], bodies text[], large_followers_min bigint, traceparent text default null)
returns table(id bigint, author_id bigint, write_id uuid, created_at timestamptz) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
  return query
  with input as (
    select distinct on (i.author_id, i.write_id) i.* from unnest(authors, write_ids, bodies) with ordinality i(author_id, write_id, body, ord)
    order by i.author_id, i.write_id, i.ord
  ), made as (
    insert into posts (author_id, write_id, body, pulled)
    select i.author_id, i.write_id, i.body,
      coalesce((select p.followers_count > large_followers_min from profiles p where p.user_id = i.author_id), false)
    from input i order by i.author_id, i.write_id
    on conflict (author_id, write_id) do nothing
    returning posts.id, posts.author_id, posts.write_id, posts.created_at, posts.pulled
  ), stats as (
    insert into post_stats (post_id) select m.id from made m
  ), own as (
    insert into timelines (user_id, post_id) select m.author_id, m.id from made m
  ), large as (
    insert into feed_large_authors (author_id, last_post_id)
    select m.author_id, max(m.id) from made m where m.pulled group by m.author_id order by m.author_id
    on conflict (author_id) do update set last_post_id = greatest(feed_large_authors.last_post_id, excluded.last_post_id)
  ), event as (
    insert into platform_outbox (topic, payload, traceparent)
    select 'feed.fan_out', jsonb_build_object('postIds', jsonb_agg(m.id)), traceparent from made m where not m.pulled having count(*) > 0
  )
  select m.id, m.author_id, m.write_id, m.created_at from made m;
end $$;
