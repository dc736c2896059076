import { compileMatcher } from '../matchers.ts';
import type { Labels, Matcher } from '../series.ts';
import type { Expr } from './expr.ts';
import { nameLabel } from './labels.ts';
import type { VectorValue } from './values.ts';
import { singleRow } from './values.ts';

/** The labels that a selector pins to one value: what `absent` can say of a series that is not there. */
export function absentLabels(expr: Expr): Labels {
  const selector = expr.kind === 'selector' ? expr : expr.kind === 'matrix' ? expr.selector : undefined;
  const labels = new Map<string, string>();
  const seen = new Set<string>();
  for (const { name, operator, value } of inStoreOrder(selector?.matchers ?? [])) {
    if (name === nameLabel) continue;
    if (operator === '=' && !seen.has(name)) {
      seen.add(name);
      if (value !== '') labels.set(name, value);
    } else labels.delete(name);
  }
  return Object.fromEntries(labels);
}

/** Prometheus' storage sorts matchers in place, so that those come last by which series are taken away; order else stays. */
function inStoreOrder(matchers: readonly Matcher[]): Matcher[] {
  const mustBeSet = new Set(matchers.filter((matcher) => !compileMatcher(matcher)('')).map(({ name }) => name));
  const isSubtracting = (matcher: Matcher): boolean => !mustBeSet.has(matcher.name) || (matcher.operator.startsWith('!') && compileMatcher(matcher)(''));
  return [...matchers.filter((matcher) => !isSubtracting(matcher)), ...matchers.filter(isSubtracting)];
}

/** 1 at each step at which no row has a value. */
export function absent({ steps, labels, present }: VectorValue, absentAs: Labels): VectorValue {
  const isAbsent = new Uint8Array(steps).fill(1);
  for (let row = 0; row < labels.length; row += 1) for (let step = 0; step < steps; step += 1) if (present[row * steps + step] === 1) isAbsent[step] = 0;
  return singleRow(new Float64Array(steps).fill(1), isAbsent, absentAs);
}
