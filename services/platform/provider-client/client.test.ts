import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createPlainServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { ProviderClient, ProviderTimeout, type ProviderClientOptions } from './client.ts';

const host = createNodeHost();
const cleanups: (() => void)[] = [];
afterEach(() => cleanups.splice(0).toReversed().forEach((cleanup) => cleanup()));

interface Peer {
  readonly client: ProviderClient;
  readonly sockets: Socket[];
}

async function peerOf(listener: RequestListener, options: Partial<ProviderClientOptions> = {}): Promise<Peer> {
  const server = createServer(listener);
  const sockets: Socket[] = [];
  server.on('connection', (socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new ProviderClient(host, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ...options });
  cleanups.push(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });
  return { client, sockets };
}

const echo: RequestListener = (request, response) => {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.on('end', () => response.end(Buffer.concat(pieces)));
};
const post = (client: ProviderClient, body: string): Promise<string> =>
  client.request({ method: 'POST', path: '/x', body }).then((reply) => reply.body);

describe('the provider client', () => {
  it('bounds its connections and lets the rest wait in turn', async () => {
    const { client, sockets } = await peerOf(echo, { socketsMax: 3 });
    const bodies = Array.from({ length: 50 }, (_, n) => `número ${n}`);
    expect(await Promise.all(bodies.map((body) => post(client, body)))).toEqual(bodies);
    expect(sockets).toHaveLength(3);
  });

  it('refuses at once when too many wait', async () => {
    const { client } = await peerOf(() => undefined, { socketsMax: 1, waitingMax: 1, timeoutMs: 40 });
    const first = post(client, 'a').catch((error: unknown) => error);
    const second = post(client, 'b').catch((error: unknown) => error);
    await expect(post(client, 'c')).rejects.toThrow('1 requests wait');
    expect(await first).toBeInstanceOf(ProviderTimeout);
    // Its time counts from the call, not from when a connection was free.
    expect(await second).toBeInstanceOf(ProviderTimeout);
  });

  it('opens another connection where the server closed the one it kept', async () => {
    const { client, sockets } = await peerOf(echo);
    expect(await post(client, 'one')).toBe('one');
    const [socket] = sockets;
    socket?.end();
    await once(socket as Socket, 'close');
    expect(await post(client, 'two')).toBe('two');
    expect(sockets).toHaveLength(2);
  });

  it('reads a reply larger than one read, and refuses one larger than its bound', async () => {
    const { client } = await peerOf(echo, { replyBytesMax: 100_000 });
    const large = 'x'.repeat(90_000);
    expect(await post(client, large)).toBe(large);
    await expect(post(client, 'x'.repeat(110_000))).rejects.toThrow('larger than 100000 bytes');
    expect(await post(client, 'small')).toBe('small');
  });

  it('gives up a request whose signal says so, before and after it was sent', async () => {
    const { client } = await peerOf(() => undefined, { timeoutMs: 5_000 });
    const controller = new AbortController();
    const sent = client.request({ method: 'GET', path: '/', signal: controller.signal });
    controller.abort(new Error('the user left'));
    await expect(sent).rejects.toThrow('the user left');
    await expect(client.request({ method: 'GET', path: '/', signal: controller.signal })).rejects.toThrow('the user left');
  });

  it('does not let a path or a header break out of its line', async () => {
    const { client } = await peerOf(echo);
    await expect(client.request({ method: 'GET', path: '/a b' })).rejects.toThrow('not encoded');
    await expect(client.request({ method: 'GET', path: '/a\r\nx: y' })).rejects.toThrow('not encoded');
    await expect(client.request({ method: 'GET', path: '/', headers: { a: 'b\r\nc: d' } })).rejects.toThrow('header a');
  });

  it('fails requests under way when it is closed, and later ones', async () => {
    const { client } = await peerOf(() => undefined);
    const underWay = post(client, 'x');
    client.close();
    await expect(underWay).rejects.toThrow('closed');
    await expect(post(client, 'y')).rejects.toThrow('closed');
  });

  it('fails what is cut off, and what talks out of turn', async () => {
    const replies = ['HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab', 'nonsense\r\n\r\n'];
    const server = createPlainServer((socket) => socket.once('data', () => socket.end(replies.shift() ?? '')));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = new ProviderClient(host, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    cleanups.push(() => {
      client.close();
      server.close();
    });
    await expect(post(client, 'x')).rejects.toThrow('closed before the reply ended');
    await expect(post(client, 'x')).rejects.toThrow('no HTTP/1.1 reply');
  });
});

describe('streams of the provider client', () => {
  it('hand over pieces as they come and keep the connection', async () => {
    const { client, sockets } = await peerOf((request, response) => {
      response.write('one ');
      request.resume().on('end', () => response.end('two'));
    });
    const stream = await client.stream({ method: 'POST', path: '/', body: '{}' }, () => undefined);
    let text = '';
    for await (const piece of stream.pieces) text += piece.toString();
    expect([stream.status, text]).toEqual([200, 'one two']);
    expect((await client.request({ method: 'GET', path: '/' })).body).toBe('one two');
    expect(sockets).toHaveLength(1);
  });

  it('fail at the timeout unless the reader shows life', async () => {
    const { client } = await peerOf((_, response) => void response.write('first'), { timeoutMs: 40 });
    const failed = Promise.withResolvers<Error>();
    const stream = await client.stream({ method: 'GET', path: '/' }, failed.resolve);
    expect(await failed.promise).toBeInstanceOf(ProviderTimeout);
    await expect(stream.pieces[Symbol.asyncIterator]().next()).rejects.toBeInstanceOf(ProviderTimeout);
  });

  it('end the connection when the reader stops early', async () => {
    const { client, sockets } = await peerOf((_, response) => void response.write('first'));
    const stream = await client.stream({ method: 'GET', path: '/' }, () => undefined);
    for await (const piece of stream.pieces) if (piece.length > 0) break;
    const [socket] = sockets;
    if (socket?.destroyed === false) await once(socket, 'close');
    expect(socket?.destroyed).toBe(true);
  });
});
