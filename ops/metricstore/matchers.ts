import { SoraError } from '../core/error.ts';
import { translateRe2 } from './re2-syntax.ts';
import type { Labels, Matcher } from './series.ts';

/** Compiled patterns that are kept; above, the one longest unused goes. */
export const compiledPatternsMax = 1_000;

const compiled = new Map<string, (value: string) => boolean>();

/**
 * The test of one matcher on a label's value, empty where the label is missing. Regular expressions are RE2's, anchored
 * at both ends, and `.` also matches a line break; the last `compiledPatternsMax` of them are kept compiled.
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

/**
 * An anchored regular expression with captures, for `label_replace`.
 * @throws SoraError `bad_data` when the expression is malformed
 */
export function compileAnchored(pattern: string): RegExp {
  const source = translateRe2(pattern);
  try {
    return new RegExp(`^(?:${source})$`, 'us');
  } catch (error) {
    throw new SoraError('bad_data', `error parsing regexp: \`${pattern}\``, { status: 400, cause: error });
  }
}

function compilePattern(pattern: string): (value: string) => boolean {
  const known = compiled.get(pattern);
  if (known !== undefined) {
    // Moved to the end, so that the first is always the one longest unused.
    compiled.delete(pattern);
    compiled.set(pattern, known);
    return known;
  }
  const made = literalAlternation(pattern) ?? simpleWildcard(pattern) ?? expression(pattern);
  if (compiled.size >= compiledPatternsMax) {
    const [oldest] = compiled.keys();
    if (oldest !== undefined) compiled.delete(oldest);
  }
  compiled.set(pattern, made);
  return made;
}

/** `a|b|c` without anything special is a set. */
function literalAlternation(pattern: string): ((value: string) => boolean) | undefined {
  if (!/^[\w:@%&=<>#~!;'" ,\-/|]*$/.test(pattern)) return undefined;
  const values = new Set(pattern.split('|'));
  return values.size === 1 ? (found) => found === pattern : (found) => values.has(found);
}

function simpleWildcard(pattern: string): ((value: string) => boolean) | undefined {
  if (pattern === '.*') return () => true;
  if (pattern === '.+') return (found) => found !== '';
  const prefix = /^([\w:\-/ ]+)\.([*+])$/.exec(pattern);
  if (prefix === null) return undefined;
  const [, start = '', kind] = prefix;
  const lengthMin = start.length + (kind === '+' ? 1 : 0);
  return (found) => found.length >= lengthMin && found.startsWith(start);
}

function expression(pattern: string): (value: string) => boolean {
  const regex = compileAnchored(pattern);
  return (found) => regex.test(found);
}
