/** Prometheus' HTTP API over any source of samples, for Grafana, promtool and whatever else speaks it. */
import express from 'express';
import type { Router } from 'express';
import { SoraError, messageOf } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import { formatPromql } from '../promql/format.ts';
import { selectorsOf } from '../promql/expr.ts';
import { queryInstant, queryRange } from '../promql/query.ts';
import type { QueryOptions, QueryResult } from '../promql/query.ts';
import { countSamples } from '../limit-samples.ts';
import type { MetricMetadata, SampleSource } from '../series.ts';
import type { TargetState } from '../scrape/target.ts';
import { answerError, endpoint, readForm, truncatedWarning } from './answer.ts';
import type { Answer } from './answer.ts';
import { encodeLabels, encodeResult, truncate } from './encode.ts';
import { Gate } from './gate.ts';
import type { GateLimits } from './gate.ts';
import { badData, invalidParameter, parseStepMs } from './parameters.ts';
import type { Parameters } from './parameters.ts';
import { filterRules } from './rules.ts';
import type { ApiRules } from './rules.ts';
import { describeTargets } from './targets.ts';

export interface PrometheusApiParts {
  readonly host: Host;
  readonly source: SampleSource;
  /** `data` of `/rules`. */
  rules(): ApiRules;
  /** `data` of `/alerts`. */
  alerts(): unknown;
  targets(): readonly TargetState[];
  /** Where another server scrapes: `data` of its answer to a path below `/api/v1`, such as `/targets?state=any`. */
  readonly elsewhere?: ((path: string) => Promise<unknown>) | undefined;
  /** Addresses of Alertmanagers that are told, without credentials. */
  readonly alertmanagers?: readonly string[] | undefined;
  readonly version: string;
  /** The configuration in force, in words; must hold no secret. */
  config(): string;
  readonly limits?: Partial<QueryLimits>;
}

/** Queries run in the process that evaluates alerts, so one must not hold it up for long. */
export interface QueryLimits {
  /** Default 10 s. A request may ask for less. */
  readonly timeoutMs: number;
  /** Samples that one query may read and compute. Default 20 million. */
  readonly samplesMax: number;
  /** Points of one answer, which become text in memory. Default 2 million: 180 series of 11,000. */
  readonly answerPointsMax: number;
  /** How many are answered at once. */
  readonly gate: Partial<GateLimits>;
}

const defaultLimits: QueryLimits = { timeoutMs: 10_000, samplesMax: 20_000_000, answerPointsMax: 2_000_000, gate: {} };
/** Of one series; Prometheus' own. */
const pointsMax = 11_000;

/** Mount it at `/api/v1`, behind authentication. */
export function prometheusRoutes(parts: PrometheusApiParts): Router {
  const { source } = parts;
  const router = express.Router();
  router.use(readForm);
  const gate = new Gate(parts.host, limitsOf(parts).gate);
  const both = (path: string, handle: Handle): void => void router.route(path).get(endpoint(handle)).post(endpoint(handle));
  const get = (path: string, handle: Handle): void => void router.get(path, endpoint(handle));
  /** For what reads samples or the database. */
  const queued = (handle: Handle): Handle => (parameters, path) => gate.run(() => handle(parameters, path));
  both('/query', queued((parameters) => instant(parts, parameters)));
  both('/query_range', queued((parameters) => range(parts, parameters)));
  both('/query_exemplars', (parameters) => {
    if (selectorsOf(parameters.query()).length === 0) return {};
    return { data: [] };
  });
  both('/format_query', (parameters) => ({ data: formatPromql(parameters.query()) }));
  both('/series', queued((parameters) => listSeries(source, parameters)));
  both('/labels', queued(async (parameters) => {
    const limit = parameters.limit();
    const span = parameters.span();
    return cut(await source.labelNames(parameters.selectors(), span), limit);
  }));
  get('/label/:name/values', queued(async (parameters, path) => {
    const limit = parameters.limit();
    const span = parameters.span();
    return cut(await source.labelValues(labelName(String(path['name'])), parameters.selectors(), span), limit);
  }));
  get('/metadata', async (parameters) => describeMetadata(await source.metadata(parameters.text('metric') || undefined), parameters));
  const { elsewhere } = parts;
  if (elsewhere !== undefined) for (const path of ['/targets', '/targets/metadata', '/scrape_pools']) get(path, async (parameters) => ({ data: await elsewhere(`${path}${parameters.search()}`) }));
  get('/targets', (parameters) => ({ data: describeTargets(parts.targets(), parameters) }));
  get('/targets/metadata', async (parameters) => ({ data: (await source.metadata(parameters.text('metric') || undefined)).map(({ name, ...rest }) => ({ target: {}, metric: name, ...rest })) }));
  get('/scrape_pools', () => ({ data: { scrapePools: [...new Set(parts.targets().map(({ target }) => target.job))].sort() } }));
  get('/rules', (parameters) => ({ data: filterRules(parts.rules(), parameters) }));
  get('/alerts', () => ({ data: parts.alerts() }));
  get('/alertmanagers', () => ({ data: { activeAlertmanagers: (parts.alertmanagers ?? []).map((url) => ({ url: `${url}/api/v2/alerts` })), droppedAlertmanagers: [] } }));
  get('/status/buildinfo', () => ({ data: { version: parts.version, revision: 'sora', branch: '', buildUser: '', buildDate: '', goVersion: '' } }));
  get('/status/config', () => ({ data: { yaml: parts.config() } }));
  get('/status/flags', () => ({ data: { 'query.lookback-delta': '5m', 'query.timeout': `${Math.round(limitsOf(parts).timeoutMs / 1_000)}s`, 'query.max-samples': String(limitsOf(parts).samplesMax) } }));
  router.use(answerError);
  return router;
}

