import { describe, expect, it } from 'vitest';
import { simulate } from './fixtures/simulate.ts';
import { checkFields, faultOf } from './request-shape.ts';
import type { HttpRequest, JourneyUser } from './scenario.ts';

/** As a file that no compiler has seen may write it. */
const written = (request: unknown): HttpRequest => request as HttpRequest;

describe('faultOf', () => {
  it.each([
    ['a slip in the method', { metod: 'GET', path: '/' }, '"metod" is no field of a request; did you mean method?'],
    ['a slip in the path', { method: 'GET', pth: '/' }, '"pth" is no field of a request; did you mean path?'],
    ['a method in small letters', { method: 'get', path: '/' }, 'method "get" is none of GET, HEAD, POST, PUT, PATCH, DELETE; did you mean GET?'],
    ['another method', { method: 'PROPFIND', path: '/' }, 'method "PROPFIND" is none of GET, HEAD, POST, PUT, PATCH, DELETE'],
    ['no method', { path: '/cart' }, 'method is missing in a request of "/cart"'],
    ['no path', { method: 'GET' }, 'path is missing in a GET request'],
  ])('names %s', (_what, request, message) => {
    expect(faultOf(written(request))?.message).toBe(message);
  });

  it('lets a request pass that has both', () => {
    expect(faultOf({ method: 'DELETE', path: '/posts/4' })).toBeUndefined();
  });
});

it('finds a field that requests do not have beside method and path', () => {
  expect(() => checkFields(written({ method: 'GET', path: '/', heders: {} }))).toThrow('"heders" is no field of a request; did you mean headers?');
  expect(() => checkFields({ method: 'POST', path: '/', name: 'n', headers: {}, body: 1, timeoutMs: 1, expect: [], refuse: [], write: { id: 'i', kind: 'k' }, redirects: 1 })).not.toThrow();
});

it.each([
  ['method', { metod: 'GET', path: '/' }],
  ['headers', { method: 'GET', path: '/', heders: {} }],
])('refuses a wrong field where %s was meant each time, and sends nothing', async (meant, request) => {
  const run = async ({ http, iteration }: JourneyUser<never>): Promise<void> => {
    const reply = http.request(written(request));
    await (iteration % 2 === 0 ? reply : reply.catch(() => undefined));
  };
  const { counts, errors, engine } = await simulate(run, { plan: { holdMs: 4_000 } });
  expect(Object.values(counts)).toEqual([[4, 4]]);
  expect(errors).toMatchObject([{ kind: 'throw: malformed_request', count: 4, firstMessage: expect.stringContaining(`did you mean ${meant}?`) as string }]);
  expect(engine.finished).toBe(true);
});
