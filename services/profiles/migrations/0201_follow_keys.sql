-- Follows, as before, with two more outcomes: `replayed`, an earlier call followed with this key; `reused`, the key is
-- that of a follow of another user, and nothing was done. No key of a user may occur twice in a call, as no pair may.
-- The look-up of a key goes through follows_by_write; `offset 0` keeps it one look-up a row, whatever the planner knows.
create or replace function profiles_settle_follows(followers bigint[], followees bigint[], write_ids uuid[], wanted boolean[])
returns table (ord int, outcome text) language plpgsql set enable_seqscan = off as $$
begin
  -- Only one batch at a time touches the counters, so that processes cannot deadlock on them.
  perform pg_advisory_xact_lock(0200);
  return query
  with input as materialized (
    select i.ord::int as ord, i.follower, i.followee, i.write_id, i.wants,
           exists (select 1 from profiles p where p.user_id = i.followee offset 0) as found,
           i.wants and exists (
             select 1 from follows o where o.write_id = i.write_id and o.follower_id = i.follower and o.followee_id <> i.followee offset 0
           ) as reused
    from unnest(followers, followees, write_ids, wanted) with ordinality as i (follower, followee, write_id, wants, ord)
  ), made as (
    insert into follows (follower_id, followee_id, write_id)
    select i.follower, i.followee, i.write_id from input i where i.wants and i.found and not i.reused
    on conflict do nothing
    returning follower_id, followee_id
  ), unmade as (
    delete from follows f using input i
    where not i.wants and f.follower_id = i.follower and f.followee_id = i.followee
    returning f.follower_id, f.followee_id
  ), change as (
    select c.user_id, sum(c.followers)::bigint as followers, sum(c.following)::bigint as following
    from (
      select followee_id as user_id, 1 as followers, 0 as following from made
      union all select follower_id, 0, 1 from made
      union all select followee_id, -1, 0 from unmade
      union all select follower_id, 0, -1 from unmade
    ) c group by c.user_id
  ), counted as (
    update profiles p
    set followers_count = p.followers_count + c.followers, following_count = p.following_count + c.following
    from change c where p.user_id = c.user_id
    returning p.user_id
  )
  select i.ord, case
    when i.wants and not i.found then 'missing'
    when i.reused then 'reused'
    when m.follower_id is not null then 'followed'
    when u.follower_id is not null then 'unfollowed'
    -- The rows before this statement: there already under the same id.
    when i.wants and exists (
      select 1 from follows f where f.follower_id = i.follower and f.followee_id = i.followee and f.write_id = i.write_id
    ) then 'replayed'
    else 'unchanged' end
  from input i
  left join made m on m.follower_id = i.follower and m.followee_id = i.followee and i.wants
  left join unmade u on u.follower_id = i.follower and u.followee_id = i.followee and not i.wants
  order by i.ord;
end $$;
