/** Matches patterns that are evil to backtracking in every place that takes patterns of people; see the test beside it. */
import { parentPort } from 'node:worker_threads';
import { compileMatcher } from '../metricstore/matchers.ts';
import { compileFind } from '../metricstore/regex/re2.ts';
import { matchesAll } from './routing/matcher.ts';
import { matchString, replaceAll } from './template/go-regexp.ts';

const evil = ['(a+)+b', '(a|a)*b', '(a|aa)+b', '(.*)*b', '([a-z]+)*[0-9]', '(x+x+)+y|(a+a+)+y', '.*.*.*.*.*.*=', '(a?){500}b', '(.*a){20}b', '^(([a-z])+.)+[A-Z]([a-z])+$'];
const text = 'a'.repeat(20_000);

const answers = evil.map((pattern) => [
  compileMatcher({ name: 'a', operator: '=~', value: pattern })(text),
  matchesAll([{ name: 'a', operator: '=~', value: pattern }], { a: text }),
  matchString(pattern, text),
  compileFind(`^(?s:${pattern})$`)(text).next().value !== undefined,
  // Looks from each place on, as Go does: quadratic at worst, and so with a shorter text.
  replaceAll(pattern, 'x', text.slice(0, 500)) !== text.slice(0, 500),
]);
parentPort?.postMessage(answers, []);
