import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Answer } from './answer.ts';
import type { ApiError } from './answer.ts';
import { AvaloClient } from './client.ts';
import { createNodeTransport } from './node-transport.ts';
import type { NodeTransportOptions } from './node-transport.ts';
import type { SdkRequest } from './transport.ts';

const key = '00000000-0000-0000-0000-0000000000aa';

describe('each method is one operation of the API', () => {
  const person = { email: 'ann@example.org', password: 'correct horse', handle: 'ann', displayName: 'Ann' };
  const calls: readonly [string, string, (client: AvaloClient) => Promise<unknown>, boolean?][] = [
    ['POST', '/accounts/register', (c) => c.register(person)],
    ['POST', '/accounts/login', (c) => c.login({ email: person.email, password: person.password })],
    ['POST', '/accounts/refresh', (c) => c.refresh('r')],
    ['POST', '/accounts/logout', (c) => c.logout('r')],
    ['GET', '/profiles/7', (c) => c.getProfile(7)],
    ['PATCH', '/profiles/me', (c) => c.updateProfile({ bio: 'hello' })],
    ['PUT', '/profiles/7/follow', (c) => c.follow(7, key), true],
    ['DELETE', '/profiles/7/follow', (c) => c.unfollow(7)],
    ['GET', '/feed', (c) => c.getFeed()],
    ['GET', '/feed?limit=5', (c) => c.getFeed({ limit: 5 })],
    ['GET', '/feed?cursor=a%2Fb%3D', (c) => c.getFeed({ cursor: 'a/b=' })],
    ['GET', '/feed?cursor=a&limit=5', (c) => c.getFeed({ cursor: 'a', limit: 5 })],
    ['POST', '/posts', (c) => c.createPost('hello', key), true],
    ['GET', '/posts/7', (c) => c.getPost(7)],
    ['PATCH', '/posts/7', (c) => c.editPost(7, 'again')],
    ['DELETE', '/posts/7', (c) => c.deletePost(7)],
    ['PUT', '/posts/7/like', (c) => c.likePost(7, key), true],
    ['DELETE', '/posts/7/like', (c) => c.unlikePost(7)],
    ['GET', '/posts/7/comments', (c) => c.listComments(7)],
    ['POST', '/posts/7/comments', (c) => c.createComment(7, 'nice', key), true],
    ['POST', '/conversations', (c) => c.createConversation(7, key), true],
    ['GET', '/conversations', (c) => c.listConversations()],
    ['GET', '/conversations/7/messages', (c) => c.listMessages(7)],
    ['POST', '/conversations/7/messages', (c) => c.sendMessage(7, 'hi', key), true],
    ['PUT', '/conversations/7/read', (c) => c.markRead(7, 9)],
    ['GET', '/wallet', (c) => c.getWallet()],
    ['GET', '/wallet/history', (c) => c.listWalletHistory()],
    ['POST', '/wallet/transfers', (c) => c.createTransfer({ toUserId: 7, amount: 5, kind: 'tip' }, key), true],
    ['POST', '/payments/intents', (c) => c.createPaymentIntent({ packageId: 'starter', paymentMethod: 'card_ok' }, key), true],
    ['GET', '/payments/intents/pi', (c) => c.getPaymentIntent('pi')],
    ['GET', '/ai/companions', (c) => c.listCompanions()],
    ['POST', '/ai/companions/1/messages', (c) => c.sendCompanionMessage(1, 'hi', key), true],
    ['POST', '/ai/moderations', (c) => c.moderate('fine?')],
    ['GET', '/ai/usage', (c) => c.getAiUsage()],
  ];

  test.each(calls)('%s %s', async (method, path, call, keyed = false) => {
    const sent: SdkRequest[] = [];
    await call(new AvaloClient({ request: (request) => (sent.push(request), Promise.resolve({ status: 200, headers: {}, body: Buffer.from('{}'), json: <T>() => ({}) as T })) }));
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ method, path });
    expect(sent[0]?.headers?.['idempotency-key']).toBe(keyed ? key : undefined);
    expect(sent[0]?.name).toMatch(/^[a-z][A-Za-z]+$/);
  });

  test('none is left out', () => {
    const methods = Object.getOwnPropertyNames(AvaloClient.prototype).filter((name) => name !== 'constructor');
    expect(new Set(calls.map(([, , call]) => /c\.(\w+)\(/.exec(call.toString())?.[1]))).toEqual(new Set(methods));
  });
});

