/** Fields of the configuration files, each made of the text that stands there. */
import { z } from 'zod';
import { messageOf } from '../../core/error.ts';
import type { Matcher } from '../../metricstore/series.ts';
import { parsePrometheusDuration } from './duration.ts';
import { parseMatchers } from './matcher.ts';
import { compileRegex } from './regex.ts';

/** Makes a field of a function that throws; its message is the problem. */
export function parsed<Result>(parse: (text: string) => Result): z.ZodType<Result> {
  return z.string({ error: 'must be one value, not a list or a map' }).transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
      return z.NEVER;
    }
  });
}

export const text = z.string({ error: 'must be a text' }).max(4_000);
export const word = z.string({ error: 'must be a text' }).min(1, 'is empty').max(500);

const trueWords = new Set(['true', 'True', 'TRUE', 'yes', 'Yes', 'YES', 'on', 'On', 'ON', 'y', 'Y']);
const falseWords = new Set(['false', 'False', 'FALSE', 'no', 'No', 'NO', 'off', 'Off', 'OFF', 'n', 'N']);

export const flag = parsed((value) => {
  if (trueWords.has(value)) return true;
  if (falseWords.has(value)) return false;
  throw new Error(`${JSON.stringify(value)} is neither true nor false`);
});

/** Prometheus' durations: `30s`. */
export const duration = parsed(parsePrometheusDuration);

/** Go's durations, which Alertmanager takes for timeouts: `10s`, `1.5s`, `0`. */
export const goDuration = parsed((value) => {
  if (value === '0') return 0;
  const units = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(value)) throw new Error(`${JSON.stringify(value)} is not a duration such as 10s`);
  return [...value.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)].reduce((sum, [, count, unit]) => sum + Number(count) * units[unit as keyof typeof units], 0);
});

export function whole(min: number, max: number): z.ZodType<number> {
  return parsed((value) => {
    const number = Number(value);
    if (!/^-?\d+$/.test(value) || number < min || number > max) throw new Error(`${JSON.stringify(value)} is not a whole number from ${min} to ${max}`);
    return number;
  });
}

export const httpUrl = parsed((value) => {
  const url = URL.parse(value);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.host === '') throw new Error('is not an http or https address');
  return value;
});

export const labelName = z.string({ error: 'must be a label name' }).min(1, 'a label name is empty').max(200);
export const classicLabelName = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'is not a label name');

export function list<Item extends z.ZodType>(item: Item, max = 1_000): z.ZodArray<Item> {
  return z.array(item, { error: 'must be a list' }).max(max, `has more than ${max} entries`);
}

/** Lines of matchers, each of which may hold several. */
export const matcherLines = list(parsed(parseMatchers)).transform((lines): Matcher[] => lines.flat());

/** A map whose values equal those of labels (`match`), or match them (`match_re`). */
export function matchMap(operator: '=' | '=~'): z.ZodType<Matcher[]> {
  const value = operator === '=' ? text : parsed((pattern) => (compileRegex(pattern), pattern));
  return z.record(classicLabelName, value, { error: 'must be a map' }).transform((map) => Object.entries(map).map(([name, value]) => ({ name, operator, value })));
}
