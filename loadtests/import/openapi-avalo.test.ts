import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestHost } from '../../ops/core/test-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import { importCommand } from '../cli/import.ts';
import { debugUser } from '../swarm/debug-user.ts';
import { linkPackage } from './fixtures/link-package.ts';
import { checkWritten } from './fixtures/check-written.ts';
import type { ImportReport } from './outcome.ts';

/** The whole way on the api that ships with the project: its own document becomes a journey that it answers. */
const folder = mkdtempSync(join(tmpdir(), 'sora-import-'));
let test: TestDatabase;
let api: ChildProcess;
let target = '';

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

function call(method: string, path: string, headers: Record<string, string> = {}, body?: object): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${target}${path}`, { method, agent: false, headers: { 'content-type': 'application/json', ...headers } }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

beforeAll(async () => {
  test = await createTestDatabase();
  const port = await freePort();
  target = `http://127.0.0.1:${port}`;
  const env = {
    PATH: process.env['PATH'], PORT: String(port), DATABASE_URL: test.url, PAYMENTS_WEBHOOK_SECRET: 'a webhook secret', SORA_LOG_DIR: folder,
    SORA_TOKEN_SECRET: 'a secret of at least thirty-two characters', SORA_ADMIN_SECRET: 'an admin secret ab', SORA_DRAIN_MS: '0',
  };
  api = spawn(process.execPath, [new URL('../../services/api/main.ts', import.meta.url).pathname], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  // Polls from outside, as a supervisor does.
  while ((await call('GET', '/readyz').catch(() => ({ status: 0 }))).status !== 200) await sleep(20);
});
afterAll(async () => {
  delete process.env['AVALO_BEARER_TOKEN'];
  api.kill('SIGTERM');
  if (api.exitCode === null) await once(api, 'exit');
  await test[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

it('calls every safe operation of the running api, ids from its own replies', async () => {
  const join_ = async (name: string): Promise<{ accessToken: string; userId: number }> =>
    JSON.parse((await call('POST', '/accounts/register', {}, { email: `${name}@example.org`, password: 'correct horse', handle: name, displayName: name })).text) as { accessToken: string; userId: number };
  const [ann, bob] = [await join_('ann'), await join_('bob')];
  const as = (who: { accessToken: string }): Record<string, string> => ({ authorization: `Bearer ${who.accessToken}`, 'idempotency-key': randomUUID() });
  expect((await call('POST', '/posts', as(ann), { body: 'hello' })).status).toBe(201);
  expect((await call('POST', '/conversations', as(ann), { peerId: bob.userId })).status).toBeLessThan(300);

  const console_ = createTestHost();
  writeFileSync(join(folder, 'avalo.json'), (await call('GET', '/openapi.json')).text);
  linkPackage(folder);
  importCommand({ ...console_, process: { ...console_.process, cwd: () => folder } }, ['avalo.json', '--json']);
  const report = JSON.parse(console_.written.stdout) as ImportReport;
  expect(report.secrets).toEqual(['AVALO_BEARER_TOKEN']);
  expect(report.leftOut.map(({ what }) => what)).toEqual(['GET /payments/intents/{intentId}: no other reply has its intentId, and the document gives no example']);

  checkWritten(folder, join(folder, 'avalo.ts'));
  process.env['AVALO_BEARER_TOKEN'] = ann.accessToken;
  const ends = new Map<string, string>();
  const carried = new Set<string>();
  for await (const event of debugUser({ host: createNodeHost(), scenarioFile: join(folder, 'avalo.ts'), target, runId: 'aabbccdd', user: 0 })) {
    if (event.kind === 'carried') carried.add(event.name);
    if (event.kind === 'end') ends.set(event.op, event.outcome);
  }
  // They want an administrator's token; the journey is given a user's.
  const forAdmins = ['audit-ledger', 'accounts-summary', 'audit-writes', 'audit-user-writes'];
  const failed = [...ends].filter(([, outcome]) => outcome !== 'ok').map(([op]) => op);
  expect(failed.filter((op) => !forAdmins.includes(op))).toEqual([]);
  expect([...carried]).toEqual(expect.arrayContaining(['postId', 'conversationId', 'userId']));
  expect([...ends.keys()]).toEqual(expect.arrayContaining(['get-feed', 'get-post', 'list-comments', 'list-conversations', 'list-messages', 'get-wallet', 'get-profile']));
});
