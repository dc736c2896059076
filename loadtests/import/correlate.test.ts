import { describe, expect, it } from 'vitest';
import { importHar } from './har-import.ts';
import { readHar } from './har.ts';
import type { ImportReport } from './outcome.ts';

interface Exchange {
  readonly ask: string;
  readonly sent?: object;
  readonly headers?: Record<string, string>;
  readonly reply?: unknown;
  readonly replyHeaders?: Record<string, string>;
  /** ms after the request before; default 1,000. */
  readonly afterMs?: number;
  /** How long the reply took; default 10. */
  readonly time?: number;
  readonly status?: number;
  readonly pageref?: string;
}

function harOf(exchanges: readonly Exchange[]): unknown {
  let atMs = Date.UTC(2026, 0, 1);
  const list = (headers: Record<string, string> = {}): object[] => Object.entries(headers).map(([name, value]) => ({ name, value }));
  const entries = exchanges.map(({ ask, sent, headers, reply, replyHeaders, afterMs = 1_000, time = 10, status = 200, pageref }) => {
    const [method = '', path = ''] = ask.split(' ');
    atMs += afterMs;
    return {
      startedDateTime: new Date(atMs).toISOString(), time, ...(pageref === undefined ? {} : { pageref }),
      request: { method, url: /^(?:http|data:)/.test(path) ? path : `https://app.test${path}`, headers: list(headers), ...(sent === undefined ? {} : { postData: { mimeType: 'application/json', text: JSON.stringify(sent) } }) },
      response: { status, headers: list(replyHeaders), content: { mimeType: typeof reply === 'string' ? 'text/html' : 'application/json', text: typeof reply === 'string' ? reply : JSON.stringify(reply ?? {}) } },
    };
  });
  return { log: { version: '1.2', entries } };
}

const options = { name: 'shop', keepOrigins: [], keepStatic: false, pauseMaxMs: 60_000 };
const reportOf = (...exchanges: Exchange[]): ImportReport => importHar(readHar(harOf(exchanges), 'x.har'), options).report;
/** `name: from`, one line each. */
const carried = (...exchanges: Exchange[]): string[] => reportOf(...exchanges).carried.map(({ name, from, to }) => `${name}: ${from} → ${to.join(', ')}`);

describe('correlation', () => {
  it('takes the longest value that a text holds', () => {
    expect(carried({ ask: 'GET /a', reply: { short: 'abc12345', long: 'abc12345-xyz98765' } }, { ask: 'GET /b', headers: { 'x-ref': 'item:abc12345-xyz98765' } })).toEqual(['long: long of GET /a → header x-ref of GET /b']);
  });

  it('finds a value within a longer one only between boundaries', () => {
    expect(carried({ ask: 'GET /a', reply: { ref: 'abc12345' } }, { ask: 'GET /b/zabc12345z' }, { ask: 'GET /c/v1:abc12345' })).toEqual(['aRef: ref of GET /a → path of GET /c/v1%3A{aRef}']);
  });

  it.each<[string, unknown, string, object | undefined]>([
    ['booleans', { ok: true, on: 'true' }, 'POST /b', { on: 'true' }],
    ['common words', { kind: 'default' }, 'POST /b', { kind: 'default' }],
    ['texts of two characters', { ref: 'x1' }, 'GET /b?ref=x1', undefined],
    ['small numbers of another thing', { price: 100 }, 'GET /b?limit=100', undefined],
    ['dates of another thing', { born: '2026-01-31' }, 'GET /b?day=2026-01-31', undefined],
    ['words of another thing', { plan: 'starter' }, 'GET /b?template=starter', undefined],
  ])('does not take %s for ids', (_what, reply, ask, sent) => {
    expect(carried({ ask: 'GET /a', reply }, { ask, ...(sent === undefined ? {} : { sent }) })).toEqual([]);
  });

  it('takes a small id where its name agrees, of several the right one', () => {
    const reply = { user: { id: 812 }, items: [{ id: 812, price: 812 }] };
    expect(carried({ ask: 'GET /posts', reply }, { ask: 'GET /users/812' })).toEqual(['userId: user.id of GET /posts → path of GET /users/{userId}']);
    expect(carried({ ask: 'GET /posts', reply }, { ask: 'POST /likes', sent: { post: 812 } })).toEqual(['postId: items.0.id of GET /posts → body post of POST /likes']);
  });

  it('takes the place nearest the root of the first reply that holds it', () => {
    const exchanges = [{ ask: 'GET /a', reply: { deep: { deeper: { ref: 'abc12345' } }, top: 'abc12345' } }, { ask: 'GET /b', reply: { ref: 'abc12345' } }, { ask: 'GET /c?q=abc12345' }];
    expect(carried(...exchanges)).toEqual(['top: top of GET /a → query q of GET /c']);
  });

  it('carries nothing that was sent before its reply had come, nor what the client said first', () => {
    expect(carried({ ask: 'GET /a', reply: { ref: 'abc12345' }, time: 5_000 }, { ask: 'GET /b/abc12345' })).toEqual([]);
    expect(carried({ ask: 'GET /find?q=abc12345', reply: { query: 'abc12345' } }, { ask: 'GET /b/abc12345' })).toEqual([]);
  });

  it('carries cookies whatever they hold, until they are set anew', () => {
    const cookie = (value: string): Record<string, string> => ({ 'set-cookie': `s=${value}; Path=/; Expires=Wed, 21 Oct 2037 07:28:00 GMT\nt=x` });
    expect(carried({ ask: 'GET /a', replyHeaders: cookie('1') }, { ask: 'GET /b', headers: { cookie: 's=1; t=x' }, replyHeaders: cookie('2') }, { ask: 'GET /c', headers: { cookie: '_ga=GA1.2.3; s=2' } })).toEqual([
      's: set-cookie s of GET /a → cookie s of GET /b', 't: set-cookie t of GET /a → cookie t of GET /b', 's2: set-cookie s of GET /b → cookie s of GET /c',
    ]);
  });

  it('carries a cookie that its page sends back in a header without the encoding', () => {
    expect(carried({ ask: 'GET /a', replyHeaders: { 'set-cookie': 'XSRF-TOKEN=eyAbc12%3D%3D; Path=/' } }, { ask: 'POST /b', headers: { 'X-XSRF-TOKEN': 'eyAbc12==', cookie: 'XSRF-TOKEN=eyAbc12%3D%3D' } })).toEqual([
      'xsrfToken: set-cookie XSRF-TOKEN, decoded of GET /a → header x-xsrf-token of POST /b', 'xsrfToken2: set-cookie XSRF-TOKEN of GET /a → cookie XSRF-TOKEN of POST /b',
    ]);
  });
});

