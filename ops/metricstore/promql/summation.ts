/**
 * Compensated summation (Kahan with Neumaier's improvement), as Prometheus sums: large values that cancel out leave
 * the small ones behind.
 */
export class Sum {
  #sum = 0;
  #compensation = 0;

  reset(): void {
    this.#sum = 0;
    this.#compensation = 0;
  }

  add(value: number): void {
    const sum = this.#sum;
    const total = sum + value;
    if (total === Infinity || total === -Infinity) this.#compensation = 0;
    else if (Math.abs(sum) >= Math.abs(value)) this.#compensation += sum - total + value;
    else this.#compensation += value - total + sum;
    this.#sum = total;
  }

  /** Multiplies what was summed. */
  scale(factor: number): void {
    this.#sum *= factor;
    this.#compensation *= factor;
  }

  /** Divides what was summed. */
  divide(divisor: number): void {
    this.#sum /= divisor;
    this.#compensation /= divisor;
  }

  /** Whether adding would leave the range of numbers. */
  wouldOverflow(value: number): boolean {
    const total = this.#sum + value;
    return total === Infinity || total === -Infinity;
  }

  get total(): number {
    return this.#sum + this.#compensation;
  }

  /** The sum divided; each part on its own, so that it does not overflow. */
  dividedBy(count: number): number {
    return this.#sum / count + this.#compensation / count;
  }
}

/** A mean by compensated summation, which goes on incrementally once the sum would overflow. */
export class Mean {
  readonly #sum = new Sum();
  #count = 0;
  #isIncremental = false;

  reset(): void {
    this.#sum.reset();
    this.#count = 0;
    this.#isIncremental = false;
  }

  add(value: number): void {
    this.#count += 1;
    if (!this.#isIncremental) {
      if (this.#count === 1 || !this.#sum.wouldOverflow(value)) {
        this.#sum.add(value);
        return;
      }
      this.#isIncremental = true;
      this.#sum.divide(this.#count - 1);
    }
    this.#sum.scale((this.#count - 1) / this.#count);
    this.#sum.add(value / this.#count);
  }

  get mean(): number {
    return this.#isIncremental ? this.#sum.total : this.#sum.dividedBy(this.#count);
  }
}
