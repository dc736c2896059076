import { keyReused, replayedHeader } from '../platform/idempotency.ts';
import { badRequest, notFound } from '../platform/problem.ts';
import { route, type Reply, type Route } from '../platform/route.ts';
import { followReply, profileChange, profileReply, userParams } from './schemas.ts';
import type { ProfilesStore } from './store.ts';

const missing = (userId: number): Error => notFound('profile_not_found', `there is no profile ${userId}`);

export function createProfileRoutes(store: ProfilesStore): Route[] {
  const change = async (followerId: number, followeeId: number, wanted: boolean, writeId: string | null): Promise<Reply> => {
    if (followerId === followeeId) throw badRequest('follow_self', 'nobody can follow themselves');
    const outcome = await store.follow({ followerId, followeeId, wanted, writeId });
    if (outcome === 'missing') throw missing(followeeId);
    if (outcome === 'reused') throw keyReused(writeId ?? '', 'follow');
    const body = { following: wanted, changed: outcome !== 'unchanged' };
    return { status: 200, ...(outcome === 'replayed' ? { headers: { [replayedHeader]: 'true' } } : {}), body };
  };
  return [
    route({
      method: 'get', path: '/profiles/{userId}', operationId: 'getProfile', hot: true, summary: 'A profile with its counters', auth: 'user',
      params: userParams,
      responses: { 200: profileReply },
      async handle({ params }) {
        const json = await store.readJson(params.userId);
        if (json === undefined) throw missing(params.userId);
        return { status: 200, json };
      },
    }),
    route({
      method: 'patch', path: '/profiles/me', operationId: 'updateProfile', summary: 'Change your own profile', auth: 'user',
      body: profileChange,
      responses: { 200: profileReply },
      async handle({ userId, body }) {
        const profile = await store.update(userId, body);
        if (profile === undefined) throw missing(userId);
        return { status: 200, body: profile };
      },
    }),
    route({
      method: 'put', path: '/profiles/{userId}/follow', operationId: 'follow', summary: 'Follow a user', auth: 'user', idempotent: true,
      params: userParams,
      responses: { 200: followReply },
      handle: ({ userId, params, writeId }) => change(userId, params.userId, true, writeId),
    }),
    route({
      method: 'delete', path: '/profiles/{userId}/follow', operationId: 'unfollow', summary: 'Stop following a user', auth: 'user',
      params: userParams,
      responses: { 200: followReply },
      handle: ({ userId, params }) => change(userId, params.userId, false, null),
    }),
  ];
}
