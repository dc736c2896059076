-- The batches of the hot path. Functions, because the planner settings keep their cached generic plans on the indexes:
-- a plan made while the tables were small would otherwise scan them until the next analyze.

-- The newest posts below `before_id` of many users' home timelines, one row a request: `items` is the ids, newest
-- first, joined by commas, deleted posts among them; `liked` the ids among them the user likes. Row 0 says what changed
-- after `since`, in one snapshot with the pages: `items` as in feed_changes, `seq` the newest; with `since` null, too far
-- back, or ahead (the database was restored), `items` is null, and a cache must start anew.
-- What is pulled is bounded: the 20 large accounts a user follows that posted last, `page_size` posts of each.
create function feed_home(users bigint[], before_ids bigint[], page_sizes int[], since bigint)
returns table(ord int, items text, liked text, seq bigint) language plpgsql stable
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  large constant bigint[] := array(select author_id from feed_large_authors);
  newest constant bigint := coalesce((select max(c.seq) from feed_changes c), 0);
begin
  return query select 0, case when newest - since between 0 and 10000 then
    coalesce((select string_agg(c.items, ',' order by c.seq) from feed_changes c where c.seq > since), '') end, null::text, newest;
  return query
  select r.ord::int, array_to_string(page.ids, ','),
    (select string_agg(l.post_id::text, ',') from post_likes l where l.user_id = r.user_id and l.post_id = any (page.ids)),
    null::bigint
  from unnest(users, before_ids, page_sizes) with ordinality r(user_id, before_id, page_size, ord)
  cross join lateral (
    select array_agg(m.post_id) as ids from (
      select u.post_id from (
        (select t.post_id from timelines t where t.user_id = r.user_id and t.post_id < r.before_id
          order by t.post_id desc limit r.page_size)
        union all
        select p.post_id from (
          select a.author_id from follows f join feed_large_authors a on a.author_id = f.followee_id
          where f.follower_id = r.user_id and f.followee_id = any (large)
          order by a.last_post_id desc limit 20
        ) followed
        cross join lateral (
          select q.id as post_id from posts q
          where q.author_id = followed.author_id and q.pulled and q.id < r.before_id order by q.id desc limit r.page_size
        ) p
      ) u order by u.post_id desc limit r.page_size
    ) m
  ) page;
end $$;

-- One post for each of many readers; no row where there is no such post.
create function feed_posts(users bigint[], ids bigint[])
returns table(ord int, id bigint, author_id bigint, body text, created_at timestamptz, likes int, comments int, liked boolean)
language plpgsql stable set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
  return query
  select r.ord::int, p.id, p.author_id, p.body, p.created_at, s.likes, s.comments,
    exists (select from post_likes l where l.user_id = r.user_id and l.post_id = r.post_id)
  from unnest(users, ids) with ordinality r(user_id, post_id, ord)
  join posts p on p.id = r.post_id join post_stats s on s.post_id = r.post_id and not s.deleted;
end $$;

-- Makes posts, each once per (author, write id), with their row of stats, their place in the author's own timeline and
-- one outbox row for the fan-out of all. Rows go in in order of their key, so that two calls cannot deadlock.
-- Answers only what this call made; the rest was there or was made by a call that ran at the same time.
create function feed_create_posts(authors bigint[], write_ids uuid[], bodies text[], large_followers_min bigint)
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
    insert into platform_outbox (topic, payload)
    select 'feed.fan_out', jsonb_build_object('postIds', jsonb_agg(m.id)) from made m where not m.pulled having count(*) > 0
  )
  select m.id, m.author_id, m.write_id, m.created_at from made m;
end $$;

-- Likes. The lock also keeps writers of post_stats in several processes from deadlocks.
-- `created`: the row in place is the one this write made, now or in an earlier try. No answer row: no such post.
create function feed_like(users bigint[], ids bigint[], write_ids uuid[])
returns table(ord int, created boolean, likes int) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  touched bigint[];
begin
  perform feed_lock_stats();
  -- A statement of its own, hence with a snapshot from after the lock.
  with input as (
    select distinct on (i.user_id, i.post_id) i.* from unnest(users, ids, write_ids) with ordinality i(user_id, post_id, write_id, ord)
    order by i.user_id, i.post_id, i.ord
  ), made as (
    insert into post_likes (user_id, post_id, write_id)
    select i.user_id, i.post_id, i.write_id from input i join post_stats s on s.post_id = i.post_id and not s.deleted
    on conflict (user_id, post_id) do nothing
    returning post_likes.post_id
  ), counted as (
    update post_stats s set likes = s.likes + c.added
    from (select m.post_id, count(*)::int as added from made m group by m.post_id) c where s.post_id = c.post_id
    returning s.post_id
  )
  select array_agg(c.post_id) into touched from counted c;
  perform feed_note_changes(touched);

  return query
  select i.ord::int, l.write_id = i.write_id, s.likes
  from unnest(users, ids, write_ids) with ordinality i(user_id, post_id, write_id, ord)
  join post_stats s on s.post_id = i.post_id and not s.deleted
  join post_likes l on l.user_id = i.user_id and l.post_id = i.post_id;
