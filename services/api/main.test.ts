import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';

const folder = mkdtempSync(join(tmpdir(), 'sora-api-'));
const socketPath = join(folder, 'api.sock');
let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await test[Symbol.asyncDispose]();
});

function start(service: 'api' | 'workers', env: Record<string, string>): { child: ChildProcess; stderr: () => string; ended: Promise<unknown[]> } {
  const main = new URL(`../${service}/main.ts`, import.meta.url).pathname;
  const child = spawn(process.execPath, [main], { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, stderr: () => text, ended: once(child, 'exit') };
}
const common = (): Record<string, string> => ({ PORT: '0', DATABASE_URL: test.url, PAYMENTS_WEBHOOK_SECRET: 'a webhook secret', SORA_LOG_DIR: folder });
const apiEnv = (): Record<string, string> => ({
  ...common(), SORA_SOCKET: socketPath, SORA_TOKEN_SECRET: 'a secret of at least thirty-two characters', SORA_ADMIN_SECRET: 'an admin secret ab', SORA_TRUSTED_PEERS: 'unix', SORA_DRAIN_MS: '200',
});

interface Answer { status: number; body: Record<string, unknown> }
function call(method: string, path: string, headers: Record<string, string> = {}, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, agent: false, headers: { 'content-type': 'application/json', ...headers } }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown> }));
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
/** Polls from outside, as a supervisor does. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds().catch(() => false))) await sleep(20);
}

describe('the api process', () => {
  it('serves all domains on its socket, audits their writes, and stops cleanly on SIGTERM', async () => {
    const { child, ended } = start('api', apiEnv());
    await until(async () => (await call('GET', '/readyz')).status === 200);
    const person = (name: string) => ({ email: `${name}@example.org`, password: 'correct horse', handle: name, displayName: name });
    const [ann, bob] = [await call('POST', '/accounts/register', {}, person('ann')), await call('POST', '/accounts/register', {}, person('bob'))];
    const as = (who: Answer, key: string) => ({ authorization: `Bearer ${String(who.body['accessToken'])}`, 'idempotency-key': key });
    expect((await call('PUT', `/profiles/${String(bob.body['userId'])}/follow`, as(ann, 'abcdef01-0000-0000-0000-0000ffffffff'))).body).toEqual({ following: true, changed: true });
    expect((await call('POST', '/posts', as(bob, 'abcdef01-0000-0000-0000-000000000002'), { body: 'hello' })).status).toBe(201);
    expect((await call('POST', '/posts', as(bob, 'abcdef01-0000-0000-0000-000000000003'), { body: 'again' })).status).toBe(201);

    // The socket is not loopback TCP, so bulk sessions are refused here; the token below is made as the api makes it.
    expect(await call('POST', '/admin/sessions', { authorization: 'Bearer an admin secret ab' }, { role: 'admin', count: 1 })).toMatchObject({ status: 403, body: { code: 'loopback_only' } });
    const { createTokens } = await import('../accounts/token.ts');
    const { createNodeHost } = await import('../../ops/core/node-host.ts');
    const admin = { authorization: `Bearer ${createTokens({ clock: createNodeHost().clock, secret: apiEnv()['SORA_TOKEN_SECRET'] ?? '' }).issue({ userId: 0, role: 'admin', sessionId: 'test' })}` };
    const annId = Number(ann.body['userId']);
    const bobId = Number(bob.body['userId']);
    const items = [{ userId: annId, kind: 'follow', count: 1, checksum: 0xffffffff }, { userId: bobId, kind: 'post', count: 2, checksum: 5 }];
    expect((await call('GET', '/admin/audit/writes?run=abcdef01', admin)).body).toEqual({ items, nextAfterUser: null });
    expect((await call('GET', '/admin/audit/writes?run=abcdef01&limit=1', admin)).body).toEqual({ items: items.slice(0, 1), nextAfterUser: annId });
    expect((await call('GET', `/admin/audit/writes?run=abcdef01&limit=1&afterUser=${annId}`, admin)).body).toEqual({ items: items.slice(1), nextAfterUser: null });
    expect((await call('GET', `/admin/audit/writes/${bobId}?run=abcdef01`, admin)).body['items']).toHaveLength(2);
    expect((await call('GET', '/admin/audit/writes?run=00000000', admin)).body).toEqual({ items: [], nextAfterUser: null });

    child.kill('SIGTERM');
    await until(async () => (await call('GET', '/readyz')).status === 503);
    expect(await ended).toEqual([0, null]);
    expect(readFileSync(join(folder, 'api.log'), 'utf8')).toContain('"stopped"');
  });

  it('names every wrong variable in one message and exits 104', async () => {
    const { ended, stderr } = start('api', { PORT: '99999', SORA_TOKEN_SECRET: 'short' });
    expect(await ended).toEqual([104, null]);
    for (const part of ['PORT ("99999")', 'DATABASE_URL: is not set', 'SORA_TOKEN_SECRET', 'PAYMENTS_WEBHOOK_SECRET']) expect(stderr()).toContain(part);
    expect(stderr()).not.toContain('short');
    expect(stderr()).not.toContain('    at ');
  });

  it('says when the database cannot be reached and exits 104', async () => {
    const { ended, stderr } = start('api', { ...apiEnv(), DATABASE_URL: 'postgres://u:p@/none?host=/nowhere' });
    expect(await ended).toEqual([104, null]);
    expect(stderr()).toContain('cannot connect to the database');
  });
});

describe('the workers process', () => {
  it('becomes ready, and stops cleanly on SIGTERM', async () => {
    const { child, ended } = start('workers', common());
    await until(async () => readFileSync(join(folder, 'workers.log'), 'utf8').includes('"ready"'));
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});
