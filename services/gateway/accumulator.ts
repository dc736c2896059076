/** Collects bytes that came in pieces; grows by doubling, so many small pieces cost linear time. */
export class Accumulator {
  #bytes: Buffer | undefined;
  #size = 0;

  get sizeBytes(): number {
    return this.#size;
  }

  append(piece: Buffer): void {
    const needed = this.#size + piece.length;
    if (this.#bytes === undefined) this.#bytes = Buffer.allocUnsafe(Math.max(1_024, needed));
    else if (this.#bytes.length < needed) {
      const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, needed));
      this.#bytes.copy(larger, 0, 0, this.#size);
      this.#bytes = larger;
    }
    piece.copy(this.#bytes, this.#size);
    this.#size = needed;
  }

  /** What has come so far; valid until the next `append`. */
  view(): Buffer {
    return this.#bytes === undefined ? empty : this.#bytes.subarray(0, this.#size);
  }

  /** Hands over what has come and is empty again. */
  take(): Buffer {
    const view = this.view();
    this.#bytes = undefined;
    this.#size = 0;
    return view;
  }
}

const empty = Buffer.alloc(0);
