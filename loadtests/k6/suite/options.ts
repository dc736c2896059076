import type { Options, Scenario, Threshold } from 'k6/options';
import type { SteppedJourney } from '../../scenarios/launch-mix/journeys.ts';
import { leastPerS } from '../../scenarios/launch-mix/thresholds.ts';
import { lengthMs } from './plan.ts';
import type { SuitePlan } from './plan.ts';

type ThresholdsByMetric = Readonly<Record<string, readonly string[]>>;

/** Figures of every trend that the summary keeps. */
const trendStats = ['avg', 'min', 'med', 'max', 'p(90)', 'p(95)', 'p(99)', 'p(99.9)', 'count'];

/** Times that are kept for each operation. */
const timesByOperation = ['response_time', 'service_time', 'pool_wait', 'lateness'];
const countsByOperation = ['operations', 'operations_failed', 'operations_refused'];

/** Virtual users of a journey that one user alone takes: a slow reply must not hold up the next. */
export const vusPerFixedUser = 3;

/** The users that take one journey and no other, with the time between its steps in ms. */
export function fixedUsersOf(journeys: readonly SteppedJourney[]): { user: number; everyMs: number; journey: SteppedJourney }[] {
  return journeys.flatMap((journey) => {
    const pause = journey.steps[0]?.thinkTimeMs;
    const everyMs = pause?.kind === 'constant' ? pause.value : 1_000;
    return (journey.users ?? []).map((user) => ({ user, everyMs, journey }));
  });
}

/** Everything k6 is told about a suite: scenarios, thresholds, and which figures to keep. */
export function optionsOf(plan: SuitePlan, journeys: readonly SteppedJourney[], thresholds: ThresholdsByMetric): Options {
  const used = judgedByK6(plan, thresholds);
  const percentiles = Object.values(used).flat().flatMap((expression) => /p\([\d.]+\)/.exec(expression) ?? []);
  return {
    scenarios: scenariosOf(plan, journeys),
    thresholds: { ...keptFigures(plan, journeys), ...judgedThresholds(plan, used) },
    summaryTrendStats: [...new Set([...trendStats, ...percentiles])],
    // Without url, ip and the like: a series for each post and user would fill the memory.
    systemTags: ['status', 'method', 'name', 'group', 'check', 'error_code', 'scenario', 'expected_response'],
    maxRedirects: 0,
    setupTimeout: '120s',
    userAgent: 'sora-k6',
  };
}

/** Thresholds that this suite's run can judge. */
export function judgedByK6(plan: SuitePlan, thresholds: ThresholdsByMetric): ThresholdsByMetric {
  return Object.fromEntries(Object.entries(thresholds).filter(([metric]) => whyNotJudged(plan, metric) === undefined));
}

/** Why a run of this suite cannot judge a threshold; undefined when it can. */
export function whyNotJudged(plan: SuitePlan, metric: string): string | undefined {
  if (metric.startsWith('audit_')) return 'k6 keeps no ids of its writes to audit';
  const perS = Math.min(...plan.stages.filter(({ phase }) => phase === 'hold').map(({ toPerMin }) => toPerMin)) / 60;
  const least = leastPerS[metric] ?? 0;
  return perS < least ? `it needs ${least} operations/s, the suite has ${Number(perS.toFixed(1))}` : undefined;
}

/** `response_time{op:feed}` of the hold alone, as k6 names it: `response_time{phase:hold,op:feed}`. */
export function holdMetric(metric: string): string {
  const [, name = metric, tags] = /^([^{]+)(?:\{(.*)\})?$/.exec(metric) ?? [];
  return `${name}{phase:hold${tags === undefined || tags === '' ? '' : `,${tags}`}}`;
}

function scenariosOf(plan: SuitePlan, journeys: readonly SteppedJourney[]): Record<string, Scenario> {
  const mix: Scenario = {
    executor: 'ramping-arrival-rate', exec: 'act', startRate: plan.startPerMin, timeUnit: '1m', preAllocatedVUs: plan.vus, maxVUs: plan.vus, gracefulStop: '30s',
    stages: plan.stages.map(({ durationMs, toPerMin }) => ({ duration: `${durationMs}ms`, target: toPerMin })),
  };
  const fixed = fixedUsersOf(journeys).map(({ user, everyMs }): [string, Scenario] => [`user_${user}`, {
    executor: 'constant-arrival-rate', exec: 'actFixed', rate: 1, timeUnit: `${everyMs}ms`, duration: `${lengthMs(plan)}ms`, env: { SORA_FIXED_USER: String(user) },
    preAllocatedVUs: vusPerFixedUser, maxVUs: vusPerFixedUser, gracefulStop: '30s',
  }]);
  return { mix, ...Object.fromEntries(fixed) };
}

/** Browsers that go on with the next visit when one has ended; not judged by their number of visits. */
export function browserScenario(plan: SuitePlan): Scenario {
  return {
    executor: 'constant-vus', exec: 'browse', vus: plan.browsers, duration: `${lengthMs(plan)}ms`, gracefulStop: '30s', options: { browser: { type: 'chromium' } },
  };
}

function judgedThresholds(plan: SuitePlan, thresholds: ThresholdsByMetric): Record<string, Threshold[]> {
  const ends = (metric: string): boolean => plan.abortsOnMiss && /^(response_time|http_req_failed)\b/.test(metric);
  return Object.fromEntries(Object.entries(thresholds).map(([metric, expressions]) => [
    holdMetric(metric),
    expressions.map((threshold) => (ends(metric) ? { threshold, abortOnFail: true, delayAbortEval: '10s' } : threshold)),
  ]));
}

/** k6 keeps the figures of a tag apart only where a threshold names it; one without expressions judges nothing. */
function keptFigures(plan: SuitePlan, journeys: readonly SteppedJourney[]): Record<string, Threshold[]> {
  const ops = [...new Set(journeys.flatMap(({ steps }) => steps.map(({ op }) => op)))];
  const phases = [...new Set(plan.stages.map(({ phase }) => phase))];
  const names = [
    ...[...timesByOperation, ...countsByOperation].flatMap((metric) => [holdMetric(metric), ...ops.map((op) => holdMetric(`${metric}{op:${op}}`))]),
    ...phases.flatMap((phase) => countsByOperation.map((metric) => `${metric}{phase:${phase}}`)),
    ...['http_reqs', 'http_req_duration', 'http_req_failed', 'data_sent', 'data_received'].map(holdMetric),
  ];
  return Object.fromEntries(names.map((name) => [name, []]));
}
