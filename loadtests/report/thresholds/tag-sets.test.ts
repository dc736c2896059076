import { expect, it } from 'vitest';
import { parseThreshold } from '../thresholds.ts';
import { tagSetsOf } from './tag-sets.ts';

const setsOf = (...metrics: readonly string[]): unknown[] => tagSetsOf(metrics.map((metric) => parseThreshold(metric, metric.startsWith('checks') ? 'rate>0.9' : 'max<500')));

it('asks for what a threshold names together, once, and for nothing that is measured anyway', () => {
  expect(setsOf('response_time', 'response_time{op:feed,phase:hold}', 'response_time{plan:pro,op:feed}', 'checks{check:is fine}')).toEqual([]);
  expect(setsOf('response_time{plan:pro,size:big,op:feed}', 'service_time{size:big,plan:pro}')).toEqual([{ tags: { size: 'big', plan: 'pro' } }]);
});

it('takes a check beside tags for a check, and elsewhere for a tag of that name', () => {
  expect(setsOf('checks{check:is fine,plan:pro}', 'response_time{check:is fine,plan:pro}')).toEqual([
    { tags: { plan: 'pro' }, check: 'is fine' },
    { tags: { check: 'is fine', plan: 'pro' } },
  ]);
});
