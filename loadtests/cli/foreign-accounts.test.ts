import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import launchMix from '../scenarios/launch-mix.ts';
import shopper from '../swarm/fixtures/shopper.ts';
import type { Scenario } from '../swarm/scenario.ts';
import { playAmong, refuseForeignAccounts } from './foreign-accounts.ts';

const host = createNodeHost();
const adminSecret = 'a-secret-of-the-admin';
const avalo = { ...shopper, system: 'avalo' } as unknown as Scenario<never>;
let server: Server | undefined;
let asked = 0;
afterEach(() => server?.close());

/** An api that holds so many accounts. */
async function serve(accounts: { total: number; seeded: number }): Promise<string> {
  asked = 0;
  const started = createServer((request, reply) => {
    asked += 1;
    const isAdmin = request.headers.authorization === (request.url === '/admin/sessions' ? `Bearer ${adminSecret}` : 'Bearer token');
    const body = request.url === '/admin/sessions' ? { sessions: [{ accessToken: 'token' }] } : accounts;
    reply.writeHead(isAdmin ? 200 : 403, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
}

describe('playAmong', () => {
  it('plays one user among as many as there are, at most those of the plan', () => {
    expect(playAmong(7, 1_000, 501)).toBe(500);
    expect(playAmong(7, 1_000, 10_001)).toBe(1_000);
    expect(playAmong(7, 1_000, undefined)).toBe(1_000);
    expect(playAmong(7, 1_000, 8)).toBe(8);
  });
});

describe('refuseForeignAccounts', () => {
  it('lets a scenario at a database that the seeder alone filled', async () => {
    expect(await refuseForeignAccounts(host, { scenario: avalo, users: 100 }, { adminUrl: await serve({ total: 101, seeded: 101 }), adminSecret })).toBe(101);
    expect(asked).toBe(2);
  });
  it('refuses any scenario of the platform where one account is foreign', async () => {
    const adminUrl = await serve({ total: 102, seeded: 101 });
    for (const scenario of [avalo, launchMix as unknown as Scenario<never>]) {
      await expect(refuseForeignAccounts(host, { scenario, users: 100 }, { adminUrl, adminSecret })).rejects.toMatchObject({
        exitCode: 104, message: 'the database holds 1 account that the seeder did not make',
        hint: expect.stringContaining('npx sora db reset --yes, then npx sora db seed --users 1000') as string,
      });
    }
  });
  it('refuses more users than there are accounts, and an api that does not tell', async () => {
    const adminUrl = await serve({ total: 50, seeded: 50 });
    await expect(refuseForeignAccounts(host, { scenario: avalo, users: 100 }, { adminUrl, adminSecret })).rejects.toThrow('50 seeded accounts');
    await expect(refuseForeignAccounts(host, { scenario: avalo, users: 10 }, { adminUrl, adminSecret: 'wrong' })).rejects.toThrow('/admin/sessions answered 403');
  });
  it('leaves foreign systems alone', async () => {
    const adminUrl = await serve({ total: 9, seeded: 0 });
    await refuseForeignAccounts(host, { scenario: shopper as unknown as Scenario<never>, users: 10 }, { adminUrl, adminSecret });
    expect(asked).toBe(0);
  });
});
