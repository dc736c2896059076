import type { Random } from '../../ops/core/host.ts';

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Makes ids of random hex digits from a pool of strong random bytes, refilled 4 kB at a time. */
export class HexIds {
  readonly #random: Random;
  #pool: Buffer;
  #at = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#pool = random.bytes(4_096);
  }

  /** @param sizeBytes half the number of digits */
  next(sizeBytes: number): string {
    if (this.#at + sizeBytes > this.#pool.length) {
      this.#pool = this.#random.bytes(4_096);
      this.#at = 0;
    }
    let id = '';
    for (let end = this.#at + sizeBytes; this.#at < end; this.#at++) id += hexOfByte[this.#pool[this.#at] as number] as string;
    return id;
  }
}
