/**
 * Reads samples from a Prometheus elsewhere. Where it offers remote read, samples are exactly those it keeps, with
 * the markers at which series end. Where it does not, as behind some proxies, they come by instant queries of
 * `selector[range]`, which leave markers out: a series that ended then lasts up to 5 minutes longer.
 */
import snappy from 'snappyjs';
import { z } from 'zod';
import { SoraError } from '../core/error.ts';
import { joinSeries, keyOfLabels } from './join-series.ts';
import { limitSamples } from './limit-samples.ts';
import { decodeReadResponse, encodeReadRequest } from './remote/read-protocol.ts';
import { askRemote } from './remote/exchange.ts';
import type { RemoteOptions } from './remote/exchange.ts';
import type { Matcher, MetricMetadata, SampleSource, SeriesSamples, TimeSpan } from './series.ts';

const labelsSchema = z.record(z.string(), z.string());
const matrixSchema = z.object({ result: z.array(z.object({ metric: labelsSchema, values: z.array(z.tuple([z.number(), z.string()])).default([]) })) });
const types = ['counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset', 'unknown'] as const;
const metadataSchema = z.record(z.string(), z.array(z.object({ type: z.enum(types).catch('unknown'), help: z.string().default(''), unit: z.string().default('') })));
const answerSchema = z.object({ status: z.string(), data: z.unknown().optional(), error: z.string().optional(), errorType: z.string().optional() });

/** Statuses with which a server says that it has no remote read. */
const absent = new Set([404, 405, 415, 501]);

/** @returns a source that asks the server anew for everything */
export function createRemoteSource(options: RemoteOptions): SampleSource {
  let hasRemoteRead = true;
  return {
    // That server reads by its own limits, and a reply has one; beyond ours what came is not used.
    async select(matchers, span, samplesMax = Number.POSITIVE_INFINITY) {
      if (hasRemoteRead) {
        const found = await readRaw(options, matchers, span);
        if (found !== undefined) return limitSamples(found, samplesMax);
        hasRemoteRead = false;
      }
      return limitSamples(await queryRaw(options, matchers, span), samplesMax);
    },
    // Every series of a span, where no selector is given: one that matches any name.
    series: (selectors, span) => ask(options, '/series', formOf(selectors.length === 0 ? [[{ name: '__name__', operator: '!=', value: '' }]] : selectors, span), z.array(labelsSchema)),
    labelNames: (selectors, span) => ask(options, '/labels', formOf(selectors, span), z.array(z.string())),
    labelValues: (label, selectors, span) => readLabelValues(options, label, selectors, span),
    async metadata(name) {
      const found = await ask(options, `/metadata${name === undefined ? '' : `?metric=${encodeURIComponent(name)}`}`, undefined, metadataSchema);
      return Object.entries(found).flatMap(([metric, [first]]): MetricMetadata[] => (first === undefined ? [] : [{ name: metric, ...first }]));
    },
  };
}

/** `data` of what the server answers to a GET of a path below `/api/v1`. @throws SoraError where it answers anything else */
export function readElsewhere(options: RemoteOptions, path: string): Promise<unknown> {
  return ask(options, path, undefined, z.unknown());
}

async function readRaw(options: RemoteOptions, matchers: readonly Matcher[], span: TimeSpan): Promise<SeriesSamples[] | undefined> {
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-read-version': '0.1.0' };
  const { status, body } = await askRemote(options, '/api/v1/read', headers, snappy.compress(Buffer.from(encodeReadRequest(matchers, toWhole(span)))));
  if (absent.has(status)) return undefined;
  if (status !== 200) throw refused(status, body.toString('utf8').slice(0, 200));
  return decodeReadResponse(snappy.uncompress(body));
}

async function queryRaw(options: RemoteOptions, matchers: readonly Matcher[], span: TimeSpan): Promise<SeriesSamples[]> {
  const { fromMs, toMs } = toWhole(span);
  // The range is open on the left.
  const form = new URLSearchParams({ query: `${selectorOf(matchers)}[${toMs - fromMs + 1}ms]`, time: String(toMs / 1_000) });
  const { result } = await ask(options, '/query', form, matrixSchema);
  return result.map(({ metric, values }) => ({
    labels: metric,
    timestampsMs: Float64Array.from(values, ([atS]) => Math.round(atS * 1_000)),
    values: Float64Array.from(values, ([, value]) => parseValue(value)),
  }));
}

