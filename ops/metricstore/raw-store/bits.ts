/** Bits in bytes, least significant first. */

/** Writes up to 24 bits at a time. The caller sees to it that the bytes suffice. */
export class BitWriter {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #held = 0;
  #heldBits = 0;

  start(bytes: Uint8Array, at: number): void {
    this.#bytes = bytes;
    this.#at = at;
    this.#held = 0;
    this.#heldBits = 0;
  }

  /** @param width 0 to 24; `value` has no higher bits */
  put(value: number, width: number): void {
    this.#held |= value << this.#heldBits;
    this.#heldBits += width;
    while (this.#heldBits >= 8) {
      this.#bytes[this.#at++] = this.#held & 0xff;
      this.#held >>>= 8;
      this.#heldBits -= 8;
    }
  }

  /** @param width 0 to 64, of which `high` holds what is above 32 */
  putWide(low: number, high: number, width: number): void {
    this.put(low & 0xffff, Math.min(width, 16));
    if (width > 16) this.put(low >>> 16, Math.min(width - 16, 16));
    if (width > 32) this.put(high & 0xffff, Math.min(width - 32, 16));
    if (width > 48) this.put(high >>> 16, width - 48);
  }

  /** Writes the last bits; answers where the next byte goes. */
  end(): number {
    if (this.#heldBits > 0) this.#bytes[this.#at++] = this.#held & 0xff;
    return this.#at;
  }
}

/** Reads what a `BitWriter` wrote; past the end it reads zeros. */
export class BitReader {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #held = 0;
  #heldBits = 0;

  start(bytes: Uint8Array, at: number): void {
    this.#bytes = bytes;
    this.#at = at;
    this.#held = 0;
    this.#heldBits = 0;
  }

  /** @param width 0 to 24 */
  take(width: number): number {
    while (this.#heldBits < width) {
      this.#held |= (this.#bytes[this.#at++] ?? 0) << this.#heldBits;
      this.#heldBits += 8;
    }
    const value = this.#held & ((1 << width) - 1);
    this.#held >>>= width;
    this.#heldBits -= width;
    return value;
  }

  /** The low 32 of `width` bits, of which there are at most 32, as an unsigned number. */
  take32(width: number): number {
    if (width <= 16) return this.take(width);
    const low = this.take(16);
    return (low | (this.take(width - 16) << 16)) >>> 0;
  }
}

const sevenBits = 0x80;

/** Writes a whole number of at most 2^53 either way in 1 to 8 bytes, small ones in few; answers the next place. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  // The sign goes lowest, so that small numbers of either sign stay short. Doubling could leave the exact range, so it is apart.
  let rest = Math.abs(value);
  let byte = ((rest % 64) << 1) | (value < 0 ? 1 : 0);
  rest = Math.floor(rest / 64);
  while (rest > 0) {
    bytes[at++] = byte | sevenBits;
    byte = rest % 128;
    rest = Math.floor(rest / 128);
  }
  bytes[at++] = byte;
  return at;
}

/** Where the last varint that was read ended. One number, kept here so that reading makes no object. */
export let varintEnd = 0;

/** Reads what `putVarint` wrote; `varintEnd` is then the place after it. */
export function takeVarint(bytes: Uint8Array, at: number): number {
  let byte = bytes[at++] ?? 0;
  const isNegative = (byte & 1) === 1;
  let value = (byte & 0x7f) >> 1;
  let scale = 64;
  while (byte >= sevenBits) {
    byte = bytes[at++] ?? 0;
    value += (byte & 0x7f) * scale;
    scale *= 128;
  }
  varintEnd = at;
  return isNegative ? -value : value;
}
