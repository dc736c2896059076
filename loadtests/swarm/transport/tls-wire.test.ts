import { once } from 'node:events';
import { createServer, type ServerOptions } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { Exchange } from '../exchange.ts';
import { Transport } from '../transport.ts';
import { makeCertificate, type TestCertificate } from './test-certificate.ts';
import type { TlsMaterial } from './tls-wire.ts';

const own = makeCertificate('DNS:localhost,IP:127.0.0.1');
if (own === undefined) console.warn('TLS tests are skipped: this machine has no openssl to make a certificate with');
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

async function listen(options: ServerOptions): Promise<number> {
  const server = createServer(options, (request, response) => {
    const socket = request.socket as TLSSocket;
    response.end(JSON.stringify({ path: request.url, resumed: socket.isSessionReused(), name: socket.servername, authorized: socket.authorized }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function open(target: string, tls: TlsMaterial, connectTimeoutMs?: number): Transport {
  const now = (): number => performance.now();
  const transport = new Transport({ target: new URL(target), sockets: 1, now, tls, connectTimeoutMs });
  const timer = setInterval(() => transport.tick(now()), 5);
  closers.push(() => {
    clearInterval(timer);
    transport.close();
  });
  return transport;
}

function get(transport: Transport, headers = ''): Promise<Exchange> {
  return new Promise((resolve) => transport.send(new Exchange('GET', '/hello', headers, undefined, 5_000, resolve)));
}

describe.skipIf(own === undefined)('TLS', () => {
  const { cert, key }: TestCertificate = own ?? { cert: '', key: '' };

  it('trusts the authority it is given, by name and by address, and resumes the session', async () => {
    const port = await listen({ cert, key });
    const byName = open(`https://localhost:${port}`, { ca: cert });
    const first = await get(byName, 'connection: close\r\n');
    expect(first.error).toBeUndefined();
    expect(first.reply?.json()).toMatchObject({ path: '/hello', resumed: false, name: 'localhost' });
    expect((await get(byName)).reply?.json()).toMatchObject({ resumed: true });
    const byAddress = await get(open(`https://127.0.0.1:${port}`, { ca: cert }));
    expect(byAddress.reply?.json()).toMatchObject({ path: '/hello', name: false });
  });

  it('refuses what it cannot verify with an error that says what to do, unless told otherwise', async () => {
    const port = await listen({ cert, key });
    const unknown = await get(open(`https://127.0.0.1:${port}`, {}));
    expect([unknown.error?.kind, unknown.error?.message]).toEqual(['tls', expect.stringContaining('--tls-ca')]);
    const wrongName = await get(open(`https://127.0.0.1:${port}`, { ca: cert, servername: 'other.test' }));
    expect(wrongName.error?.kind).toBe('tls');
    expect((await get(open(`https://127.0.0.1:${port}`, { rejectUnauthorized: false }))).reply?.status).toBe(200);
  });

  it('shows its own certificate to a server that asks for one', async () => {
    const port = await listen({ cert, key, ca: cert, requestCert: true, rejectUnauthorized: true });
    const shown = await get(open(`https://127.0.0.1:${port}`, { ca: cert, cert, key }));
    expect(shown.reply?.json()).toMatchObject({ authorized: true });
    expect((await get(open(`https://127.0.0.1:${port}`, { ca: cert }))).error).toBeDefined();
  });

  it('gives up a handshake that does not end in time', async () => {
    const silent = createTcpServer((socket) => closers.push(() => void socket.destroy()));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    closers.push(() => void silent.close());
    const target = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const done = await get(open(target, { ca: cert }, 60));
    expect([done.error?.kind, done.error?.message, done.writtenMs]).toEqual(['timeout', 'no connection within 60 ms', -1]);
  });

  it('asks the guard before it connects', async () => {
    const refused = await get(open('https://192.0.2.1:444', { ca: cert }));
    expect([refused.error?.kind, refused.writtenMs]).toEqual(['refused_target', -1]);
  });
});