describe('Answer', () => {
  const answer = (status: number, body: string): Answer<{ id: number }> =>
    new Answer({ status, headers: { 'x-correlation-id': 'abc' }, body: Buffer.from(body), json: <T>() => JSON.parse(body) as T });

  test('gives the data, or throws what the problem document says', () => {
    expect(answer(201, '{"id":7}').data()).toEqual({ id: 7 });
    const thrown = (status: number, body: string): ApiError => {
      try {
        answer(status, body).data();
      } catch (error) {
        return error as ApiError;
      }
      throw new Error('it did not throw');
    };
    expect(thrown(402, '{"code":"insufficient_balance","detail":"5 of 9 tokens"}')).toMatchObject({ code: 'insufficient_balance', message: '5 of 9 tokens', status: 402, correlationId: 'abc' });
    expect(thrown(502, '<html>')).toMatchObject({ code: 'unknown', message: 'status 502 with a body that is no problem document', status: 502 });
  });
});

describe('createNodeTransport', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.closeAllConnections();
  });

  async function serve(answer: Parameters<typeof createServer>[1], options: Partial<NodeTransportOptions> = {}) {
    const server = createServer(answer as never);
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const transport = createNodeTransport({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ...options });
    return { transport, server };
  }

  test('sends the token and a JSON body, keeps its connection, and answers whatever the status', async () => {
    const seen: { headers: IncomingHttpHeaders; body: string }[] = [];
    let connections = 0;
    const { transport, server } = await serve((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        seen.push({ headers: request.headers, body });
        response.writeHead(418, { 'x-correlation-id': 'abc' }).end('{"tea":"für zwei"}');
      });
    }, { token: 'secret' });
    server.on('connection', () => connections++);
    const reply = await transport.request({ method: 'POST', path: '/posts?x=1', body: { body: 'für alle' }, headers: { 'idempotency-key': key } });
    expect(reply).toMatchObject({ status: 418, headers: { 'x-correlation-id': 'abc' } });
    expect(reply.json()).toEqual({ tea: 'für zwei' });
    await transport.request({ method: 'GET', path: '/feed' });
    expect(seen[0]).toMatchObject({ headers: { authorization: 'Bearer secret', 'idempotency-key': key, 'content-type': 'application/json' }, body: '{"body":"für alle"}' });
    expect(seen[1]?.headers['content-type']).toBeUndefined();
    expect(connections).toBe(1);
    transport.close();
  });

  test('a silent server ends in an error that names the limit', async () => {
    const { transport } = await serve(() => undefined, { timeoutMs: 50 });
    await expect(transport.request({ method: 'GET', path: '/feed' })).rejects.toMatchObject({ code: 'timeout', message: 'GET /feed gave no reply within 50 ms' });
    transport.close();
  });

  test('a reply beyond 8 MiB is refused, not kept', async () => {
    const { transport } = await serve((_request, response) => void response.end(Buffer.alloc(8 * 1024 * 1024 + 1)));
    await expect(transport.request({ method: 'GET', path: '/feed' })).rejects.toMatchObject({ code: 'reply_too_large' });
    transport.close();
  });

  test('a reply that breaks off is an error', async () => {
    const { transport } = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    await expect(transport.request({ method: 'GET', path: '/feed' })).rejects.toThrow();
    transport.close();
  });
});
