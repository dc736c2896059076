import { describe, expect, test } from 'vitest';
import { limitOf } from './comparison.ts';

describe('limitOf', () => {
  test.each([
    ['histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m]))) > 1.2', '>', '1.2'],
    ['(sum(rate(errors[5m])) / sum(rate(all[5m])) > 0.02) and sum(rate(all[5m])) > 10', '>', '0.02'],
    ['burn{window="1h"} > (14.4 * 0.001) and burn{window="5m"} > (14.4 * 0.001)', '>', '0.0144'],
    ['1000 < queue_depth', '>', '1000'],
    ['up == 0', '==', '0'],
    ['disk_free < -1 * -5', '<', '5'],
    ['count(up == 0) >= 2', '>=', '2'],
    ['rss_bytes > 0.8 * limit_bytes', '>', '0.8 * limit_bytes'],
    ['x > 3 or y < 4', '>', '3'],
  ])('%s', (expression, comparator, limit) => {
    expect(limitOf(expression)).toEqual({ comparator, limit });
  });

  test.each(['absent(up)', 'x > bool 3', '(x > 3) * 100', 'x and on() y > 5', 'not promql ('])('%s has none', (expression) => {
    expect(limitOf(expression)).toBeUndefined();
  });
});
