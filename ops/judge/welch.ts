import { mean } from './effect-size.ts';
import { studentCdf } from './student.ts';

/**
 * One-sided p that the experiment's mean lies no more than `least` above the control's: B. L. Welch's t test, "The
 * generalization of 'Student's' problem when several different population variances are involved" (Biometrika 34, 1947).
 * 1 where a side has fewer than two values; where neither varies, the difference itself decides.
 */
export function welchAbove(control: readonly number[], experiment: readonly number[], least: number): number {
  const [n, m] = [control.length, experiment.length];
  if (n < 2 || m < 2) return 1;
  const [before, after] = [varianceOf(control) / n, varianceOf(experiment) / m];
  const beyond = mean(experiment) - mean(control) - least;
  if (before + after === 0) return beyond > 0 ? 0 : 1;
  const degrees = (before + after) ** 2 / (before ** 2 / (n - 1) + after ** 2 / (m - 1));
  // The lower tail keeps its digits.
  return studentCdf(-beyond / Math.sqrt(before + after), degrees);
}

/** Of a sample, by n − 1. */
export function varianceOf(values: readonly number[]): number {
  const middle = mean(values);
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1);
}
