import { invalidConfig } from '../../../ops/core/error.ts';
import type { SetupContext } from '../../swarm/scenario.ts';

/** Sessions asked for at once: their reply stays below the 8 MB that the client takes. */
const sessionsAtOnce = 20_000;
/** Longer than any run that a suite holds. */
const ttlS = 6 * 3_600;

/** The access tokens of users 0 to count - 1 in one buffer: a million strings would cost ten times the memory. */
export interface SharedSessions {
  readonly text: Uint8Array;
  /** Token i is text[offsets[i]] to text[offsets[i + 1]]. */
  readonly offsets: Uint32Array;
}

/** The bearer token of a user. */
export function tokenOf(sessions: SharedSessions, userIndex: number): string {
  const from = sessions.offsets[userIndex] ?? 0;
  const to = sessions.offsets[userIndex + 1] ?? 0;
  return Buffer.from(sessions.text.buffer, sessions.text.byteOffset + from, to - from).toString('latin1');
}

/** Packs tokens in order. */
export function packTokens(tokens: readonly string[]): SharedSessions {
  const offsets = new Uint32Array(tokens.length + 1);
  tokens.forEach((token, index) => {
    offsets[index + 1] = (offsets[index] ?? 0) + token.length;
  });
  return { text: new Uint8Array(Buffer.from(tokens.join(''), 'latin1')), offsets };
}

/**
 * Issues a session for each seeded user. Account ids begin at 1, so user i is account i + 1.
 * @throws SoraError 104 without an admin endpoint, and when it refuses
 */
export async function issueSessions(context: Pick<SetupContext, 'admin' | 'users'>): Promise<SharedSessions> {
  const admin = context.admin;
  if (admin === undefined) {
    throw invalidConfig(
      'this scenario signs its users in through the admin endpoint, and the target offers none',
      'run it against the stack: npx sora load run launch-mix',
    );
  }
  const tokens: string[] = [];
  for (let from = 0; from < context.users; from += sessionsAtOnce) {
    const count = Math.min(sessionsAtOnce, context.users - from);
    const reply = await admin.request({ method: 'POST', path: '/admin/sessions', body: { fromUserId: from + 1, count, ttlS } });
    if (reply.status !== 200 && reply.status !== 201) {
      throw invalidConfig(`the admin endpoint refused to issue sessions: status ${reply.status} ${reply.body.toString().slice(0, 200)}`);
    }
    for (const session of reply.json<{ sessions: { accessToken: string }[] }>().sessions) tokens.push(session.accessToken);
  }
  return packTokens(tokens);
}
