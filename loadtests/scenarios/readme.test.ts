import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import type { Summary } from '../report/summary-schema.ts';
import { suiteSchema } from '../suites/suite-schema.ts';
import { makeCertificate, type TestCertificate } from '../swarm/transport/test-certificate.ts';

const made = makeCertificate('IP:127.0.0.1');
if (made === undefined) console.warn('the example of the README is not run: this machine has no openssl to make a certificate with');

/** The first example of a section. */
function exampleOf(section: string, language: 'ts' | 'json', path = 'README.md'): string {
  const readme = readFileSync(join(import.meta.dirname, path), 'utf8');
  const text = readme.slice(readme.indexOf(`## ${section}\n`));
  return new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(text)?.[1] ?? '';
}

/** Answers what the example asks for, and keeps what it was asked. */
class Shop {
  readonly asked = new Map<string, number>();
  readonly wrong: string[] = [];

  answer(request: IncomingMessage, reply: ServerResponse): void {
    request.resume();
    const path = `${request.method} ${request.url}`;
    const count = (this.asked.get(path) ?? 0) + 1;
    this.asked.set(path, count);
    const { headers } = request;
    const ofUser = !path.endsWith('/test-shops');
    if (ofUser && (headers['x-shop'] !== 'shop-7' || !String(headers.authorization).startsWith('Bearer user-'))) this.wrong.push(`${path} without the user's headers`);
    const needsCookie = ofUser && path !== 'POST /login';
    if (needsCookie && headers.cookie !== 'session=abc') this.wrong.push(`${path} without the cookie`);
    if (path === 'POST /login') reply.writeHead(302, { location: '/home', 'set-cookie': 'session=abc; Path=/' }).end();
    else if (path === 'GET /items') this.#answerItems(headers, reply, count);
    else if (path === 'GET /vouchers') reply.writeHead(404).end();
    else if (path === 'POST /payments') reply.writeHead(count % 4 === 0 ? 402 : 201).end();
    else reply.setHeader('content-type', 'application/json').end('{"id":"shop-7"}');
  }

  /** Not there at each first try of two. */
  #answerItems(headers: IncomingMessage['headers'], reply: ServerResponse, count: number): void {
    if (headers['accept-encoding']?.includes('gzip') !== true) this.wrong.push('GET /items asks for no compression');
    if (count % 2 === 1) reply.writeHead(503).end();
    else reply.setHeader('content-encoding', 'gzip').end(gzipSync('[]'));
  }
}

it.skipIf(made === undefined)('has an example of all that a client can do, which runs as it stands', { timeout: 60_000 }, async () => {
  const { cert, key }: TestCertificate = made ?? { cert: '', key: '' };
  const folder = mkdtempSync(join(tmpdir(), 'sora-readme-'));
  const shop = new Shop();
  const server = createServer({ cert, key }, (request, reply) => shop.answer(request, reply));
  const sockets = new WebSocketServer({ server, path: '/chat', handleProtocols: (offered) => (offered.has('chat.v1') ? 'chat.v1' : false) });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data as Buffer, { binary: false })));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    writeFileSync(join(folder, 'ca.pem'), cert);
    writeFileSync(join(folder, 'member.ts'), exampleOf('Connections, requests and setup', 'ts'));
    const patient = ['lateness=60s', 'loop-delay=60s', 'cpu=1', 'users=0'].flatMap((limit) => ['--validity', limit]);
    const target = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const args = ['run', join(folder, 'member.ts'), '--target', target, '--duration', '2s', '--workers', '1', ...patient, '-o', 'json'];
    const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts'), ...args], { env: { PATH: process.env['PATH'] ?? '', SORA_HOME: folder } });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
    const [code] = (await once(child, 'close')) as [number | null];
    expect([code, shop.wrong], Buffer.concat(err).toString()).toEqual([0, []]);
    const summary = JSON.parse(Buffer.concat(out).toString()) as Summary;
    expect(summary.verdict).toBe('pass');
    expect(Buffer.concat(err).toString()).toContain('at least');
    for (const path of ['POST /test-shops', 'DELETE /test-shops']) expect(shop.asked.get(path)).toBe(1);
    for (const path of ['POST /login', 'GET /home', 'GET /items', 'GET /vouchers', 'POST /payments']) expect(shop.asked.get(path), path).toBeGreaterThan(10);
  } finally {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
});

it('has beside it an example of a suite with every kind of part', () => {
  const suite = suiteSchema.parse(JSON.parse(exampleOf('A suite of your own', 'json', '../suites/README.md')));
  expect(suite.parts.map(({ kind }) => kind)).toEqual(['run', 'spike', 'soak', 'search']);
});