describe('secrets', () => {
  it('are named after what they are, once each, and found in earlier requests too', () => {
    const report = reportOf(
      { ask: 'POST /check', sent: { text: 'open sesame 99' } },
      { ask: 'POST /login', sent: { user: 'jane', password: 'open sesame 99', mail: 'jane@example.com' } },
      { ask: 'GET /x?api_key=k-1', headers: { Authorization: 'Basic amFuZTpvcGVu', Cookie: 'sid=1' } },
    );
    expect(report.secrets).toEqual(['SHOP_PASSWORD', 'SHOP_MAIL', 'SHOP_API_KEY', 'SHOP_BASIC_CREDENTIALS', 'SHOP_SID']);
  });
  it('are not carried from where their name would tell them', () => {
    expect(carried({ ask: 'GET /a', reply: { 'jane@example.com': { ref: 'abc12345' } } }, { ask: 'GET /b?q=abc12345' })).toEqual([]);
  });
  it('leave ids alone', () => {
    expect(reportOf({ ask: 'GET /x/6fa459ea-ee8a-4ca4-894e-db77e160355e?page=2', sent: { title: 'Sunset over the bay', code: 'AB-12' } }).secrets).toEqual([]);
  });
});

describe('notes', () => {
  it('tell of ids that the client made itself, and of a recording without an identity', () => {
    expect(reportOf({ ask: 'POST /x', sent: { requestRef: '6fa459ea-ee8a-4ca4-894e-db77e160355e' }, reply: { a: 1 } }).notes).toEqual([
      expect.stringContaining('neither cookies nor authorization'), expect.stringMatching(/^requestRef is an id that no reply holds/),
    ]);
    expect(reportOf({ ask: 'GET /x', headers: { cookie: 'a=b' }, reply: { a: 1 } }).notes).toEqual([]);
  });
});

describe('operations', () => {
  const opsOf = (...exchanges: Exchange[]): unknown[] => importHar(readHar(harOf(exchanges), 'x.har'), options).plan.steps.map(({ op, thinkTimeMs, requests }) => [op, thinkTimeMs, requests.length]);
  it('begin after a pause, on a page and with a write, but not behind a redirect', () => {
    expect(opsOf(
      { ask: 'GET /a', pageref: 'p1' }, { ask: 'GET /b', afterMs: 20, pageref: 'p1' }, { ask: 'POST /c', afterMs: 30, status: 303, pageref: 'p1' },
      { ask: 'GET /d', afterMs: 20, pageref: 'p2' }, { ask: 'GET /a', afterMs: 100_000, pageref: 'p2' },
    )).toEqual([
      ['get-a', undefined, 2], ['post-c', { kind: 'uniform', from: 50, to: 150 }, 2], ['get-a-2', { kind: 'uniform', from: 30_000, to: 90_000 }, 1],
    ]);
  });
});

describe('a HAR file that is none', () => {
  const good = harOf([{ ask: 'GET /a' }]) as { log: { entries: Record<string, Record<string, unknown>>[] } };
  it.each<[string, (har: typeof good) => unknown, string]>([
    ['no log', () => ({ log: [] }), 'log: '],
    ['no entries', () => ({ log: { entries: [] } }), 'log.entries: holds no request'],
    ['a date', (har) => Object.assign(har.log.entries[0]!, { startedDateTime: 'yesterday' }) && har, 'log.entries.0.startedDateTime: is no date'],
    ['a url', (har) => delete har.log.entries[0]!['request']!['url'] && har, 'log.entries.0.request.url: '],
    ['headers', (har) => Object.assign(har.log.entries[0]!['response']!, { headers: [{ name: 7, value: 'x' }] }) && har, 'log.entries.0.response.headers.0.name: '],
  ])('%s: one message with the path', (_what, break_, message) => {
    expect(() => readHar(break_(structuredClone(good)), 'x.har')).toThrow(expect.objectContaining({ exitCode: 104, message: expect.stringContaining(`x.har is no HAR file: ${message}`) as string }));
  });
  it('says what was left out when nothing is left', () => {
    expect(() => reportOf({ ask: 'GET data:image/png;base64,xx' }, { ask: 'OPTIONS /a' })).toThrow(/no request to https:\/\/app\.test is left; left out: 1 requests by data; 1 OPTIONS requests/);
  });
});
