import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createClientAddress } from './client-address.ts';

const request = (remoteAddress: string | undefined, forwarded?: string): IncomingMessage =>
  ({ socket: { remoteAddress }, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage;

describe('createClientAddress', () => {
  const address = createClientAddress('10.0.0.0/8, ::1, unix');
  it.each([
    ['no header', '10.1.2.3', undefined, '10.1.2.3'],
    ['a trusted peer', '10.1.2.3', '203.0.113.9', '203.0.113.9'],
    ['an untrusted peer cannot speak for others', '203.0.113.1', '198.51.100.7', '203.0.113.1'],
    ['a client cannot put words before the proxy', '10.1.2.3', '1.1.1.1, 203.0.113.9', '203.0.113.9'],
    ['trusted hops are walked', '10.1.2.3', '1.1.1.1, 203.0.113.9, 10.9.9.9', '203.0.113.9'],
    ['all hops trusted: the first', '10.1.2.3', '10.4.4.4, 10.9.9.9', '10.4.4.4'],
    ['garbage', '10.1.2.3', 'not an address', '10.1.2.3'],
    ['garbage among hops', '10.1.2.3', '203.0.113.9, x', '10.1.2.3'],
    ['an IPv4 peer on a dual-stack socket', '::ffff:10.1.2.3', '2001:db8::1', '2001:db8::1'],
    ['a unix socket', undefined, '203.0.113.9', '203.0.113.9'],
  ])('%s', (_what, peer, forwarded, expected) => {
    expect(address(request(peer, forwarded))).toBe(expected);
  });

  it('trusts unix sockets only where listed', () => {
    expect(createClientAddress('10.0.0.0/8')(request(undefined, '203.0.113.9'))).toBe('unix');
  });

  it('refuses a malformed range', () => {
    expect(() => createClientAddress('10.0.0.0/8,nonsense')).toThrow('"nonsense"');
  });
});
