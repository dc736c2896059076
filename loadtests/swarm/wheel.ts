/**
 * A hashed timing wheel over typed arrays (Varghese and Lauck's scheme 6): 12 bytes an entry and
 * no timer per entry. Entries are small whole numbers, such as the index of a user. Each slot is a
 * ring of its entries through a sentinel, so adding, cancelling and firing are O(1).
 *
 * A tick is whatever the caller says, usually 1 ms. An entry fires in the tick it is due or in the
 * first one afterwards that `advance` sees; nothing is ever dropped.
 */
export class TimingWheel {
  readonly #slots: number;
  readonly #mask: number;
  readonly #firing: number;
  readonly #offset: number;
  #next: Int32Array;
  #previous: Int32Array;
  #dueTick: Uint32Array;
  #nowTick = 0;
  #size = 0;

  /**
   * @param capacity entries to make room for; `schedule` grows beyond it by doubling
   * @param slots power of two; choose more than the usual delay in ticks, so that a visit finds only what is due
   */
  constructor(capacity: number, slots = 1 << 16) {
    if (slots < 2 || (slots & (slots - 1)) !== 0) throw new RangeError(`slots ${slots} is not a power of two`);
    this.#slots = slots;
    this.#mask = slots - 1;
    this.#firing = slots;
    this.#offset = slots + 1;
    const length = this.#offset + capacity;
    this.#next = new Int32Array(length).fill(-1);
    this.#previous = new Int32Array(length).fill(-1);
    this.#dueTick = new Uint32Array(capacity);
    for (let sentinel = 0; sentinel <= slots; sentinel++) {
      this.#next[sentinel] = sentinel;
      this.#previous[sentinel] = sentinel;
    }
  }

  /** Entries waiting. */
  get size(): number {
    return this.#size;
  }

  get nowTick(): number {
    return this.#nowTick;
  }

  /** Sets the tick an entry fires in; replaces an earlier one. A tick already past fires in the next. */
  schedule(entry: number, dueTick: number): void {
    if (entry >= this.#dueTick.length) this.#grow(entry + 1);
    this.cancel(entry);
    const tick = dueTick > this.#nowTick ? dueTick : this.#nowTick + 1;
    this.#dueTick[entry] = tick;
    this.#append(tick & this.#mask, entry + this.#offset);
    this.#size++;
  }

  /** Takes an entry out; false when it was not waiting. */
  cancel(entry: number): boolean {
    const node = entry + this.#offset;
    if (entry >= this.#dueTick.length || this.#next[node]! < 0) return false;
    this.#unlink(node);
    this.#size--;
    return true;
  }

  isWaiting(entry: number): boolean {
    return entry < this.#dueTick.length && this.#next[entry + this.#offset]! >= 0;
  }

  /** Moves to `nowTick` and fires what is due, tick by tick, first scheduled first within a tick. */
  advance(nowTick: number, fire: (entry: number) => void): void {
    while (this.#nowTick < nowTick) {
      if (this.#size === 0) {
        this.#nowTick = nowTick;
        return;
      }
      const tick = ++this.#nowTick;
      this.#collect(tick);
      // Entries move to a ring of their own first, so that `fire` may schedule and cancel at will.
      for (let node = this.#next[this.#firing]!; node !== this.#firing; node = this.#next[this.#firing]!) {
        this.#unlink(node);
        this.#size--;
        fire(node - this.#offset);
      }
    }
  }

  #collect(tick: number): void {
    const slot = tick & this.#mask;
    for (let node = this.#next[slot]!; node !== slot; ) {
      const after = this.#next[node]!;
      if (this.#dueTick[node - this.#offset]! <= tick) {
        this.#unlink(node);
        this.#append(this.#firing, node);
      }
      node = after;
    }
  }

  #append(sentinel: number, node: number): void {
    const last = this.#previous[sentinel]!;
    this.#next[last] = node;
    this.#previous[node] = last;
    this.#next[node] = sentinel;
    this.#previous[sentinel] = node;
  }

  #unlink(node: number): void {
    const before = this.#previous[node]!;
    const after = this.#next[node]!;
    this.#next[before] = after;
    this.#previous[after] = before;
    this.#next[node] = -1;
    this.#previous[node] = -1;
  }

  #grow(needed: number): void {
    const capacity = Math.max(needed, this.#dueTick.length * 2, 64);
    const next = new Int32Array(this.#slots + 1 + capacity).fill(-1);
    const previous = new Int32Array(this.#slots + 1 + capacity).fill(-1);
    const dueTick = new Uint32Array(capacity);
    next.set(this.#next);
    previous.set(this.#previous);
    dueTick.set(this.#dueTick);
    this.#next = next;
    this.#previous = previous;
    this.#dueTick = dueTick;
  }
}
