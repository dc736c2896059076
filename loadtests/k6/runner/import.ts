import { exitCodes } from '../../../ops/core/error.ts';
import { redactText } from '../../../ops/telemetry/redact-text.ts';
import type { Resources, WorkDone } from '../../report/resources.ts';
import type { Summary, SummaryLatency, SummaryMachine, SummaryOperations, SummaryProcess, SummaryQuantiles } from '../../report/summary-schema.ts';
import type { Operator, ThresholdResult } from '../../report/thresholds.ts';
import type { ValidityItem } from '../../report/validity.ts';
import { judgeRun } from '../../report/verdict.ts';
import type { Judgement } from '../../report/verdict.ts';
import { silentWhenGood } from '../../browser/vitals.ts';
import { countOf, figureOf, hasSamples, readExpression } from './document.ts';
import type { K6Document } from './document.ts';

/** What the harness knows of a run of k6 besides k6's own figures. */
export interface K6Facts {
  readonly runId: string;
  /** As k6 tells it, such as `v2.2.0`. */
  readonly k6Version: string;
  readonly k6ExitCode: number;
  readonly interrupted: boolean;
  readonly note: string;
  readonly seed: number;
  readonly gitSha: string | null;
  readonly version: string;
  readonly host: string;
  readonly target: string;
  readonly scenarioSha256: string | null;
  readonly machine: SummaryMachine;
  readonly processes: readonly SummaryProcess[];
  /** Of k6 and the browsers it started; null where it could not be read. */
  readonly cpuUs: number | null;
  readonly rssMaxBytes: number | null;
  readonly series: Summary['series'];
  /** What k6 and the system used; absent where the machine does not tell. */
  readonly resources?: Resources | undefined;
}

/** Of k6's exit codes those after which its figures are whole, and its thresholds judged. */
const judgedCodes: readonly number[] = [exitCodes.pass, exitCodes.thresholdsFailed, exitCodes.interrupted];
const errorsMax = 200;

/**
 * Writes a run of k6 down in the shape of every other run, with null where k6 has no figure. The exit
 * code is k6's own, except that dropped iterations prove nothing (98), and neither does a threshold on nothing
 * where k6 calls it met. Pure.
 */
export function buildK6Summary(document: K6Document, facts: K6Facts): Summary {
  const { run } = document;
  const thresholds = thresholdsOf(document);
  const validity = validityOf(document);
  const judged = judgeLikeK6(facts, judgeRun({ thresholds, validity, audit: null, interrupted: facts.interrupted }), document);
  const broken = judgedCodes.includes(facts.k6ExitCode) ? undefined : `k6 ended with exit code ${facts.k6ExitCode}; its last words are above the report`;
  const done = countOf(document, 'operations');
  const holdS = run.holdMs / 1_000;
  return {
    schema: 'sora.run/v1',
    runId: facts.runId,
    scenario: `k6-${run.name}`,
    description: run.about,
    scenarioSha256: facts.scenarioSha256,
    note: facts.note,
    seed: facts.seed,
    gitSha: facts.gitSha,
    version: facts.version,
    host: facts.host,
    startedAt: new Date(run.startedAtMs).toISOString(),
    endedAt: new Date(run.endedAtMs).toISOString(),
    target: facts.target,
    model: run.duePerS === null ? 'closed' : 'scheduled',
    pace: run.duePerS === null ? 'after-reply' : 'due',
    thinkTimeS: run.thinkTimeMs / 1_000,
    thinkTime: run.duePerS === null ? 'after each reply' : 'an even pace for all users together',
    verdict: broken === undefined ? judged.verdict : 'insufficient',
    reasons: broken === undefined ? [...judged.reasons] : [broken, ...judged.reasons],
    exitCode: broken === undefined ? judged.exitCode : facts.k6ExitCode,
    users: run.users,
    durationS: run.plannedHoldMs / 1_000,
    phases: [
      phaseOf(document, 'ramp', 0, Math.min(run.rampMs, run.endedAtMs - run.startedAtMs), run.rampMs),
      phaseOf(document, 'hold', run.rampMs, run.holdMs, run.plannedHoldMs),
    ],
    operations: operationsOf(document, '', holdS),
    latencyMs: latencyOf(document, ''),
    byOperation: Object.fromEntries(namesOf(document).map((op) => [op, { operations: operationsOf(document, op, holdS), latencyMs: latencyOf(document, op) }])),
    requests: requestsOf(document),
    errors: errorsOf(document),
    thresholds,
    audit: null,
    validity,
    generator: {
      tool: `k6 ${facts.k6Version}`, workers: 1, cpuUsPerOperation: facts.cpuUs === null || done === 0 ? null : facts.cpuUs / done, rssBytes: facts.rssMaxBytes,
      bytesPerUser: null, sockets: null, coreShareMax: null, loopDelayP99Ms: null, unsent: countOf(document, 'dropped_iterations'), workersLost: null,
    },
    processes: [...facts.processes],
    machine: facts.machine,
    usersCompletedRatio: null,
    operationsPerUser: null,
    sampledUser: null,
    distribution: [],
    ranges: [],
    series: facts.series,
    slowest: [],
    ...(facts.resources === undefined ? {} : { resources: facts.resources }),
  };
}

/** What k6 called a miss stays one, but where iterations were dropped or somebody stopped the run. */
function judgeLikeK6({ k6ExitCode, interrupted }: K6Facts, judged: Judgement, document: K6Document): Judgement {
  if (k6ExitCode !== exitCodes.thresholdsFailed || judged.verdict === 'fail' || interrupted || countOf(document, 'dropped_iterations') > 0) return judged;
  return { verdict: 'fail', reasons: [`k6 ended with exit code ${k6ExitCode}: it missed a threshold`, ...judged.reasons], exitCode: exitCodes.thresholdsFailed };
}