type Handle = (parameters: Parameters, path: Readonly<Record<string, unknown>>) => Answer | Promise<Answer>;

const limitsOf = ({ limits }: PrometheusApiParts): QueryLimits => ({ ...defaultLimits, ...limits });

async function instant(parts: PrometheusApiParts, parameters: Parameters): Promise<Answer> {
  const limit = parameters.limit();
  const atMs = parameters.timeMsOr('time', parts.host.clock.nowMs());
  const options = queryOptions(parts, parameters);
  const expr = parameters.query();
  return answerOf(parts, await asQuery(() => queryInstant(parts.source, expr, atMs, options)), limit);
}

async function range(parts: PrometheusApiParts, parameters: Parameters): Promise<Answer> {
  const limit = parameters.limit();
  const startMs = parameters.timeMs('start');
  const endMs = parameters.timeMs('end');
  if (endMs < startMs) throw invalidParameter('end', 'end timestamp must not be before start time');
  const stepMs = parameters.durationMs('step');
  if (stepMs <= 0) throw invalidParameter('step', 'zero or negative query resolution step widths are not accepted. Try a positive integer');
  if (Math.floor((endMs - startMs) / stepMs) > pointsMax) throw badData('exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)');
  const options = queryOptions(parts, parameters);
  const expr = parameters.query();
  return answerOf(parts, await asQuery(() => queryRange(parts.source, expr, { startMs, endMs, stepMs: Math.max(1, Math.trunc(stepMs)) }, options)), limit);
}

/** What is wrong with the query itself is said of the parameter. */
async function asQuery(run: () => Promise<QueryResult>): Promise<QueryResult> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof SoraError && error.code === 'bad_data' ? invalidParameter('query', error.message) : error;
  }
}

function answerOf(parts: PrometheusApiParts, { value, warnings, infos }: QueryResult, limit: number): Answer {
  const cutOff = truncate(value, limit);
  const { answerPointsMax } = limitsOf(parts);
  const points = cutOff.value.type === 'matrix' ? countSamples(cutOff.value.series) : 0;
  if (points > answerPointsMax) throw new SoraError('execution', `the answer has ${points} points, the limit is ${answerPointsMax}: aggregate, or take fewer series, a shorter span or a longer step`, { status: 422 });
  return { json: encodeResult(cutOff.value), warnings: cutOff.isTruncated ? [...warnings, truncatedWarning] : warnings, infos };
}

function queryOptions(parts: PrometheusApiParts, parameters: Parameters): QueryOptions {
  const { timeoutMs, samplesMax } = limitsOf(parts);
  const asked = parameters.text('timeout') === '' ? timeoutMs : parameters.durationMs('timeout');
  const lookback = parameters.text('lookback_delta') === '' ? 0 : lookbackMs(parameters.text('lookback_delta'));
  return { host: parts.host, samplesMax, timeoutMs: Math.min(timeoutMs, asked), ...(lookback > 0 ? { lookbackMs: lookback } : {}) };
}

function lookbackMs(text: string): number {
  try {
    return parseStepMs(text);
  } catch (error) {
    throw badData(`error parsing lookback delta duration: ${messageOf(error)}`);
  }
}

async function listSeries(source: SampleSource, parameters: Parameters): Promise<Answer> {
  if (parameters.list('match[]').length === 0) throw badData('no match[] parameter provided');
  const limit = parameters.limit();
  const span = parameters.span();
  let selectors;
  try {
    selectors = parameters.selectors();
  } catch (error) {
    throw error instanceof SoraError ? invalidParameter('match[]', error.message) : error;
  }
  const found = (await source.series(selectors, span)).map(encodeLabels).sort();
  const shown = limit > 0 ? found.slice(0, limit) : found;
  return { json: `[${shown.join(',')}]`, warnings: shown.length < found.length ? [truncatedWarning] : [] };
}

function cut(all: readonly string[], limit: number): Answer {
  return limit > 0 && all.length > limit ? { data: all.slice(0, limit), warnings: [truncatedWarning] } : { data: all };
}

/** Names with characters that paths or older clients cannot hold come escaped: `U__http_2e_status`. */
function labelName(name: string): string {
  if (!name.startsWith('U__')) return name;
  return name.slice(3).replaceAll(/_(?:_|([0-9a-fA-F]{1,6})_)/g, (whole, code: string | undefined) => (code === undefined ? '_' : safeCharacter(whole, code)));
}

function safeCharacter(whole: string, code: string): string {
  const point = Number.parseInt(code, 16);
  return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
}

function describeMetadata(all: readonly MetricMetadata[], parameters: Parameters): Answer {
  const count = (name: string): number => {
    const text = parameters.text(name);
    if (text !== '' && !/^[+-]?\d+$/.test(text)) throw badData(`${name} must be a number`);
    return text === '' ? -1 : Number(text);
  };
  const limit = count('limit');
  count('limit_per_metric');
  const shown = limit >= 0 ? all.slice(0, limit) : all;
  return { data: Object.fromEntries(shown.map(({ name, type, help, unit }) => [name, [{ type, unit, help }]])) };
}
