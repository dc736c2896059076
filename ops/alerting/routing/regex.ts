import { invalidConfig } from '../../core/error.ts';
import { translateRe2 } from '../../metricstore/re2-syntax.ts';

/** Patterns are few: those of the configuration and of silences. */
const cacheMax = 2_000;
const cache = new Map<string, RegExp>();
const lengthMax = 1_000;

/**
 * A regular expression as Alertmanager takes it: RE2's, anchored at both ends; unlike PromQL's, `.` is no line break.
 * @throws SoraError when it is malformed or longer than 1,000 characters
 */
export function compileRegex(pattern: string): RegExp {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > lengthMax) throw invalidConfig(`a regular expression has ${pattern.length} characters; at most ${lengthMax} are taken`, 'shorten it');
  const compiled = new RegExp(`^(?:${translateRe2(`(?-s:${pattern})`)})$`, 'us');
  if (cache.size >= cacheMax) cache.clear();
  cache.set(pattern, compiled);
  return compiled;
}