/** What k6 did in all phases, as far as it is priced. */
export function workOf(document: K6Document): WorkDone {
  const [total, bytesSent, bytesReceived] = ['operations', 'data_sent', 'data_received'].map((name) => countOf(document, name)) as [number, number, number];
  return { operations: [{ total, bytesSent, bytesReceived }] };
}

/** `name{phase:hold}` or `name{phase:hold,op:feed}`; op '' for all. */
const ofHold = (name: string, op: string): string => `${name}{phase:hold${op === '' ? '' : `,op:${op}`}}`;

/** Every threshold as k6 judged it; k6 calls one on nothing met, which here proves nothing. */
function thresholdsOf(document: K6Document): ThresholdResult[] {
  return Object.entries(document.metrics).toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, metric]) =>
    Object.entries(metric.thresholds).flatMap(([text, { ok }]) => {
      const { figure, operator, limit } = readExpression(text) ?? { figure: '', operator: '==', limit: 0 };
      const measured = figureOf(document, name, figure);
      if (measured === null && silentWhenGood.includes(name)) return [];
      const [, bare = name, tags = ''] = /^([^{]+)(?:\{(.*)\})?$/.exec(name) ?? [];
      // All figures are of the hold; saying so in each name would only be noise.
      const shown = tags.split(',').filter((tag) => tag !== '' && tag !== 'phase:hold').join(',');
      return {
        expression: `${bare}${shown === '' ? '' : `{${shown}}`}: ${text.trim()}`, metric: bare, measured, operator: operator as Operator, limit,
        ok: measured === null && metric.type !== 'counter' ? null : ok,
      };
    }));
}

/** Lateness is no condition here: response times count from the due time, so k6's own delay makes them worse, never better. */
function validityOf(document: K6Document): ValidityItem[] {
  const done = countOf(document, ofHold('operations', ''));
  const dropped = countOf(document, 'dropped_iterations');
  return [
    { name: 'operations', measured: done, limit: 1, unit: 'count', bound: 'min', ok: done >= 1, text: `${done} operations in the hold, limit ≥ 1` },
    { name: 'dropped_iterations', measured: dropped, limit: 0, unit: 'count', bound: 'max', ok: dropped === 0, text: `${dropped} iterations dropped by k6, limit ≤ 0` },
  ];
}

function phaseOf(document: K6Document, name: 'ramp' | 'hold', startMs: number, durationMs: number, plannedMs: number): Summary['phases'][number] {
  const count = (metric: string): number => countOf(document, `${metric}{phase:${name}}`);
  return {
    name, startS: startMs / 1_000, durationS: Math.max(0, durationMs) / 1_000, plannedS: plannedMs / 1_000,
    total: count('operations'), failed: count('operations_failed'), refused: count('operations_refused'),
  };
}

function operationsOf(document: K6Document, op: string, holdS: number): SummaryOperations {
  const [total, failed, refused] = ['operations', 'operations_failed', 'operations_refused'].map((name) => countOf(document, ofHold(name, op))) as [number, number, number];
  const perS = (count: number): number => (holdS === 0 ? 0 : count / holdS);
  const offeredPerS = op === '' ? (document.run.duePerS ?? perS(total)) : perS(total);
  return { offeredPerS, achievedPerS: perS(total - failed), total, failed, failedRatio: total === 0 ? 0 : failed / total, refused };
}

function latencyOf(document: K6Document, op: string): SummaryLatency {
  const of = (name: string): SummaryQuantiles => quantilesOf(document, ofHold(name, op));
  return { response: of('response_time'), service: of('service_time'), poolWait: of('pool_wait'), lateness: of('lateness') };
}

function quantilesOf(document: K6Document, name: string): SummaryQuantiles {
  const at = (figure: string): number | null => figureOf(document, name, figure);
  return { p50: at('med'), p90: at('p(90)'), p95: at('p(95)'), p99: at('p(99)'), p999: at('p(99.9)'), max: at('max') };
}

function requestsOf(document: K6Document): Summary['requests'] {
  const total = countOf(document, 'http_reqs{phase:hold}');
  const failedRatio = figureOf(document, 'http_req_failed{phase:hold}', 'rate') ?? 0;
  return {
    total, failed: Math.round(total * failedRatio), failedRatio, durationMs: quantilesOf(document, 'http_req_duration{phase:hold}'),
    bytesSent: countOf(document, 'data_sent{phase:hold}'), bytesReceived: countOf(document, 'data_received{phase:hold}'),
  };
}

/** Operations of which anything was kept apart and measured. */
function namesOf(document: K6Document): string[] {
  const names = Object.keys(document.metrics).flatMap((name) => /^response_time\{phase:hold,op:([^,}]+)\}$/.exec(name)?.slice(1) ?? []);
  return names.filter((op) => hasSamples(document.metrics[ofHold('response_time', op)])).toSorted();
}

/** k6 counts what went wrong by check and group, and keeps neither when nor an example. */
function errorsOf({ root_group }: K6Document): Summary['errors'] {
  const groups = [root_group, ...root_group.groups];
  const failed = groups.flatMap(({ name, checks }) => checks.filter(({ fails }) => fails > 0).map((check) => ({ op: name === '' ? 'all' : name, ...check })));
  return failed.toSorted((a, b) => b.fails - a.fails).slice(0, errorsMax).map(({ op, name, passes, fails }) => ({
    kind: redactText(`check: ${name}`), op, count: Math.round(fails), firstAtS: null, firstMessage: redactText(`the check "${name}" failed, and held ${passes} times`),
  }));
}
