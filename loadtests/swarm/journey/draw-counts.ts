/** How often each user has drawn under its present key: 12 bytes for each user up to the highest that did. */
export class DrawCounts {
  #keys = new Float64Array(0);
  #counts = new Uint32Array(0);

  /** The number of this draw, 0-based; begins anew when a user's key is another. */
  next(user: number, key: number): number {
    if (user >= this.#counts.length) this.#grow(user + 1);
    if (this.#keys[user] !== key) {
      this.#keys[user] = key;
      this.#counts[user] = 0;
    }
    return this.#counts[user]!++;
  }

  #grow(needed: number): void {
    const length = Math.max(needed, this.#counts.length * 2, 64);
    const keys = new Float64Array(length).fill(-1);
    const counts = new Uint32Array(length);
    keys.set(this.#keys);
    counts.set(this.#counts);
    this.#keys = keys;
    this.#counts = counts;
  }
}