/** Label values have no form to post, so what is too long for a URL is read from the series themselves. */
async function readLabelValues(options: RemoteOptions, label: string, selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<string[]> {
  const query = formOf(selectors, span).toString();
  if (query.length < 6_000 && /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label)) return await ask(options, `/label/${label}/values?${query}`, undefined, z.array(z.string()));
  const found = await ask(options, '/series', formOf(selectors, span), z.array(labelsSchema));
  return [...new Set(found.flatMap((labels) => labels[label] ?? []))].sort();
}

/** @param form sent by POST; a GET without it */
async function ask<Reply>(options: RemoteOptions, path: string, form: URLSearchParams | undefined, reply: z.ZodType<Reply>): Promise<Reply> {
  const { status, body } = form === undefined
    ? await askRemote(options, `/api/v1${path}`, {}, '', 'GET')
    : await askRemote(options, `/api/v1${path}`, { 'content-type': 'application/x-www-form-urlencoded' }, form.toString());
  const answer = answerSchema.safeParse(parseJson(body)).data;
  if (answer === undefined) throw refused(status, 'its answer is no JSON of that API');
  if (answer.status !== 'success') throw refused(status, `${answer.errorType ?? 'error'}: ${answer.error ?? ''}`);
  const parsed = reply.safeParse(answer.data ?? []);
  if (!parsed.success) throw refused(status, `its answer to ${path.split('?')[0]} is not understood: ${parsed.error.issues[0]?.message}`);
  return parsed.data;
}

function formOf(selectors: readonly (readonly Matcher[])[], span: TimeSpan): URLSearchParams {
  const form = new URLSearchParams(selectors.map((matchers) => ['match[]', selectorOf(matchers)]));
  // Ends beyond what a server can hold mean all time.
  if (Math.abs(span.fromMs) < 8e15) form.set('start', String(Math.floor(span.fromMs) / 1_000));
  if (Math.abs(span.toMs) < 8e15) form.set('end', String(Math.ceil(span.toMs) / 1_000));
  return form;
}

/** As PromQL; names with characters of other languages in quotes, which Prometheus 3 reads. */
export function selectorOf(matchers: readonly Matcher[]): string {
  return `{${matchers.map(({ name, operator, value }) => `${/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name)}${operator}${JSON.stringify(value)}`).join(',')}}`;
}

const toWhole = ({ fromMs, toMs }: TimeSpan): TimeSpan => ({ fromMs: Math.floor(fromMs), toMs: Math.ceil(toMs) });

function parseValue(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}

function refused(status: number, why: string): SoraError {
  return new SoraError('remote_refused', `Prometheus refused a read with status ${status}: ${why}`, { status: 503, hint: 'see its log; its limits of samples and time hold here too' });
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Two sources as one. Where both have a series, its samples are those of `first`, and before the first of these those of `second`.
 * @param first such as what our own rules wrote
 */
export function joinSources(first: SampleSource, second: SampleSource): SampleSource {
  const unique = <Item>(items: readonly Item[], key: (item: Item) => string): Item[] => {
    const byKey = new Map<string, Item>();
    for (const item of items) if (!byKey.has(key(item))) byKey.set(key(item), item);
    return [...byKey.values()];
  };
  const both = async <Item>(ask: (source: SampleSource) => Promise<readonly Item[]>): Promise<Item[]> => (await Promise.all([ask(first), ask(second)])).flat();
  return {
    async select(matchers, span, samplesMax) {
      const [ours, theirs] = await Promise.all([first.select(matchers, span, samplesMax), second.select(matchers, span, samplesMax)]);
      return joinSeries(theirs, ours);
    },
    series: async (selectors, span) => unique(await both((source) => source.series(selectors, span)), keyOfLabels),
    labelNames: async (selectors, span) => unique(await both((source) => source.labelNames(selectors, span)), String).sort(),
    labelValues: async (label, selectors, span) => unique(await both((source) => source.labelValues(label, selectors, span)), String).sort(),
    metadata: async (name) => unique(await both((source) => source.metadata(name)), (metric) => metric.name),
  };
}
