-- A key that comes back with another body or path is refused, so what it wrote first must be known. Comments cannot
-- change. Of a post, the first edit or the deletion keeps the SHA-256 of the text as it was written; a post that was
-- edited before this column was there has none, and its key repeats whatever comes.
alter table posts add column written_sha256 bytea;

create or replace function feed_change_post(author bigint, changed_id bigint, new_body text) returns boolean language plpgsql as $$
begin
  perform feed_lock_stats();
  update posts set body = coalesce(new_body, ''),
    written_sha256 = coalesce(written_sha256, case when edited_at is null then sha256(convert_to(body, 'UTF8')) end),
    edited_at = case when new_body is null then edited_at else now() end,
    deleted_at = case when new_body is null then now() end
  where id = changed_id and author_id = author and deleted_at is null;
  if not found then return false; end if;
  update post_stats set version = version + 1, deleted = new_body is null where post_id = changed_id;
  perform feed_note_changes(array[changed_id]);
  return true;
end $$;

-- Which post a user's key liked. By user first, as the primary key is: the pages of one user's likes lie together.
create index post_likes_by_write on post_likes (user_id, write_id);

-- Likes, as before; no key of a user may occur twice. `replayed`: an earlier call made the like with this key.
-- `reused`: the key is that of a like of another post, and this one was not made.
drop function feed_like(bigint[], bigint[], uuid[]);
create function feed_like(users bigint[], ids bigint[], write_ids uuid[])
returns table(ord int, created boolean, likes int, replayed boolean, reused boolean) language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  touched bigint[];
begin
  perform feed_lock_stats();
  -- A statement of its own, hence with a snapshot from after the lock.
  with input as (
    select distinct on (i.user_id, i.post_id) i.* from unnest(users, ids, write_ids) with ordinality i(user_id, post_id, write_id, ord)
    where not exists (select from post_likes o where o.user_id = i.user_id and o.write_id = i.write_id and o.post_id <> i.post_id offset 0)
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
  select i.ord::int, coalesce(l.write_id = i.write_id, false), s.likes,
    coalesce(l.write_id = i.write_id and l.xmin <> pg_current_xact_id()::xid, false),
    l.write_id is distinct from i.write_id
      and exists (select from post_likes o where o.user_id = i.user_id and o.write_id = i.write_id and o.post_id <> i.post_id offset 0)
  from unnest(users, ids, write_ids) with ordinality i(user_id, post_id, write_id, ord)
  join post_stats s on s.post_id = i.post_id and not s.deleted
  left join post_likes l on l.user_id = i.user_id and l.post_id = i.post_id;
end $$;
