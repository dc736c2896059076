/** At most a tenth of the requests may be retries, so that retrying cannot double an overload. */
export class RetryBudget {
  readonly #earnedPerRequest: number;
  readonly #tokensMax: number;
  #tokens: number;
  spent = 0;
  refused = 0;

  /** @param ratio retries per request; default 0.1 @param tokensMax retries that may be saved up; default 50 */
  constructor(ratio = 0.1, tokensMax = 50) {
    this.#earnedPerRequest = ratio;
    this.#tokensMax = tokensMax;
    this.#tokens = tokensMax;
  }

  earn(): void {
    if (this.#tokens < this.#tokensMax) this.#tokens = Math.min(this.#tokensMax, this.#tokens + this.#earnedPerRequest);
  }

  /** Takes one retry; false when the budget is used up. */
  spend(): boolean {
    if (this.#tokens < 1) {
      this.refused++;
      return false;
    }
    this.#tokens--;
    this.spent++;
    return true;
  }
}
