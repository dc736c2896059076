import { invalidConfig } from '../../core/error.ts';
import { compileSearch } from '../../metricstore/regex/re2.ts';
import { rememberPatterns } from '../../metricstore/regex/remember.ts';

/** Patterns are few: those of the configuration and of silences. */
const keptMax = 500;
const lengthMax = 1_000;

/**
 * The test of a regular expression as Alertmanager takes it: RE2's, in linear time, anchored at both ends; unlike
 * PromQL's, `.` is no line break. The last 500 are kept compiled.
 * @throws SoraError when it is malformed or longer than 1,000 characters
 */
export const compileRegex: (pattern: string) => (value: string) => boolean = rememberPatterns(keptMax, (pattern) => {
  if (pattern.length > lengthMax) throw invalidConfig(`a regular expression has ${pattern.length} characters; at most ${lengthMax} are taken`, 'shorten it');
  // Put together as text, as Alertmanager does.
  return compileSearch(`^(?:${pattern})$`);
});
