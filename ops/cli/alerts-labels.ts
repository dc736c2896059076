/** Names of labels that are a slip away from another. */
import { closest, distance } from 'fastest-levenshtein';

/** Every alert may have these. */
const usual = ['alertname', 'severity', 'service', 'instance', 'job'];
/** Letters that a slip changes at most: two swapped, or one left out. */
const slipMax = 2;

/** `; did you mean NAME?` where one of the usual labels or of `known` is a slip away and this is neither; else nothing. */
export function nearLabel(name: string, known: Iterable<string>): string {
  const all = [...new Set([...usual, ...known])];
  const nearest = closest(name, all);
  return all.includes(name) || distance(name, nearest) > slipMax ? '' : `; did you mean ${nearest}?`;
}
