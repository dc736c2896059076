import { invalidConfig } from '../../../ops/core/error.ts';
import type { Host } from '../../../ops/core/host.ts';
import { issueSessions, tokenOf } from '../../scenarios/launch-mix/sessions.ts';
import { createHttpClient } from '../../swarm/http-client.ts';

/**
 * Signs the users in through the admin endpoint and writes their tokens for k6, one a line: k6 then
 * keeps one copy for all its virtual users. The file is its owner's only; who calls removes it.
 * @throws SoraError 104 without an admin endpoint, and when it refuses
 */
export async function writeSessions(
  host: Host, stack: { readonly adminUrl: string | undefined; readonly adminSecret: string | undefined }, users: number, path: string,
): Promise<void> {
  const { adminUrl, adminSecret } = stack;
  if (adminUrl === undefined || adminSecret === undefined) {
    throw invalidConfig('the stack offers no admin endpoint to sign users in', 'give their access tokens: --sessions FILE, one a line, user 0 first');
  }
  using admin = await createHttpClient(host, adminUrl, { sockets: 1, headers: { authorization: `Bearer ${adminSecret}` } });
  const sessions = await issueSessions({ admin, users });
  const tokens = Array.from({ length: users }, (_, user) => tokenOf(sessions, user));
  host.files.writeText(path, `${tokens.join('\n')}\n`, 0o600);
}
