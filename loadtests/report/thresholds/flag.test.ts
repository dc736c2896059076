import { describe, expect, it } from 'vitest';
import { suiteSchema } from '../../suites/suite-schema.ts';
import { parseThresholdFlag } from '../thresholds.ts';

describe('a threshold flag that ends the run', () => {
  it.each([
    ['response_time: p(95)<500', undefined],
    ['response_time: p(95)<500 abort', 0],
    ['response_time{op:feed}: p(95)<500 abort after 1m30s', 90_000],
    ['response_time: p(95)<500  abort  after 250 ', 250],
    ['operation_failed{op:may abort}: rate<0.9 abort after 5s', 5_000],
  ])('%s', (text, delayMs) => {
    const { abort, expression } = parseThresholdFlag(text);
    expect(abort?.delayMs).toBe(delayMs);
    expect(expression).not.toMatch(/abort( after.*)?$/);
  });
  it.each([
    ['response_time: p(95)<500 abort after soon', 'delayAbortEval "soon" is not a duration'],
    ['response_time: p(95)<500 abort after ', 'delayAbortEval "" is not a duration'],
    ['response_time: p(95)<500 abort now', 'expected a number and nothing after it'],
  ])('refuses %s', (text, part) => expect(() => parseThresholdFlag(text)).toThrow(part));
});

describe('a suite file', () => {
  const suite = (thresholds: unknown[]): unknown => ({
    name: 'mine', description: '', parts: [{ kind: 'run', name: 'one', target: '', rampS: 0, holdS: 5, loads: [{ scenario: 'hello', users: 1, thinkS: 1, thresholds }] }],
  });
  it('takes thresholds in k6’s object form', () => {
    const rules = ['response_time: p(95)<9', { threshold: 'response_time: p(95)<500', abortOnFail: true, delayAbortEval: '30s' }, { threshold: 'http_req_failed: rate<0.1' }, { threshold: 'lateness: avg<9', abortOnFail: true, delayAbortEval: 500 }];
    const [part] = suiteSchema.parse(suite(rules)).parts;
    const texts = part?.kind === 'run' ? (part.loads[0]?.thresholds ?? []) : [];
    expect(texts.map((text) => parseThresholdFlag(text)).map(({ expression, abort }) => [expression, abort?.delayMs])).toEqual([
      ['response_time: p(95)<9', undefined], ['response_time: p(95)<500', 30_000], ['http_req_failed: rate<0.1', undefined], ['lateness: avg<9', 500],
    ]);
  });
  it('refuses other forms', () => {
    expect(suiteSchema.safeParse(suite([{ threshold: 'x', abort: true }])).success).toBe(false);
    expect(suiteSchema.safeParse(suite([{ abortOnFail: true }])).success).toBe(false);
  });
});
