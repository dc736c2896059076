create table profiles (
  user_id bigint primary key,
  handle text not null unique,
  display_name text not null,
  bio text not null default '',
  -- Tokens for one chat message to this user once the free ones are used up.
  chat_price bigint not null default 10 check (chat_price between 0 and 1000000),
  followers_count bigint not null default 0 check (followers_count >= 0),
  following_count bigint not null default 0 check (following_count >= 0)
) with (fillfactor = 70);

create table follows (
  follower_id bigint not null,
  followee_id bigint not null,
  write_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (follower_id, followee_id),
  check (follower_id <> followee_id)
);
-- Fan-out reads the followers of an author.
create index follows_by_followee on follows (followee_id, follower_id);
-- The audit reads the writes of one run.
create index follows_by_write on follows (write_id);

-- Settles many follows and unfollows, in which no pair may occur twice, in the caller's transaction.
-- Outcomes: followed, unfollowed, unchanged, missing (no such followee). A follow repeated with the
-- same write id is followed again: the caller asks anew because the first answer was lost.
create function profiles_settle_follows(followers bigint[], followees bigint[], write_ids uuid[], wanted boolean[])
returns table (ord int, outcome text) language plpgsql as $$
begin
  -- Only one batch at a time touches the counters, so that processes cannot deadlock on them.
  perform pg_advisory_xact_lock(0200);
  return query
  with input as materialized (
    select i.ord::int as ord, i.follower, i.followee, i.write_id, i.wants,
           exists (select 1 from profiles p where p.user_id = i.followee) as found
    from unnest(followers, followees, write_ids, wanted) with ordinality as i (follower, followee, write_id, wants, ord)
  ), made as (
    insert into follows (follower_id, followee_id, write_id)
    select i.follower, i.followee, i.write_id from input i where i.wants and i.found
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
    when m.follower_id is not null then 'followed'
    when u.follower_id is not null then 'unfollowed'
    -- The rows before this statement: there once already under the same id.
    when i.wants and exists (
      select 1 from follows f where f.follower_id = i.follower and f.followee_id = i.followee and f.write_id = i.write_id
    ) then 'followed'
    else 'unchanged' end
  from input i
  left join made m on m.follower_id = i.follower and m.followee_id = i.followee and i.wants
  left join unmade u on u.follower_id = i.follower and u.followee_id = i.followee and not i.wants
  order by i.ord;
end $$;
