import type { SetupContext } from '../../swarm/scenario.ts';
import { issueSessions, tokenOf, type SharedSessions } from './sessions.ts';

/** What all users of a run share; one copy a worker. */
export interface LaunchShared {
  readonly sessions: SharedSessions;
  readonly users: number;
  /** Posts 1 to this were there at the start. */
  readonly posts: number;
}

/** How many users' timelines are looked at to learn how many posts there are. */
const probes = 5;

/** Signs every user in and learns how much there is to like. */
export async function setUp(context: SetupContext): Promise<LaunchShared> {
  const sessions = await issueSessions(context);
  const probed = Math.min(probes, context.users);
  let posts = 1;
  for (let user = 0; user < probed; user++) {
    const reply = await context.http.request({ method: 'GET', path: '/feed?limit=1', headers: userHeaders(user, sessions) });
    const newest = reply.status === 200 ? reply.json<{ items: { id: number }[] }>().items[0]?.id : undefined;
    posts = Math.max(posts, newest ?? 0);
  }
  return { sessions, users: context.users, posts };
}

/** A user's token, and a client address of its own out of 10.0.0.0/8. */
export function userHeaders(userIndex: number, sessions: SharedSessions): Record<string, string> {
  const address = `10.${(userIndex >>> 16) & 255}.${(userIndex >>> 8) & 255}.${userIndex & 255}`;
  return { authorization: `Bearer ${tokenOf(sessions, userIndex)}`, 'x-forwarded-for': address };
}
