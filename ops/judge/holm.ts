/** What became of one of several hypotheses that were tested together. */
export interface Tested {
  readonly rejected: boolean;
  /** The level it was held against: its share of the error among those that were still open at its step. */
  readonly level: number;
}

/**
 * Tests several hypotheses so that the chance of rejecting any true one stays at `error`, however they depend on each
 * other: the step-down procedure of S. Holm, "A simple sequentially rejective multiple test procedure" (Scand. J.
 * Statist. 6, 1979), in its weighted form (section 4 there).
 * @param ps a p each
 * @param error such as 0.02
 * @param weights their shares of the error, above 0; default equal
 */
export function holm(ps: readonly number[], error: number, weights: readonly number[] = ps.map(() => 1)): Tested[] {
  const weightOf = (index: number): number => weights[index] ?? 1;
  const order = ps.map((p, index) => ({ p, index })).toSorted((a, b) => a.p / weightOf(a.index) - b.p / weightOf(b.index));
  const tested: Tested[] = ps.map(() => ({ rejected: false, level: 0 }));
  let open = ps.reduce((sum, _, index) => sum + weightOf(index), 0);
  let stopped = false;
  for (const { p, index } of order) {
    const level = (error * weightOf(index)) / open;
    stopped ||= p > level;
    tested[index] = { rejected: !stopped, level };
    // Once one is kept, so are all that follow, each at the level of that step.
    if (!stopped) open -= weightOf(index);
  }
  return tested;
}
