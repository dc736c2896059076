import { lookup } from 'node:dns/promises';
import { isIPv6, isIP } from 'node:net';
import { invalidConfig, messageOf } from '../../../ops/core/error.ts';
import { checkAddress, parseTarget } from '../../swarm/guard.ts';
import type { Resolve, TargetPolicy } from '../../swarm/guard.ts';

/**
 * The guard for load that another program makes. The engine judges every address when it connects;
 * k6 and a browser connect by themselves, so the target is resolved and judged first, and they are
 * told to refuse every address but that one.
 */
export interface FencedTarget {
  /** Scheme, host and port, as given. */
  readonly url: URL;
  /** What the host means now. */
  readonly address: string;
  /** Of a name: what k6 is to take it for, so that the name cannot be turned elsewhere in mid-run. */
  readonly hosts: Readonly<Record<string, string>>;
}

const resolveByDns: Resolve = async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address);

/**
 * Resolves a target and judges every address it has.
 * @throws SoraError 104 when the target is malformed, has no address, or has one that the policy refuses
 */
export async function fenceTarget(target: string, policy: TargetPolicy, resolve: Resolve = resolveByDns): Promise<FencedTarget> {
  const url = parseTarget(target, policy);
  const host = bare(url.hostname);
  if (isIP(host) !== 0) return { url, address: host, hosts: {} };
  const addresses = await resolve(host).catch((error: unknown) => {
    throw invalidConfig(`target "${host}" has no address: ${messageOf(error)}`, 'check its name, and that this machine can resolve it', error);
  });
  for (const address of addresses) {
    const refusal = checkAddress(address, host, policy);
    if (refusal !== undefined) throw invalidConfig(refusal, 'list it as staging in sora.config.ts if it is yours to load');
  }
  // IPv4 first: servers on a name such as localhost often listen there only.
  const address = addresses.find((each) => !isIPv6(each)) ?? addresses[0];
  if (address === undefined) throw invalidConfig(`target "${host}" has no address`, 'check its name, and that this machine can resolve it');
  return { url, address, hosts: { [host]: address } };
}

/** Ranges that hold every address but one: for each bit of it, those that first differ there. */
export function rangesWithout(address: string): string[] {
  const bits = bitsOf(address);
  const ranges = bits.map((bit, at) => `${textOf([...bits.slice(0, at), 1 - bit, ...bits.slice(at + 1).fill(0)])}/${at + 1}`);
  return [...ranges, bits.length === 32 ? '::/0' : '0.0.0.0/0'];
}

/** Bits of an address, the highest first: 32 or 128. */
function bitsOf(address: string): number[] {
  const plain = bare(address);
  if (!isIPv6(plain)) return plain.split('.').flatMap((part) => toBits(Number(part), 8));
  const [head = '', tail] = plain.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const missing = 8 - groups(head).length - groups(tail ?? '').length;
  const all = tail === undefined ? groups(head) : [...groups(head), ...Array.from({ length: missing }, () => '0'), ...groups(tail)];
  return all.flatMap((group) => toBits(Number.parseInt(group, 16), 16));
}

function textOf(bits: readonly number[]): string {
  const size = bits.length === 32 ? 8 : 16;
  const parts = Array.from({ length: bits.length / size }, (_, part) => Number.parseInt(bits.slice(part * size, (part + 1) * size).join(''), 2));
  return size === 8 ? parts.join('.') : parts.map((part) => part.toString(16)).join(':');
}

const toBits = (value: number, size: number): number[] => Array.from({ length: size }, (_, at) => (value >>> (size - 1 - at)) & 1);

/** An address without the brackets that URLs put around IPv6. */
const bare = (host: string): string => (host.startsWith('[') ? host.slice(1, -1) : host);
