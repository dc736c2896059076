/** What several variances of one kind say of each of them. */
export interface VariancePrior {
  /** As if each variance had been seen so many times more; 0 where they have nothing in common. */
  readonly degrees: number;
  readonly variance: number;
}

/** More would change a quantile by less than its third digit. */
const degreesMax = 100;
/** The spread of fewer logarithms says nothing of how alike they are. */
const variancesLeast = 4;

/**
 * The common scale of variances that were estimated on few degrees of freedom each, by the moments of their logarithms:
 * G. K. Smyth, "Linear models and empirical Bayes methods for assessing differential expression in microarray
 * experiments" (Stat. Appl. Genet. Mol. Biol. 3, 2004), section 6.2. The more alike they are, the more degrees it has.
 * @param variances above 0; others are left out
 * @param degrees of freedom of each
 */
export function priorOf(variances: readonly number[], degrees: number): VariancePrior {
  const logs = variances.filter((variance) => variance > 0).map((variance) => Math.log(variance) - digamma(degrees / 2) + Math.log(degrees / 2));
  if (logs.length < variancesLeast) return { degrees: 0, variance: 0 };
  const middle = logs.reduce((sum, each) => sum + each, 0) / logs.length;
  const spread = logs.reduce((sum, each) => sum + (each - middle) ** 2, 0) / (logs.length - 1) - trigamma(degrees / 2);
  // However alike they are, they know no more than all of them have seen together.
  const most = Math.min(degreesMax, logs.length * degrees);
  const prior = spread <= trigamma(most / 2) ? most : 2 * trigammaInverse(spread);
  return { degrees: prior, variance: Math.exp(middle + digamma(prior / 2) - Math.log(prior / 2)) };
}

/** A variance drawn towards the prior, each with the weight of its degrees of freedom. */
export function moderate(variance: number, degrees: number, prior: VariancePrior): number {
  return (prior.degrees * prior.variance + degrees * variance) / (prior.degrees + degrees);
}

/** ψ(x) of x > 0: the recurrence up to 6, then the series of Abramowitz and Stegun 6.3.18. */
export function digamma(x: number): number {
  if (x < 6) return digamma(x + 1) - 1 / x;
  const square = 1 / (x * x);
  return Math.log(x) - 1 / (2 * x) - square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square / 132))));
}

/** ψ′(x) of x > 0: the recurrence up to 6, then the series of Abramowitz and Stegun 6.4.12. */
export function trigamma(x: number): number {
  if (x < 6) return trigamma(x + 1) + 1 / (x * x);
  const square = 1 / (x * x);
  return 1 / x + square / 2 + (square / x) * (1 / 6 - square * (1 / 30 - square * (1 / 42 - square / 30)));
}

/** The x of which ψ′ is y > 0; ψ′ falls, so halving the interval of its logarithm finds it. */
export function trigammaInverse(y: number): number {
  let [low, high] = [1e-8, 1e8];
  for (let round = 0; round < 120; round++) {
    const middle = Math.sqrt(low * high);
    if (trigamma(middle) > y) low = middle;
    else high = middle;
  }
  return Math.sqrt(low * high);
}
