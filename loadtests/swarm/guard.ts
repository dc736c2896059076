import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { invalidConfig, messageOf } from '../../ops/core/error.ts';
import { readStagingEntry } from '../../ops/core/staging.ts';

/** Which targets may be put under load besides this machine. */
export interface TargetPolicy {
  /** Host names, addresses or CIDR ranges that the configuration lists as staging, as `readStagingEntry` reads them. */
  readonly staging: readonly string[];
  /** Hosts confirmed by name (`--confirm-target`). */
  readonly confirmed: readonly string[];
}

export const localOnly: TargetPolicy = { staging: [], confirmed: [] };

const productionWords = new Set(['prod', 'production', 'prd', 'live', 'www']);
const stagingWords = new Set(['staging', 'stage', 'stg', 'test', 'dev', 'qa', 'uat', 'preview', 'sandbox', 'local', 'localhost', 'internal']);

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether a name looks like a system that real users are on. Addresses never do. */
export function looksLikeProduction(hostname: string): boolean {
  if (isIP(bare(hostname)) !== 0) return false;
  const labels = hostname.toLowerCase().split('.').filter((label) => label !== '');
  const words = labels.flatMap((label) => label.split('-'));
  if (words.some((word) => productionWords.has(word))) return true;
  return labels.length >= 2 && !words.some((word) => stagingWords.has(word));
}

/**
 * Checks a target before anything is sent: an http or https address without path, and a confirmed name where
 * it looks like production. What a name means is checked by `pinTarget` before the run and at every connect.
 * @throws SoraError `invalid_config`
 */
export function parseTarget(target: string, policy: TargetPolicy = localOnly): URL {
  const url = URL.parse(target);
  if (url === null || url.hostname === '') {
    throw invalidConfig(`target "${target}" is no address`, 'write it as http://127.0.0.1:3000');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw invalidConfig(`target "${target}" is ${url.protocol.slice(0, -1)}; the transport speaks http and https`, 'give an http:// or https:// address');
  }
  if (url.pathname !== '/' || url.search !== '' || url.username !== '' || url.password !== '' || url.hash !== '') {
    throw invalidConfig(`target "${url.protocol}//${url.host}" has more than a host and a port`, `use ${url.protocol}//${url.host} and put paths in the journey`);
  }
  const host = bare(url.hostname);
  if (host === '0.0.0.0' || host === '::') {
    throw invalidConfig(`target "${host}" is where a server listens, on all its addresses; it is none to call`, `for one on this machine: ${url.protocol}//127.0.0.1${url.port === '' ? '' : `:${url.port}`}`);
  }
  if (looksLikeProduction(host) && !policy.confirmed.some((name) => name.toLowerCase() === host)) {
    throw invalidConfig(`target "${host}" looks like production`, `if you own it and mean it: --confirm-target=${host}`);
  }
  if (isIP(host) !== 0) {
    const refusal = checkAddress(host, host, policy);
    if (refusal !== undefined) throw invalidConfig(refusal, stagingHint);
  }
  return url;
}

/** Answers the addresses of a name. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

const resolveByDns: Resolve = async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address);

/**
 * Looks a target's name up and refuses it before anything is sent where it means a machine that may not be loaded.
 * One that is listed as staging by its name is pinned to what it means now: whoever changes the name's addresses
 * during a run cannot turn its load elsewhere. Other policies stay as they are.
 * @throws SoraError `invalid_config` when the name has no address, or one that is refused
 */
export async function pinTarget(target: string, policy: TargetPolicy, resolve: Resolve = resolveByDns): Promise<TargetPolicy> {
  const host = bare(parseTarget(target, policy).hostname);
  if (isIP(host) !== 0) return policy;
  const addresses = await resolve(host).catch((error: unknown) => {
    throw invalidConfig(`target "${host}" has no address: ${messageOf(error)}`, 'check its name, and that this machine can resolve it', error);
  });
  if (!listOf(policy.staging).names.has(host)) {
    const refusal = addresses.map((address) => checkAddress(address, host, policy)).find((why) => why !== undefined);
    if (refusal !== undefined) throw invalidConfig(refusal, stagingHint);
    return policy;
  }
  return { ...policy, staging: [...policy.staging.filter((entry) => entry.toLowerCase() !== host), ...addresses] };
}

const stagingHint = 'list it as staging in sora.config.ts if it is yours to load';

/**
 * Judges the address a name resolved to. Answers why it is refused, or undefined when it is allowed:
 * this machine (127.0.0.0/8, ::1), or what the policy lists as staging by name, address or range.
 */
export function checkAddress(address: string, hostname: string, policy: TargetPolicy): string | undefined {
  const plain = bare(address);
  const family = isIP(plain);
  if (family === 0) return `"${address}" is no IP address`;
  const type = family === 6 ? 'ipv6' : 'ipv4';
  if (loopback.check(plain, type)) return undefined;
  const { names, networks } = listOf(policy.staging);
  if (names.has(hostname) || networks.check(plain, type)) return undefined;
  return `${hostname} resolves to ${plain}, which is not this machine`;
}

interface StagingList {
  readonly names: ReadonlySet<string>;
  readonly networks: BlockList;
}

/** What was read of a list; it is asked about every connection. */
const lists = new WeakMap<readonly string[], StagingList>();

/** @throws SoraError `invalid_config` on an entry that is none */
function listOf(entries: readonly string[]): StagingList {
  const known = lists.get(entries);
  if (known !== undefined) return known;
  const names = new Set<string>();
  const networks = new BlockList();
  for (const entry of entries.map(readStagingEntry)) {
    if (entry.kind === 'name') names.add(entry.name);
    else if (entry.kind === 'address') networks.addAddress(entry.address, entry.family);
    else networks.addSubnet(entry.address, entry.bits, entry.family);
  }
  const list = { names, networks };
  lists.set(entries, list);
  return list;
}

/** An address without the brackets that URLs put around IPv6. */
function bare(address: string): string {
  return address.startsWith('[') ? address.slice(1, -1) : address;
}
