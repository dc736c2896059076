import { z } from 'zod';
import { invalidConfig } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { createHttpClient } from '../swarm/http-client.ts';
import type { PreparedRun } from './prepare.ts';

const sessions = z.object({ sessions: z.array(z.object({ accessToken: z.string() })).min(1) });
const summary = z.object({ total: z.number(), seeded: z.number() });

/**
 * Whatever a scenario of the platform does, it does it to the accounts of the database behind the
 * target, so these must be the seeder's. A target without admin side cannot be asked.
 * @throws SoraError 104 on accounts nobody seeded, on too few seeded ones and where the api does not tell
 */
export async function refuseForeignAccounts(
  host: Host, run: Pick<PreparedRun, 'scenario' | 'users'>, stack: { readonly adminUrl: string | undefined; readonly adminSecret: string | undefined },
): Promise<void> {
  const { adminUrl, adminSecret } = stack;
  if (run.scenario.system !== 'avalo' || adminUrl === undefined || adminSecret === undefined) return;
  const { total, seeded } = await readAccounts(host, adminUrl, adminSecret);
  if (total > seeded) {
    throw invalidConfig(
      `the database holds ${total - seeded} accounts that the seeder did not make`,
      'a load run must not touch them: use --stack own, which runs on a database of its own',
    );
  }
  if (seeded < run.users) {
    throw invalidConfig(`the database holds ${seeded} seeded accounts, the run wants ${run.users} users`, `seed it: npx sora db seed --users ${run.users}`);
  }
}

async function readAccounts(host: Host, adminUrl: string, adminSecret: string): Promise<z.infer<typeof summary>> {
  using http = createHttpClient(host, adminUrl, { sockets: 1 });
  const signedIn = await http.request({
    method: 'POST', path: '/admin/sessions', headers: { authorization: `Bearer ${adminSecret}` }, body: { role: 'admin', count: 1, ttlS: 60 },
  });
  if (signedIn.status >= 300) throw unknown('/admin/sessions', signedIn.status);
  const bearer = sessions.parse(signedIn.json()).sessions[0]?.accessToken ?? '';
  const reply = await http.request({ method: 'GET', path: '/admin/accounts/summary', headers: { authorization: `Bearer ${bearer}` } });
  if (reply.status !== 200) throw unknown('/admin/accounts/summary', reply.status);
  return summary.parse(reply.json());
}

function unknown(path: string, status: number): Error {
  return invalidConfig(`whose accounts the database holds is unknown: ${path} answered ${status}`, 'see what the api says: npx sora logs --service api');
}
