import { invalidConfig } from '../../core/error.ts';
import { compileSearch } from '../../metricstore/regex/re2.ts';

/** Patterns are few: those of the configuration and of silences. */
const cacheMax = 500;
const cache = new Map<string, (value: string) => boolean>();
const lengthMax = 1_000;

/**
 * The test of a regular expression as Alertmanager takes it: RE2's, in linear time, anchored at both ends; unlike
 * PromQL's, `.` is no line break.
 * @throws SoraError when it is malformed or longer than 1,000 characters
 */
export function compileRegex(pattern: string): (value: string) => boolean {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > lengthMax) throw invalidConfig(`a regular expression has ${pattern.length} characters; at most ${lengthMax} are taken`, 'shorten it');
  // Put together as text, as Alertmanager does.
  const compiled = compileSearch(`^(?:${pattern})$`);
  if (cache.size >= cacheMax) cache.clear();
  cache.set(pattern, compiled);
  return compiled;
}
