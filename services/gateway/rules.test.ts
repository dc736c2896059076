import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { clientAddress, parseTrustedPeers, plainAddress } from './forwarded.ts';
import { findHeadEnd } from './header-cursor.ts';
import { renderReplyHead } from './render.ts';
import { parseResponseHead, untilClose } from './response-head.ts';
import { RetryBudget } from './retry-budget.ts';
import { destinationOf } from './routing.ts';

describe('destinations', () => {
  test.each([
    ['/', 'upstream'], ['/feed?cursor=a/../b', 'upstream'], ['/posts/12/like', 'upstream'], ['/livez', 'upstream'], ['/administrators', 'upstream'],
    ['/users/admin', 'upstream'], ['/metrics', 'hidden'], ['/metrics?x', 'hidden'], ['/admin/sessions', 'hidden'], ['/ADMIN/x', 'hidden'],
    ['/%61dmin', 'hidden'], ['//admin', 'hidden'], ['/admin%2fsessions', 'hidden'], ['/\\admin', 'hidden'], ['/gateway', 'hidden'],
    ['/gateway/livez', 'livez'], ['/gateway/readyz', 'readyz'], ['/x/../admin', 'malformed'], ['/x/%2e%2e/admin', 'malformed'], ['/%zz', 'malformed'],
  ])('%s goes to %s', (target, destination) => expect(destinationOf(target)).toBe(destination));
});

describe('the client address', () => {
  const peers = parseTrustedPeers('127.0.0.1, 10.0.0.0/8, fd00::/8');
  test.each([
    ['an untrusted peer speaks for itself', '9.9.9.9', '1.2.3.4', '9.9.9.9'],
    ['a trusted peer speaks for another', '127.0.0.1', '1.2.3.4', '1.2.3.4'],
    ['the right-most untrusted address counts', '127.0.0.1', '6.6.6.6, 1.2.3.4, 10.1.1.1', '1.2.3.4'],
    ['all trusted: the first', '127.0.0.1', '10.0.0.2, 10.0.0.1', '10.0.0.2'],
    ['nonsense is not believed', '127.0.0.1', 'unknown', '127.0.0.1'],
    ['nonsense ends the walk', '127.0.0.1', '1.2.3.4, x, 10.0.0.1', '10.0.0.1'],
    ['IPv6', 'fd00::1', '2001:db8::1', '2001:db8::1'],
    ['nothing forwarded', '127.0.0.1', '', '127.0.0.1'],
  ])('%s', (_, peer, forwarded, found) => expect(clientAddress(peer, peers.trusts(peer), forwarded, peers)).toBe(found));
  test('a mapped address is its IPv4', () => expect(plainAddress('::ffff:127.0.0.1')).toBe('127.0.0.1'));
  test('a unix peer is not trusted', () => expect(peers.trusts('')).toBe(false));
  test.each(['300.1.1.1', '10.0.0.0/33', '10.0.0.0/', 'localhost', '10.0.0.0/a'])('%s is no block', (list) =>
    expect(() => parseTrustedPeers(list)).toThrow(list));
});

test('at most a tenth are retries once the savings are spent', () => {
  const budget = new RetryBudget(0.1, 5);
  while (budget.spend());
  const before = budget.spent;
  for (let request = 0; request < 1_000; request++) {
    budget.earn();
    budget.spend();
  }
  expect(budget.spent - before).toBeGreaterThanOrEqual(99);
  expect(budget.spent - before).toBeLessThanOrEqual(100);
});

describe('reply heads', () => {
  const parse = (text: string, method = 'GET') => {
    const bytes = Buffer.from(text, 'latin1');
    return parseResponseHead(bytes, findHeadEnd(bytes), method);
  };
  test('know where the body ends', () => {
    expect(parse('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')).toMatchObject({ status: 200, bodyLength: 5, reusable: true });
    expect(parse('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'HEAD')).toMatchObject({ bodyLength: 0 });
    expect(parse('HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n')).toMatchObject({ bodyLength: 0 });
    expect(parse('HTTP/1.1 200 OK\r\n\r\n')).toMatchObject({ bodyLength: untilClose, reusable: false });
    expect(parse('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')).toMatchObject({ reusable: false });
  });
  test.each(['HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n', 'ICY 200 OK\r\n\r\n', 'HTTP/1.1 200 OK\r\nA : b\r\n\r\n'])('refuses %j', (text) => expect(parse(text)).toBeUndefined());

  test('lose their hop-by-hop lines and nothing else', () => {
    const line = fc.constantFrom('Connection: keep-alive', 'Keep-Alive: timeout=5', 'X-A: 1', 'Content-Type: a/b', 'Date: now');
    fc.assert(fc.property(fc.array(line), fc.boolean(), (lines, closes) => {
      const kept = lines.filter((text) => !text.startsWith('Connection') && !text.startsWith('Keep-Alive'));
      const bytes = Buffer.from(`HTTP/1.1 200 OK\r\n${[...lines, 'Content-Length: 4'].join('\r\n')}\r\n\r\nbodyNEXT`);
      const head = parseResponseHead(bytes, findHeadEnd(bytes), 'GET');
      if (head === undefined) throw new Error('refused');
      const out = renderReplyHead(bytes, head, bytes.length - 4, closes).toString();
      expect(out).toBe(`HTTP/1.1 200 OK\r\n${[...kept, 'Content-Length: 4', ...(closes ? ['Connection: close'] : [])].join('\r\n')}\r\n\r\nbody`);
    }));
  });
});

describe('the configuration', () => {
  test('names every fault at once', () => {
    expect(() => readConfig({ PORT: '99999', SORA_GATEWAY_CONCURRENCY: '0' })).toThrow(/PORT.*SORA_UPSTREAMS.*SORA_GATEWAY_CONCURRENCY/s);
    expect(() => readConfig({ PORT: '1', SORA_UPSTREAMS: 'https://x' })).toThrow('https://x');
  });
  test('reads addresses', () => {
    const { upstreams } = readConfig({ PORT: '1', SORA_UPSTREAMS: 'unix:/a/b.sock, http://127.0.0.1:80,http://[::1]:81' });
    expect(upstreams.map(({ address }) => address)).toEqual([
      { kind: 'unix', path: '/a/b.sock' }, { kind: 'tcp', host: '127.0.0.1', port: 80 }, { kind: 'tcp', host: '::1', port: 81 }]);
  });
});
