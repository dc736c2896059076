import { expect, it } from 'vitest';
import { parseThreshold } from '../thresholds.ts';
import { judgedNamesOf, requireRoomForNames } from './judged-names.ts';

const setsOf = (...metrics: readonly string[]): unknown[] => judgedNamesOf(metrics.map((metric) => parseThreshold(metric, metric.startsWith('checks') ? 'rate>0.9' : 'max<500'))).tagSets as unknown[];

it('asks for the tags that journeys set, those of one threshold together, once', () => {
  expect(setsOf('response_time', 'response_time{op:feed,phase:hold}', 'checks{check:is fine}')).toEqual([]);
  expect(setsOf('response_time{plan:pro,op:feed}', 'response_time{plan:pro}')).toEqual([{ tags: { plan: 'pro' } }]);
  expect(setsOf('response_time{plan:pro,size:big,op:feed}', 'service_time{size:big,plan:pro}')).toEqual([{ tags: { size: 'big', plan: 'pro' } }]);
});

it('names the operations and checks that are judged, once', () => {
  const rules = [parseThreshold('response_time{op:feed,plan:pro}', 'max<500'), parseThreshold('service_time{op:feed}', 'max<500'), parseThreshold('checks{op:pay,check:paid}', 'rate>0.9'), parseThreshold('response_time{check:a tag}', 'max<1')];
  expect(judgedNamesOf(rules)).toMatchObject({ operations: ['feed', 'pay'], checks: ['paid'] });
});

it('takes a check beside tags for a check, and elsewhere for a tag of that name', () => {
  expect(setsOf('checks{check:is fine,plan:pro}', 'response_time{check:is fine,plan:pro}')).toEqual([
    { tags: { plan: 'pro' }, check: 'is fine' },
    { tags: { check: 'is fine', plan: 'pro' } },
  ]);
});

it.each([
  [Array.from({ length: 20 }, (_, n) => `response_time{tag${n}:x,op:feed}`), []],
  [Array.from({ length: 21 }, (_, n) => `response_time{tag${n}:x}`), ['thresholds name 21 tags, and a run tells 20 apart']],
  [Array.from({ length: 100 }, (_, n) => `response_time{plan:x${n}}`), []],
  [Array.from({ length: 101 }, (_, n) => `response_time{plan:x${n},other:y}`), ['thresholds name 101 values of the tag "plan", and a run tells 100 of one tag apart']],
  [[`response_time{plan:${'x'.repeat(64)}}`], []],
  [[`response_time{plan:${'x'.repeat(65)}}`], [`threshold "response_time{plan:${'x'.repeat(65)}}: max<500": "${'x'.repeat(65)}" has 65 characters, and tags are cut to 64`]],
  [Array.from({ length: 300 }, (_, n) => `response_time{op:o${n}}`), []],
  [Array.from({ length: 301 }, (_, n) => `response_time{op:o${n}}`), ['thresholds name 301 operations; at most 300 are told apart for certain']],
  [Array.from({ length: 301 }, (_, n) => `checks{check:c${n}}`), ['thresholds name 301 checks; at most 300 are told apart for certain']],
])('refuses more names than a run tells apart (%#)', (metrics, messages) => {
  const errors: unknown[] = [];
  requireRoomForNames(metrics.map((metric) => parseThreshold(metric, metric.startsWith('checks') ? 'rate>0.9' : 'max<500')), (error) => errors.push(error.message));
  expect(errors).toEqual(messages);
});
