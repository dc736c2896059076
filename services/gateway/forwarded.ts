import { BlockList, isIP } from 'node:net';
import { invalidConfig } from '../../ops/core/error.ts';

/** Decides which addresses may speak for others in X-Forwarded-For. */
export interface TrustedPeers {
  /** '' (a unix socket) is never trusted. */
  trusts(address: string): boolean;
}

/**
 * @param list comma-separated addresses or CIDR blocks, such as `127.0.0.1/32, 10.0.0.0/8`
 * @throws SoraError `invalid_config` naming the malformed entry
 */
export function parseTrustedPeers(list: string): TrustedPeers {
  const blocks = new BlockList();
  for (const entry of list.split(',').map((part) => part.trim()).filter((part) => part !== '')) {
    const [address = '', bits] = entry.split('/');
    const version = isIP(address);
    const prefix = bits === undefined ? (version === 6 ? 128 : 32) : Number(bits);
    if (version === 0 || !/^\d*$/.test(bits ?? '') || bits === '' || prefix > (version === 6 ? 128 : 32)) {
      throw invalidConfig(`SORA_TRUSTED_PEERS holds "${entry}", which is no address or CIDR block`, 'write for example 127.0.0.1/32,10.0.0.0/8');
    }
    blocks.addSubnet(address, prefix, version === 6 ? 'ipv6' : 'ipv4');
  }
  return {
    trusts(address) {
      const version = isIP(address);
      return version !== 0 && blocks.check(address, version === 6 ? 'ipv6' : 'ipv4');
    },
  };
}

/** `::ffff:127.0.0.1` is the IPv4 address a dual-stack socket reports. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}

/**
 * The client's address: the peer's, unless the peer is trusted; then the right-most address of
 * X-Forwarded-For that is not itself a trusted peer. Malformed entries end the walk.
 */
export function clientAddress(peer: string, peerTrusted: boolean, forwardedFor: string, peers: TrustedPeers): string {
  if (!peerTrusted || forwardedFor === '') return peer;
  if (!forwardedFor.includes(',')) return isIP(forwardedFor) === 0 ? peer : forwardedFor;
  let found = peer;
  const chain = forwardedFor.split(',');
  for (let index = chain.length - 1; index >= 0; index--) {
    const address = (chain[index] as string).trim();
    if (isIP(address) === 0) return found;
    found = address;
    if (!peers.trusts(address)) return found;
  }
  return found;
}
