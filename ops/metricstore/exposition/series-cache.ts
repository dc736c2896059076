/**
 * The texts of all series of one target, each with the reference that the store gave it. Targets write the same series
 * in the same order again and again: the text that followed the last one is tried first, and then costs one comparison of bytes.
 */
const unresolved = -2;

export class SeriesCache {
  #texts = Buffer.alloc(4_096);
  #textsEnd = 0;
  #start = new Int32Array(64);
  #length = new Int32Array(64);
  /** The entry that came after this one when it was last seen, -1 where unknown. */
  #follower = new Int32Array(64);
  /** The next entry of the same hash, -1 at the end. */
  #nextSame = new Int32Array(64);
  #references = new Float64Array(64);
  #lastSeen = new Float64Array(64);
  #tracked = new Int32Array(64);
  readonly #byHash = new Map<number, number>();
  /** Entries; their numbers are below it. */
  size = 0;
  #last = -1;
  #first = -1;

  /** Begins at the first line. */
  rewind(): void {
    this.#last = -1;
  }

  /** The entry whose text begins at `at`, if it is the one that followed last time; else -1. `endOf` tells where it ends. */
  predict(bytes: Buffer, at: number, limit: number): number {
    const entry = this.#last < 0 ? this.#first : (this.#follower[this.#last] ?? -1);
    if (entry < 0) return -1;
    const length = this.#length[entry] ?? 0;
    const from = this.#start[entry] ?? 0;
    const texts = this.#texts;
    if (at + length >= limit) return -1;
    // From the end, as names begin alike and label values differ late.
    for (let index = length - 1; index >= 0; index--) if (texts[from + index] !== bytes[at + index]) return -1;
    // A name without labels must end here too, and have no labels after a blank.
    if (bytes[at + length - 1] !== 0x7d) {
      const next = bytes[at + length + 1];
      if (bytes[at + length] !== 0x20 || next === 0x20 || next === 0x09 || next === 0x7b) return -1;
    }
    return entry;
  }

  lengthOf(entry: number): number {
    return this.#length[entry] ?? 0;
  }

  /** The entry of a text; -1 where there is none. */
  find(bytes: Buffer, from: number, to: number): number {
    const head = this.#byHash.get(hashOf(bytes, from, to)) ?? -1;
    for (let entry = head; entry >= 0; entry = this.#nextSame[entry] ?? -1) if (this.#equals(entry, bytes, from, to)) return entry;
    return -1;
  }

  /** Notes that this entry comes next. */
  follow(entry: number): void {
    if (this.#last < 0) this.#first = entry;
    else this.#follower[this.#last] = entry;
    this.#last = entry;
  }

  /** The text of an entry, as a place in a buffer. */
  text(entry: number): { readonly bytes: Buffer; readonly from: number; readonly to: number } {
    const from = this.#start[entry] ?? 0;
    return { bytes: this.#texts, from, to: from + (this.#length[entry] ?? 0) };
  }

  /** The store's reference; `isResolved` says whether there is one. */
  reference(entry: number): number {
    return this.#references[entry] ?? unresolved;
  }

  isResolved(entry: number): boolean {
    return this.#references[entry] !== unresolved;
  }

  setReference(entry: number, reference: number): void {
    this.#references[entry] = reference;
  }

  /** Number of the scrape that last had this entry; 0 before the first. */
  lastSeen(entry: number): number {
    return this.#lastSeen[entry] ?? 0;
  }

  see(entry: number, scrape: number): void {
    this.#lastSeen[entry] = scrape;
  }

  /** Whether the series is to be marked when it is missing from a scrape. */
  isTracked(entry: number): boolean {
    return this.#tracked[entry] === 1;
  }

  track(entry: number, isTracked: boolean): void {
    this.#tracked[entry] = isTracked ? 1 : 0;
  }

  /** A cache of the entries that this scrape had, so that texts no longer seen leave the memory. */
  compacted(scrape: number): SeriesCache {
    const compact = new SeriesCache();
    for (let entry = 0; entry < this.size; entry++) {
      if (this.lastSeen(entry) !== scrape) continue;
      const { bytes, from, to } = this.text(entry);
      const kept = compact.add(bytes, from, to);
      compact.setReference(kept, this.reference(entry));
      compact.see(kept, scrape);
      compact.track(kept, this.isTracked(entry));
      compact.follow(kept);
    }
    return compact;
  }

  #equals(entry: number, bytes: Buffer, from: number, to: number): boolean {
    const start = this.#start[entry] ?? 0;
    return this.#length[entry] === to - from && this.#texts.compare(bytes, from, to, start, start + to - from) === 0;
  }

  /** Adds a text that is not there. */
  add(bytes: Buffer, from: number, to: number): number {
    const hash = hashOf(bytes, from, to);
    const entry = this.size++;
    if (entry === this.#start.length) this.#grow();
    const length = to - from;
    if (this.#textsEnd + length > this.#texts.length) {
      const larger = Buffer.alloc(Math.max(this.#texts.length * 2, this.#textsEnd + length));
      this.#texts.copy(larger, 0, 0, this.#textsEnd);
      this.#texts = larger;
    }
    bytes.copy(this.#texts, this.#textsEnd, from, to);
    this.#start[entry] = this.#textsEnd;
    this.#length[entry] = length;
    this.#textsEnd += length;
    this.#follower[entry] = -1;
    this.#nextSame[entry] = this.#byHash.get(hash) ?? -1;
    this.#references[entry] = unresolved;
    this.#lastSeen[entry] = 0;
    this.#tracked[entry] = 0;
    this.#byHash.set(hash, entry);
    return entry;
  }

  #grow(): void {
    const length = this.#start.length * 2;
    this.#start = enlarge(this.#start, new Int32Array(length));
    this.#length = enlarge(this.#length, new Int32Array(length));
    this.#follower = enlarge(this.#follower, new Int32Array(length));
    this.#nextSame = enlarge(this.#nextSame, new Int32Array(length));
    this.#references = enlarge(this.#references, new Float64Array(length));
    this.#lastSeen = enlarge(this.#lastSeen, new Float64Array(length));
    this.#tracked = enlarge(this.#tracked, new Int32Array(length));
  }
}

function enlarge<Column extends Int32Array | Float64Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}

/** FNV-1a of 32 bits (Fowler, Noll, Vo). */
function hashOf(bytes: Buffer, from: number, to: number): number {
  let hash = 0x811c_9dc5;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x0100_0193);
  return hash;
}
