import { isIP, isIPv4 } from 'node:net';
import { invalidConfig } from '../../../ops/core/error.ts';

/**
 * Connections that one source address carries at most: Linux gives out the ports 32768 to 60999, 28,232,
 * and a few are others' or still closing.
 */
export const portsPerAddress = 28_000;

interface Range {
  readonly first: number;
  readonly count: number;
}

/** Addresses that connections come from: single ones, and ranges of IPv4 such as `127.0.0.0/8`, in order. */
export class SourceAddresses {
  readonly #entries: readonly (string | Range)[];
  /** How many there are. */
  readonly count: number;

  /** @throws SoraError `invalid_config` on an entry that is neither an address nor a range */
  constructor(entries: readonly string[]) {
    this.#entries = entries.map(readEntry);
    this.count = this.#entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
  }

  /** The nth address, beginning again after the last. */
  at(n: number): string {
    let left = n % this.count;
    for (const entry of this.#entries) {
      const size = sizeOf(entry);
      if (left < size) return typeof entry === 'string' ? entry : textOf(entry.first + left);
      left -= size;
    }
    throw new RangeError(`there is no source address ${n}`);
  }
}

const sizeOf = (entry: string | Range): number => (typeof entry === 'string' ? 1 : entry.count);

function readEntry(text: string): string | Range {
  if (isIP(text) !== 0) return text;
  const [address = '', bits = ''] = text.split('/');
  const length = /^\d{1,2}$/.test(bits) ? Number(bits) : Number.NaN;
  if (!isIPv4(address) || !(length >= 1 && length <= 32)) {
    throw invalidConfig(`source address "${text}" is neither an address nor a range of IPv4`, 'write 10.0.0.7, or 127.0.0.0/8; IPv6 one by one');
  }
  const size = 2 ** (32 - length);
  const first = Math.floor(numberOf(address) / size) * size;
  // The first address of a range names the network and the last is its broadcast.
  return size <= 2 ? { first, count: size } : { first: first + 1, count: size - 2 };
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function textOf(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
