import { commonLanguage, meanRatio } from './effect-size.ts';
import type { EffectSize } from './effect-size.ts';
import { shiftOf } from './shift.ts';

/** Which way a metric may not move. */
export type Direction = 'increase' | 'decrease' | 'either';

/** What becomes of values that are not numbers: left out, or taken as 0 (a counter that saw nothing). */
export type NanStrategy = 'remove' | 'replace';

export interface ClassifierOptions {
  readonly direction: Direction;
  readonly nanStrategy: NanStrategy;
  /** A shift counts where its whole interval is beyond this share of its own estimate. Default 0.25. */
  readonly tolerance?: number;
  /** Two-sided, in (0, 1). Default 0.98. */
  readonly confidence?: number;
  /** Default `meanRatio`. */
  readonly effectSize?: EffectSize;
  /** A decrease counts where the effect is at most the first, an increase where it is at least the second. Default 1 and 1. */
  readonly effectLimits?: readonly [decrease: number, increase: number];
  /** Whether the metric alone may condemn, and the effect beyond which it does. Default not; 1 and 1. */
  readonly isCritical?: boolean;
  readonly criticalLimits?: readonly [decrease: number, increase: number];
  /** Without data the metric then fails. Default not. */
  readonly isRequired?: boolean;
}

export type Classification = 'pass' | 'high' | 'low' | 'nodata' | 'nodata-failed';

export interface Classified {
  readonly classification: Classification;
  /** Whether it condemns the whole experiment by itself. */
  readonly critical: boolean;
  /** The effect size; 1 where nothing was compared. */
  readonly effect: number;
  readonly reason: string;
}

/**
 * Says whether a metric of an experiment is higher or lower than its control's, by the rules of the Mann-Whitney canary
 * classifier of Kayenta (github.com/spinnaker/kayenta, kayenta-judge): the confidence interval of the Hodges-Lehmann
 * shift lies beyond a tolerance, in a direction that counts, and the effect is large enough. It differs in one thing: two
 * constant series are compared as they are, without random noise against ties, so the same values get the same answer.
 */
export function classify(control: readonly number[], experiment: readonly number[], options: ClassifierOptions): Classified {
  const before = clean(control, options.nanStrategy);
  const after = clean(experiment, options.nanStrategy);
  if (before.length === 0 || after.length === 0) return withoutData(options, before.length === 0 ? 'control' : 'experiment');
  if (sameValues(before, after)) return { classification: 'pass', critical: false, effect: 1, reason: 'the data are identical' };
  const effect = (options.effectSize ?? 'meanRatio') === 'cles' ? commonLanguage(before, after) : meanRatio(before, after);
  const side = sideOf(before, after, effect, options);
  if (side === 'pass') return { classification: 'pass', critical: false, effect, reason: 'no shift beyond the tolerance' };
  const [down, up] = options.criticalLimits ?? [1, 1];
  const critical = options.isCritical === true && (side === 'high' ? effect >= up : effect <= down);
  return { classification: side, critical, effect, reason: `the experiment is ${side === 'high' ? 'above' : 'below'} its control` };
}

function sideOf(control: readonly number[], experiment: readonly number[], effect: number, options: ClassifierOptions): 'high' | 'low' | 'pass' {
  const { estimate, low, high, side } = shiftOf(control, experiment, options.confidence ?? 0.98);
  const band = (options.tolerance ?? 0.25) * Math.abs(estimate);
  const [down, up] = options.effectLimits ?? [1, 1];
  // Where most pairs are equal, estimate and end are both 0: a real shift that ties hide. The test at 0 then decides.
  const isAbove = low > band || (low === 0 && band === 0 && side > 0);
  const isBelow = high < -band || (high === 0 && band === 0 && side < 0);
  if (options.direction !== 'decrease' && isAbove && effect >= up) return 'high';
  if (options.direction !== 'increase' && isBelow && effect <= down) return 'low';
  return 'pass';
}

/** No data is no finding: a metric whose gaps count as 0 passes, another says that it has none. */
function withoutData({ nanStrategy, isCritical = false, isRequired = false }: ClassifierOptions, side: string): Classified {
  const reason = `the ${side} has no data`;
  if (nanStrategy === 'replace') return { classification: 'pass', critical: false, effect: 1, reason };
  if (isRequired && !isCritical) return { classification: 'nodata-failed', critical: false, effect: 1, reason };
  return { classification: 'nodata', critical: isCritical, effect: 1, reason };
}

function clean(values: readonly number[], strategy: NanStrategy): number[] {
  return strategy === 'remove' ? values.filter((value) => Number.isFinite(value)) : values.map((value) => (Number.isFinite(value) ? value : 0));
}

function sameValues(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  const sorted = b.toSorted((x, y) => x - y);
  return a.toSorted((x, y) => x - y).every((value, index) => value === sorted[index]);
}
