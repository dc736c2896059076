import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { invalidConfig } from '../../../ops/core/error.ts';

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Peers whose verdict is remembered; beyond it the memory starts afresh. */
const rememberedMax = 10_000;

/** The address of the socket's other end; `unix` where it is a unix socket. */
export function peerAddress(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? 'unix';
}

/**
 * Makes the function that tells a request's client address: the peer's, or, where the peer is
 * trusted, the last address in X-Forwarded-For that is not itself a trusted one.
 * @param trusted comma-separated CIDR ranges or addresses, and `unix` for unix sockets; '' trusts none
 * @throws SoraError `invalid_config` for a malformed range
 */
export function createClientAddress(trusted: string): (request: IncomingMessage) => string {
  const parts = trusted.split(',').map((part) => part.trim()).filter((part) => part !== '');
  const trustsUnix = parts.includes('unix');
  const ranges = parts.filter((part) => part !== 'unix').map(parseRange);
  const remembered = new Map<string, boolean>();

  const isTrusted = (address: string): boolean => {
    if (address === 'unix') return trustsUnix;
    const known = remembered.get(address);
    if (known !== undefined) return known;
    const parsed = isIP(address) === 0 ? undefined : ipaddr.process(address);
    const verdict = parsed !== undefined && ranges.some(([net, bits]) => parsed.kind() === net.kind() && parsed.match(net, bits));
    if (remembered.size >= rememberedMax) remembered.clear();
    remembered.set(address, verdict);
    return verdict;
  };

  return (request) => {
    const peer = peerAddress(request);
    const forwarded = request.headers['x-forwarded-for'];
    if (forwarded === undefined || !isTrusted(peer)) return peer;
    const text = typeof forwarded === 'string' ? forwarded : forwarded.join(',');
    if (!text.includes(',')) return isIP(text) === 0 ? peer : text;
    const hops = text.split(',');
    for (let index = hops.length - 1; index >= 0; index--) {
      const hop = (hops[index] ?? '').trim();
      if (isIP(hop) === 0) return peer;
      if (index === 0 || !isTrusted(hop)) return hop;
    }
    return peer;
  };
}

function parseRange(text: string): Range {
  try {
    if (text.includes('/')) return ipaddr.parseCIDR(text);
    const address = ipaddr.parse(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch (error) {
    throw invalidConfig(`SORA_TRUSTED_PEERS holds "${text}"`, 'list CIDR ranges such as 10.0.0.0/8, addresses, or unix', error);
  }
}
