import { BlockList, isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { assertNever, invalidConfig } from './error.ts';

type Family = 'ipv4' | 'ipv6';

/** What may be put under load besides this machine: one host by its name, one address, or a range of them. */
export type StagingEntry =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'address'; readonly address: string; readonly family: Family }
  | { readonly kind: 'range'; readonly address: string; readonly family: Family; readonly bits: number };

/** Bits of the widest and the narrowest range; what is wider is nobody's staging, but a slip of the hand. */
const bitsOf: Readonly<Record<Family, { readonly min: number; readonly max: number }>> = { ipv4: { min: 8, max: 32 }, ipv6: { min: 16, max: 128 } };
const shownMax = 100;
const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const namePattern = new RegExp(String.raw`^(?:${label}\.){0,126}${label}\.?$`);
/** A name whose last label is a number is an address that is written wrongly (WHATWG URL, "ends in a number"). */
const numericEnd = /(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$/;

/** IPv4 in the notation of IPv6. */
const mapped = new BlockList();
mapped.addSubnet('::ffff:0:0', 96, 'ipv6');

/**
 * Reads one entry of the list of staging systems; names come out as URLs write them, in small letters.
 * @throws SoraError `invalid_config` (104) that names the entry and says how to write it
 */
export function readStagingEntry(text: string): StagingEntry {
  const [host = '', bits, ...rest] = text.split('/');
  const address = /^\[(.*)\]$/.exec(host)?.[1] ?? host;
  const version = isIP(address);
  if (rest.length > 0 || address.includes('%') || (version === 0 && bits !== undefined)) throw misread(text);
  if (version === 0) return { kind: 'name', name: readName(text) };
  const family = version === 6 ? 'ipv6' : 'ipv4';
  return bits === undefined ? { kind: 'address', address, family } : readRange(text, address, family, bits);
}

/** An entry as it stands in a list; `readStagingEntry` reads it again. */
export function stagingText(entry: StagingEntry): string {
  switch (entry.kind) {
    case 'name':
      return entry.name;
    case 'address':
      return entry.address;
    case 'range':
      return `${entry.address}/${entry.bits}`;
    default:
      return assertNever(entry);
  }
}

function readName(text: string): string {
  const name = /\s/.test(text) ? '' : domainToASCII(text);
  if (name.length > 254 || isIP(name) !== 0 || numericEnd.test(name) || !namePattern.test(name)) throw misread(text);
  return name;
}

function readRange(text: string, address: string, family: Family, bits: string): StagingEntry {
  const { min, max } = bitsOf[family];
  const length = /^[1-9]\d{0,2}$/.test(bits) ? Number(bits) : 0;
  if (length < min || length > max) {
    throw invalidConfig(
      `staging entry "${shown(text)}" is a range outside of /${min} to /${max}: write how many bits the addresses have in common, such as ${family === 'ipv4' ? '10.1.0.0/16' : '2001:db8::/32'}`,
    );
  }
  const range = new BlockList();
  range.addSubnet(address, length, family);
  if (family === 'ipv6' && (mapped.check(address, 'ipv6') || range.check('::ffff:0:0', 'ipv6'))) {
    throw invalidConfig(`staging entry "${shown(text)}" holds addresses of IPv4 in the notation of IPv6: write them as a range of IPv4, such as 10.1.0.0/16`);
  }
  return { kind: 'range', address, family, bits: length };
}

const shown = (text: string): string => (text.length > shownMax ? `${text.slice(0, shownMax)}…` : text);

function misread(text: string): Error {
  return invalidConfig(
    `staging entry "${shown(text)}" is no host name, address or range: write it as staging.example.test, 10.1.2.3, 10.1.0.0/16 or 2001:db8::/32, each name by itself, without scheme, port, path, blanks or *`,
  );
}
