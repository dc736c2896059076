-- One bounded step of the fan-out: up to `step_size` (post, follower) pairs after (after_post, after_follower), in that
-- order, so that two workers with the same posts cannot deadlock. Idempotent. Answers the last pair, or no row at the
-- end. Of the users whose turn it is, rows beyond the newest `keep` go: a user's turn comes with every `trim_every`-th
-- post on average, which keeps the cost of looking at `keep` rows off most inserts.
create function feed_fan_out(post_ids bigint[], after_post bigint, after_follower bigint, step_size int, keep int, trim_every int)
returns table(post_id bigint, follower_id bigint) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  posts_at bigint[]; followers_at bigint[];
begin
  select array_agg(n.id), array_agg(n.follower_id) into posts_at, followers_at from (
    select p.id, f.follower_id from (
      select q.id, q.author_id from posts q
      where q.id = any (post_ids) and q.id >= after_post and not q.pulled and q.deleted_at is null order by q.id
    ) p
    cross join lateral (
      select f.follower_id from follows f where f.followee_id = p.author_id and f.follower_id <> p.author_id
        and f.follower_id > case when p.id = after_post then after_follower else 0 end
      order by f.follower_id limit step_size
    ) f
    order by p.id, f.follower_id limit step_size
  ) n;
  if posts_at is null then return; end if;

  insert into timelines (user_id, post_id)
  select i.follower_id, i.id from unnest(posts_at, followers_at) i(id, follower_id) on conflict do nothing;

  delete from timelines t using (
    select due.user_id, cut.post_id from (
      select distinct i.follower_id as user_id from unnest(posts_at, followers_at) i(id, follower_id)
      where (i.id + i.follower_id) % trim_every = 0 order by 1
    ) due
    cross join lateral (
      select o.post_id from timelines o where o.user_id = due.user_id order by o.post_id desc offset keep limit 1
    ) cut
  ) d where t.user_id = d.user_id and t.post_id <= d.post_id;

  return query select posts_at[cardinality(posts_at)], followers_at[cardinality(followers_at)];
end $$;
