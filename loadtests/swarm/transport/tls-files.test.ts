import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { runSwarm } from '../coordinator.ts';
import { resolveTls } from './resolve-links.ts';
import { makeCertificate, type TestCertificate } from './test-certificate.ts';
import { loadTls } from './tls-files.ts';

const host = createNodeHost();
const made = makeCertificate('DNS:localhost,IP:127.0.0.1');
if (made === undefined) console.warn('TLS tests are skipped: this machine has no openssl to make a certificate with');
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

describe.skipIf(made === undefined)('certificates of a run', () => {
  const { cert, key }: TestCertificate = made ?? { cert: '', key: '' };

  function folderWith(files: Readonly<Record<string, string>>): string {
    const folder = mkdtempSync(join(tmpdir(), 'sora-tls-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return folder;
  }

  it('are PEM text or files, beside the scenario or named by the run', () => {
    const folder = folderWith({ 'ca.pem': cert });
    expect(loadTls(host, undefined, folder)).toBeUndefined();
    expect(loadTls(host, { ca: './ca.pem', servername: 'a' }, folder)).toMatchObject({ ca: cert, servername: 'a' });
    expect(loadTls(host, { ca: cert, cert, key }, folder)).toMatchObject({ ca: cert, cert, key });
    const both = resolveTls(host, { tls: { ca: 'ca.pem', servername: 'a' } }, join(folder, 'scenario.ts'), { tls: { servername: 'b' } });
    expect(both).toMatchObject({ ca: cert, servername: 'b' });
  });

  it('are refused with what is wrong and what to do', () => {
    const folder = folderWith({ 'text.pem': 'nothing' });
    const refusal = (material: Parameters<typeof loadTls>[1]): unknown => {
      try {
        return loadTls(host, material, folder);
      } catch (error) {
        return error;
      }
    };
    expect(refusal({ ca: 'missing.pem' })).toMatchObject({ exitCode: 104, message: expect.stringContaining('missing.pem') });
    expect(refusal({ cert })).toMatchObject({ exitCode: 104, message: 'tls.cert is given without tls.key' });
    expect(refusal({ cert, key: 'text.pem' })).toMatchObject({ exitCode: 104, message: expect.stringContaining('cannot be used') });
  });

  it('carry a run over TLS, a connection for each user', { timeout: 60_000 }, async () => {
    const sockets = new Set<unknown>();
    const server = createServer({ cert, key, keepAliveTimeout: 60_000 }, (request, response) => {
      sockets.add(request.socket);
      response.end('hello');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const said: string[] = [];
    const measured = await runSwarm({
      host,
      scenarioFile: fileURLToPath(new URL('../fixtures/hello.ts', import.meta.url)),
      target: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
      runId: 'aabbccdd',
      overrides: { users: 60, rampMs: 500, holdMs: 1_500, thinkTimeMs: { kind: 'constant', value: 500 }, transport: 'per-user', tls: { ca: cert } },
      log: (message) => said.push(message),
    });
    expect(measured.errors).toEqual([]);
    expect([measured.transport, measured.runtime, sockets.size]).toEqual(['per-user', 'node', 60]);
    expect(measured.workers.map(({ links }) => links?.opened)).toEqual([60]);
    expect(said.join()).toMatch(/one connection a user, under Node; this machine allows [\d,]+ users/);
  });
});
