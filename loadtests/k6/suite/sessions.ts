import { SharedArray } from 'k6/data';
import http from 'k6/http';
import { settings } from './settings.ts';

/** Sessions asked for at once. */
const sessionsAtOnce = 10_000;
/** Without a file, each virtual user has a copy of all tokens; more than this would fill the memory. */
const withoutFileMax = 2_000;
const ttlS = 6 * 3_600;

const { sessionsPath } = settings;
/** One copy for all virtual users. */
const kept = sessionsPath === '' ? undefined : new SharedArray<string>('sessions', () => open(sessionsPath).trimEnd().split('\n'));

/**
 * The tokens of users 0 to count - 1 for the data of `setup`: none where a file holds them, else from
 * the admin endpoint. Account ids begin at 1, so user i is account i + 1.
 */
export function issueTokens(count: number): string[] {
  if (kept !== undefined) {
    if (kept.length < count) throw new Error(`${sessionsPath} holds ${kept.length} sessions; the run has ${count} users`);
    return [];
  }
  if (settings.adminSecret === '') throw new Error('SORA_SESSIONS or SORA_ADMIN_SECRET must say how users sign in; sora load k6 sets them');
  if (count > withoutFileMax) throw new Error(`${count} users without SORA_SESSIONS would copy every token to each virtual user; the limit is ${withoutFileMax}`);
  const tokens: string[] = [];
  for (let from = 0; from < count; from += sessionsAtOnce) {
    const body = JSON.stringify({ fromUserId: from + 1, count: Math.min(sessionsAtOnce, count - from), ttlS });
    const headers = { authorization: `Bearer ${settings.adminSecret}`, 'content-type': 'application/json' };
    const reply = http.post(`${settings.adminUrl}/admin/sessions`, body, { headers, tags: { name: 'issueSessions' }, timeout: 60_000 });
    if (reply.status !== 200 && reply.status !== 201) throw new Error(`the admin endpoint refused to issue sessions: status ${reply.status}`);
    const { sessions } = reply.json() as unknown as { sessions: { accessToken: string }[] };
    tokens.push(...sessions.map(({ accessToken }) => accessToken));
  }
  return tokens;
}

/** The bearer token of a user. */
export function tokenOf(tokens: readonly string[], user: number): string {
  return (kept === undefined ? tokens[user] : kept[user]) ?? '';
}
