import { describe, expect, it } from 'vitest';
import { parseSlos } from './open-slo.ts';

const good = `apiVersion: openslo/v1
kind: SLO
metadata:
  name: api
  displayName: The API
  annotations:
    sora/owner: backend
    sora/bad-events-min: "25"
    other.example/note: kept apart
spec:
  description: Requests answered.
  service: api
  indicator:
    metadata:
      name: api
    spec:
      ratioMetric:
        counter: true
        bad:
          metricSource:
            type: Prometheus
            spec:
              query: http_requests_total{code=~"5.."}
        total:
          metricSource:
            spec:
              query: http_requests_total
  timeWindow:
    - duration: 14d
      isRolling: true
  budgetingMethod: Occurrences
  objectives:
    - displayName: answered
      targetPercent: 99.9
`;

describe('parseSlos', () => {
  it('reads an objective', () => {
    expect(parseSlos('api.yaml', good)).toEqual({
      problems: [],
      slos: [{
        name: 'api', displayName: 'The API', description: 'Requests answered.', service: 'api', owner: 'backend',
        indicator: { counted: 'bad', events: 'http_requests_total{code=~"5.."}', total: 'http_requests_total' },
        targetRatio: 0.999, periodMs: 14 * 86_400_000, badEventsMin: 25,
      }],
    });
  });

  it('reads several of one file', () => {
    expect(parseSlos('two.yaml', `${good}---\n${good.replace('name: api', 'name: other')}`).slos.map(({ name }) => name)).toEqual(['api', 'other']);
  });

  it.each([
    ['another version', 'openslo/v1\n', 'openslo/v2\n', 1, /apiVersion/],
    ['another budgeting method', 'Occurrences', 'Timeslices', 31, /only Occurrences is supported/],
    ['a calendar window', 'isRolling: true', 'isRolling: false', 30, /calendar windows are not supported/],
    ['a period that no store keeps', '14d', '400d', 29, /give 1d to 90d/],
    ['no budget at all', 'targetPercent: 99.9', 'target: 1', 34, /without a budget is always missed/],
    ['two targets', 'targetPercent: 99.9', 'targetPercent: 99.9\n      target: 0.9', 33, /either target or targetPercent/],
    ['gauges', 'counter: true', 'counter: false', 18, /must be true/],
    ['an expression in place of a selector', 'query: http_requests_total\n', 'query: sum(http_requests_total)\n', 27, /write one selector/],
    ['a selector that does not parse', 'query: http_requests_total\n', 'query: http_requests_total{\n', 27, /parse error/],
    ['an unknown field', 'service: api', 'servce: api', 11, /servce/],
    ['no owner', 'sora/owner: backend', 'team: backend', 7, /sora\/owner/],
    ['an unusable name', 'name: api\n  displayName', 'name: The_API\n  displayName', 4, /a-z, 0-9 and -/],
  ])('refuses %s, naming its line', (_what, from, to, line, message) => {
    const { slos, problems } = parseSlos('api.yaml', good.replace(from, to));
    expect(slos).toEqual([]);
    expect(problems.map((problem) => `${problem.line}: ${problem.message}`).join('\n')).toMatch(message);
    expect(problems.map((problem) => problem.line)).toContain(line);
  });

  it('tells all that is wrong at once', () => {
    const wrong = good.replace('Occurrences', 'Magic').replace('kind: SLO', 'kind: SLA').replace('14d', 'soon');
    expect(parseSlos('api.yaml', wrong).problems.length).toBe(3);
  });

  it('tells where YAML itself breaks', () => {
    expect(parseSlos('api.yaml', 'a: [1\nb: 2').problems[0]?.message).toMatch(/^yaml: /);
    expect(parseSlos('api.yaml', '').problems.length).toBe(1);
  });
});
