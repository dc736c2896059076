import { rank } from './ranks.ts';

/** How large a difference is, beside whether there is one. */
export type EffectSize = 'meanRatio' | 'cles';

/** Mean of the experiment by that of the control: 1 for none. Where the control's mean is 0: 1 for 0 too, else infinite with the experiment's sign. */
export function meanRatio(control: readonly number[], experiment: readonly number[]): number {
  const [before, after] = [mean(control), mean(experiment)];
  if (before !== 0) return after / before;
  return after === 0 ? 1 : Math.sign(after) * Number.POSITIVE_INFINITY;
}

/**
 * Common-language effect size: the share of pairs in which the experiment's value is the larger, ties as half (Vargha
 * and Delaney, "A critique and improvement of the CL common language effect size statistics", 2000). 0.5 for none.
 */
export function commonLanguage(control: readonly number[], experiment: readonly number[]): number {
  const [m, n] = [experiment.length, control.length];
  const { ranks } = rank([...experiment, ...control]);
  const sum = ranks.subarray(0, m).reduce((total, each) => total + each, 0);
  return (sum - (m * (m + 1)) / 2) / (m * n);
}

/** NaN of none. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
