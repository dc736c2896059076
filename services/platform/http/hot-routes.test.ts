import { createServer, request as send, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { route } from '../route.ts';
import { createHotRoutes, type MountedRoute } from './hot-routes.ts';
import { createRouter } from './router.ts';

const shapes: ['get' | 'put' | 'post', string][] = [
  ['get', '/feed'],
  ['get', '/posts/{postId}'],
  ['put', '/posts/{postId}/like'],
  ['get', '/posts/newest'],
  ['post', '/conversations/{conversationId}/messages'],
];

function mount(hot: boolean): MountedRoute[] {
  return shapes.map(([method, path]) => ({
    route: route({ method, path, operationId: `${method} ${path}`, summary: '', auth: 'none', hot, responses: {}, handle: () => ({ status: 204 }) }),
    endpoint: (request, response) => void response.end(JSON.stringify({ method, path, params: { ...(request.params as object) } })),
  }));
}

const servers: Server[] = [];
async function serve(hot: boolean): Promise<number> {
  const server = createServer(createRouter(mount(hot), () => 'correlation'));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
function ask(port: number, method: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = send({ port, host: '127.0.0.1', method, path }, (reply) => {
      let text = '';
      reply.setEncoding('utf8').on('data', (chunk: string) => (text += chunk)).on('end', () => resolve(`${reply.statusCode} ${text}`));
    });
    outgoing.on('error', reject).end();
  });
}

let hotPort = 0;
let plainPort = 0;
beforeAll(async () => {
  hotPort = await serve(true);
  plainPort = await serve(false);
});
afterAll(() => servers.forEach((server) => server.close()));

describe('hot routes', () => {
  it('answer what Express answers, whatever the path', async () => {
    const part = fc.constantFrom('feed', 'posts', 'like', 'newest', 'conversations', 'messages', '7', 'a-b', 'a%20b', '%2e', '', 'é'.normalize(), 'Feed');
    const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => encodeURI(`/${parts.join('/')}`).replaceAll('%25', '%'));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('GET', 'PUT', 'POST', 'DELETE'), path, fc.constantFrom('', '?', '?limit=5', '?a=/posts/7'), async (method, base, query) => {
        expect(await ask(hotPort, method, base + query)).toBe(await ask(plainPort, method, base + query));
      }),
      { numRuns: 150, examples: [['GET', '/posts/7', ''], ['PUT', '/posts/7/like', '?x'], ['GET', '/posts/newest', ''], ['GET', '/feed/', ''], ['POST', '/conversations/3/messages', '']] },
    );
  });

  it('are found without Express, and only where marked', () => {
    const find = createHotRoutes(mount(true));
    expect(find('PUT', '/posts/42/like?x=1')?.params).toEqual({ postId: '42' });
    expect(find('PUT', '/posts/4%32/like')).toBeUndefined();
    expect(createHotRoutes(mount(false))('GET', '/feed')).toBeUndefined();
  });
});
