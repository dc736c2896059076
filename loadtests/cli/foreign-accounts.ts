import { z } from 'zod';
import { invalidConfig } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { createHttpClient } from '../swarm/http-client.ts';
import type { PreparedRun } from './prepare.ts';

const sessions = z.object({ sessions: z.array(z.object({ accessToken: z.string() })).min(1) });
const summary = z.object({ total: z.number(), seeded: z.number() });

/** Users that a message proposes to seed at least: they take a second, and are company for one who is played alone. */
const seedUsersMin = 1_000;

/**
 * Whatever a scenario of the platform does, it does it to the accounts of the database behind the
 * target, so these must be the seeder's. A target without admin side cannot be asked.
 * @returns how many accounts were seeded, the administrator's among them; undefined where nobody was asked
 * @throws SoraError 104 on accounts nobody seeded, on too few seeded ones and where the api does not tell
 */
export async function refuseForeignAccounts(
  host: Host, run: Pick<PreparedRun, 'scenario' | 'users'>, stack: { readonly adminUrl: string | undefined; readonly adminSecret: string | undefined },
): Promise<number | undefined> {
  const { adminUrl, adminSecret } = stack;
  if (run.scenario.system !== 'avalo' || adminUrl === undefined || adminSecret === undefined) return undefined;
  const { total, seeded } = await readAccounts(host, adminUrl, adminSecret);
  const seeding = `npx sora db seed --users ${Math.max(run.users, seedUsersMin)}`;
  const foreign = total - seeded;
  if (foreign > 0) {
    throw invalidConfig(
      `the database holds ${foreign} account${foreign === 1 ? '' : 's'} that the seeder did not make`,
      `a load run must not touch ${foreign === 1 ? 'it' : 'them'}: use --stack own, which runs on a database of its own, or empty this one of all it holds and seed it: npx sora db reset --yes, then ${seeding}`,
    );
  }
  if (seeded < run.users) {
    throw invalidConfig(`the database holds ${seeded} seeded accounts, the run wants ${run.users} users`, `seed it: ${seeding}; or use --stack own, which seeds a database of its own`);
  }
  return seeded;
}

/**
 * Users among whom one is played: those the plan has, or as many as there are, the administrator not counted.
 * @param seeded accounts in the database; undefined where that is not known
 */
export function playAmong(user: number, usersPlanned: number, seeded: number | undefined): number {
  return Math.max(user + 1, Math.min(usersPlanned, (seeded ?? Infinity) - 1));
}

async function readAccounts(host: Host, adminUrl: string, adminSecret: string): Promise<z.infer<typeof summary>> {
  using http = await createHttpClient(host, adminUrl, { sockets: 1 });
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
