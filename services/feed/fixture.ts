import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createNodeHost } from '../../ops/core/node-host.ts';
import type { Database, Statement } from '../platform/database.ts';
import type { Platform } from '../platform/domain.ts';
import type { RequestContext, Reply, Route } from '../platform/route.ts';

/** What the tests of this folder share. */

export function testPlatform(db: Database): Platform {
  return { host: createNodeHost(), db, log: pino({ level: 'silent' }), metrics: new Registry() };
}

const addProfiles: Statement = {
  name: 'test_add_profiles',
  text: `insert into profiles (user_id, handle, display_name, followers_count)
    select u, 'user' || u, 'User ' || u, f from unnest($1::bigint[], $2::bigint[]) i(u, f) on conflict (user_id) do nothing`,
};

/** @param users pairs of id and followers_count */
export async function addUsers(db: Database, users: readonly (readonly [number, number])[]): Promise<void> {
  await db.query(addProfiles, [users.map(([id]) => id), users.map(([, followers]) => followers)]);
}

const addFollows: Statement = {
  name: 'test_add_follows',
  text: `insert into follows (follower_id, followee_id, write_id)
    select f, $2, gen_random_uuid() from unnest($1::bigint[]) i(f) on conflict do nothing`,
};

export async function follow(db: Database, followers: readonly number[], followee: number): Promise<void> {
  await db.query(addFollows, [followers, followee]);
}

const emptyTables: Statement = {
  name: 'test_empty_feed',
  text: 'truncate posts, post_stats, post_likes, post_comments, timelines, feed_large_authors, follows, platform_outbox',
};

export async function emptyFeed(db: Database): Promise<void> {
  await db.query(emptyTables);
}

/** Calls a route as the router does: query through its schema, the rest as given. */
export async function call(
  routes: readonly Route[],
  operationId: string,
  request: { userId: number; params?: unknown; query?: unknown; body?: unknown; writeId?: string },
): Promise<{ status: number; headers?: Readonly<Record<string, string>>; body: unknown }> {
  const route = routes.find((candidate) => candidate.operationId === operationId);
  if (route === undefined) throw new Error(`no route ${operationId}`);
  const context = { ...request, query: route.query?.parse(request.query ?? {}), writeId: request.writeId ?? '' };
  const reply: Reply = await route.handle(context as unknown as RequestContext<unknown, unknown, unknown>);
  const head = { status: reply.status, ...(reply.headers === undefined ? {} : { headers: reply.headers }) };
  if ('json' in reply) return { ...head, body: JSON.parse(reply.json.toString()) };
  return { ...head, body: 'body' in reply ? reply.body : undefined };
}
