import { compileQuick } from './regex/quick-test.ts';
import { compileWhole } from './regex/re2.ts';
import { rememberPatterns } from './regex/remember.ts';
import type { Labels, Matcher } from './series.ts';

/** Compiled patterns that are kept; above, the one longest unused goes. */
export const compiledPatternsMax = 500;

const compilePattern = rememberPatterns(compiledPatternsMax, (pattern) => compileQuick(pattern) ?? compileWhole(pattern));

/**
 * The test of one matcher on a label's value, empty where the label is missing. Regular expressions are RE2's, anchored
 * at both ends, and `.` also matches a line break; they take time linear in the value. The last `compiledPatternsMax` are kept compiled.
 * @throws SoraError `bad_data` when the expression is malformed
 */
export function compileMatcher({ operator, value }: Matcher): (value: string) => boolean {
  if (operator === '=') return (found) => found === value;
  if (operator === '!=') return (found) => found !== value;
  const isMet = compilePattern(value);
  return operator === '=~' ? isMet : (found) => !isMet(found);
}

/** Whether labels meet every matcher; compile once with `compileMatcher` where there are many labels. */
export function meetsAll(labels: Labels, matchers: readonly Matcher[]): boolean {
  return matchers.every((matcher) => compileMatcher(matcher)(labelValue(labels, matcher.name)));
}

/** A label's value; empty when it is missing, also for names such as `constructor` that every object knows. */
export function labelValue(labels: Labels, name: string): string {
  const value: unknown = labels[name];
  return typeof value === 'string' ? value : '';
}