end $$;

-- Takes likes back; taking back what is not there changes nothing. No answer row: no such post.
create function feed_unlike(users bigint[], ids bigint[])
returns table(ord int, likes int) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  touched bigint[];
begin
  perform feed_lock_stats();
  with gone as (
    delete from post_likes l using (select distinct i.user_id, i.post_id from unnest(users, ids) i(user_id, post_id)) i
    where l.user_id = i.user_id and l.post_id = i.post_id
      and exists (select from post_stats s where s.post_id = i.post_id and not s.deleted)
    returning l.post_id
  ), counted as (
    update post_stats s set likes = s.likes - c.taken
    from (select g.post_id, count(*)::int as taken from gone g group by g.post_id) c where s.post_id = c.post_id
    returning s.post_id
  )
  select array_agg(c.post_id) into touched from counted c;
  perform feed_note_changes(touched);

  return query
  select i.ord::int, s.likes from unnest(users, ids) with ordinality i(user_id, post_id, ord)
  join post_stats s on s.post_id = i.post_id and not s.deleted;
end $$;

-- Comments, each once per (author, write id). Answers what this call made, like feed_create_posts.
create function feed_create_comments(post_ids bigint[], authors bigint[], write_ids uuid[], bodies text[])
returns table(id bigint, post_id bigint, author_id bigint, write_id uuid, body text, created_at timestamptz) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  made_ids bigint[]; touched bigint[];
begin
  perform feed_lock_stats();
  with input as (
    select distinct on (i.author_id, i.write_id) i.*
    from unnest(post_ids, authors, write_ids, bodies) with ordinality i(post_id, author_id, write_id, body, ord)
    join post_stats s on s.post_id = i.post_id and not s.deleted
    order by i.author_id, i.write_id, i.ord
  ), made as (
    insert into post_comments (post_id, author_id, write_id, body)
    select i.post_id, i.author_id, i.write_id, i.body from input i order by i.author_id, i.write_id
    on conflict (author_id, write_id) do nothing
    returning post_comments.id, post_comments.post_id
  ), counted as (
    update post_stats s set comments = s.comments + c.added
    from (select m.post_id, count(*)::int as added from made m group by m.post_id) c where s.post_id = c.post_id
    returning s.post_id
  )
  select (select array_agg(m.id) from made m), (select array_agg(c.post_id) from counted c) into made_ids, touched;
  perform feed_note_changes(touched);
  return query
  select c.id, c.post_id, c.author_id, c.write_id, c.body, c.created_at from post_comments c where c.id = any (made_ids);
end $$;

-- An edit (`new_body`) or a deletion (null) by the author. False: no such post of this author.
create function feed_change_post(author bigint, changed_id bigint, new_body text) returns boolean language plpgsql as $$
begin
  perform feed_lock_stats();
  update posts set body = coalesce(new_body, ''),
    edited_at = case when new_body is null then edited_at else now() end,
    deleted_at = case when new_body is null then now() end
  where id = changed_id and author_id = author and deleted_at is null;
  if not found then return false; end if;
  update post_stats set version = version + 1, deleted = new_body is null where post_id = changed_id;
  perform feed_note_changes(array[changed_id]);
  return true;
end $$;

-- Posts as caches keep them; deleted ones too, so that they are not asked for again.
create function feed_texts(ids bigint[])
returns table(id bigint, author_id bigint, body text, created_at timestamptz, version int, likes int, comments int, deleted boolean)
language plpgsql stable set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
  return query
  select p.id, p.author_id, p.body, p.created_at, s.version, s.likes, s.comments, s.deleted
  from unnest(ids) i(id) join posts p on p.id = i.id join post_stats s on s.post_id = i.id;
end $$;

-- The newest posts below an id, in the same form.
create function feed_newest_texts(before_id bigint, step_size int)
returns table(id bigint, author_id bigint, body text, created_at timestamptz, version int, likes int, comments int, deleted boolean)
language plpgsql stable set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_sort = off as $$
#variable_conflict use_column
begin
  return query
  select p.id, p.author_id, p.body, p.created_at, s.version, s.likes, s.comments, s.deleted
  from posts p join post_stats s on s.post_id = p.id where p.id < before_id order by p.id desc limit step_size;
end $$;
