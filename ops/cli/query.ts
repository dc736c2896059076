import { z } from 'zod';
import { controlClient } from '../control/client.ts';
import type { ControlClient } from '../control/client.ts';
import { formatDuration, parseDurationMs } from '../core/duration.ts';
import { exitCodes, invalidConfig } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { parseTimeMs } from '../metricstore/http-api/parameters.ts';
import type { Command, Parsed } from './command.ts';
import { parseFlags } from './command.ts';
import { formatNumber, renderChart } from './query-chart.ts';
import { atItsPlace, reasonFor } from './query-help.ts';
import { renderTable } from './table.ts';

const point = z.tuple([z.number(), z.string()]);
const metric = z.record(z.string(), z.string());
const result = z.discriminatedUnion('resultType', [
  z.object({ resultType: z.literal('scalar'), result: point }),
  z.object({ resultType: z.literal('string'), result: point }),
  z.object({ resultType: z.literal('vector'), result: z.array(z.object({ metric, value: point })) }),
  z.object({ resultType: z.literal('matrix'), result: z.array(z.object({ metric, values: z.array(point) })) }),
]);
const replySchema = z.object({ data: result, warnings: z.array(z.string()).default([]), infos: z.array(z.string()).default([]) });
type Reply = z.infer<typeof replySchema>;
type Matrix = Extract<Reply['data'], { resultType: 'matrix' }>['result'];

const outputs = ['table', 'json', 'chart'] as const;
type Output = (typeof outputs)[number];
/** Beyond it a URL passes what servers take. */
const queryMax = 10_000;
const chartRows = 12;
/** Steps of a range that names none, where no terminal says how many fit. */
const stepsDefault = 60;

export const query: Command = {
  name: 'query',
  summary: 'Asks the metric store with PromQL',
  usage: "sora query '<promql>' [--at TIME] [--range DURATION] [--step DURATION] [flags]",
  flags: {
    at: { type: 'string', value: 'TIME', help: 'the time asked of, or the end of the range: RFC 3339 or Unix seconds; default now' },
    range: { type: 'string', value: 'DURATION', help: 'asks at every step of that long, such as 1h' },
    step: { type: 'string', value: 'DURATION', help: 'time between two points of a range; default what fits the terminal' },
    output: { type: 'string', short: 'o', value: 'table|json|chart', help: 'default a chart for a range on a terminal, else a table' },
  },
  examples: ["sora query 'up'", "sora query 'sum by (class) (rate(gateway_replies_total[1m]))' --range 1h", "sora query 'sora_process_resident_memory_bytes' -o json"],
  details: 'The store holds the last 2 h as they were scraped and 14 days at 5 min. With -o json: the data of Prometheus’ HTTP API.',
  async run(context, args) {
    const { host } = context;
    const parsed = parseFlags(query, args, 1);
    const [text] = parsed.positionals;
    if (text === undefined || text.trim() === '') throw invalidConfig('sora query needs an expression', "for example: sora query 'up'");
    if (text.length > queryMax) throw invalidConfig(`the expression has ${text.length} characters; ${queryMax} are taken`);
    const span = readSpan(host, parsed);
    const output = readOutput(host, parsed, span !== undefined);
    const atMs = readTime(host, parsed);
    const client = controlClient(context, 'viewer');
    const reply = await ask(client, text, atMs, span).catch((error: unknown) => {
      throw atItsPlace(error, text);
    });
    for (const warning of [...reply.warnings, ...reply.infos]) host.stderr.write(`${warning}\n`);
    if (output === 'json') host.stdout.write(`${JSON.stringify(reply.data, null, 2)}\n`);
    else if (isEmpty(reply.data)) host.stderr.write(`no series answers${await reasonFor(client, text)}\n`);
    else show(host, reply.data, output, span === undefined ? undefined : { fromMs: atMs - span.rangeMs, toMs: atMs, stepMs: span.stepMs });
    return exitCodes.pass;
  },
};

interface Span {
  readonly rangeMs: number;
  readonly stepMs: number;
}

function readSpan(host: Host, parsed: Parsed): Span | undefined {
  const range = parsed.text('range');
  const step = parsed.text('step');
  if (range === undefined) {
    if (step !== undefined) throw invalidConfig('--step is about a range', 'add --range, such as --range 1h');
    return undefined;
  }
  const rangeMs = parseDurationMs(range, '--range');
  const steps = host.stdout.isTty ? Math.max(20, host.stdout.columns - 14) : stepsDefault;
  const stepMs = step === undefined ? Math.max(1_000, Math.ceil(rangeMs / steps / 1_000) * 1_000) : parseDurationMs(step, '--step');
  if (stepMs <= 0 || stepMs > rangeMs) throw invalidConfig(`--step ${formatDuration(stepMs)} is not above 0 and at most the range of ${formatDuration(rangeMs)}`);
  return { rangeMs, stepMs };
}

function readTime(host: Host, parsed: Parsed): number {
  const at = parsed.text('at');
  if (at === undefined) return host.clock.nowMs();
  try {
    return parseTimeMs(at);
  } catch (error) {
    throw invalidConfig(`--at "${at}" is not a time`, 'write RFC 3339, such as 2026-01-31T14:23:05Z, or Unix seconds', error);
  }
}

function readOutput(host: Host, parsed: Parsed, isRange: boolean): Output {
  const given = parsed.text('output') ?? (isRange && host.stdout.isTty ? 'chart' : 'table');
  const output = outputs.find((known) => known === given);
  if (output === undefined) throw invalidConfig(`output "${given}" is unknown`, `use -o ${outputs.join(', -o ')}`);
  if (output === 'chart' && !isRange) throw invalidConfig('a chart needs a range', 'add --range, such as --range 1h');
  return output;
}

function ask(client: ControlClient, text: string, atMs: number, span: Span | undefined): Promise<Reply> {
  const seconds = (ms: number): string => String(ms / 1_000);
  const form = span === undefined
    ? new URLSearchParams({ query: text, time: seconds(atMs) })
    : new URLSearchParams({ query: text, start: seconds(atMs - span.rangeMs), end: seconds(atMs), step: seconds(span.stepMs) });
  return client.get(`/api/v1/${span === undefined ? 'query' : 'query_range'}?${form.toString()}`, replySchema);
}

const isEmpty = (data: Reply['data']): boolean => (data.resultType === 'vector' || data.resultType === 'matrix') && data.result.length === 0;

function show(host: Host, data: Reply['data'], output: Output, span: { fromMs: number; toMs: number; stepMs: number } | undefined): void {
  if (data.resultType === 'scalar' || data.resultType === 'string') host.stdout.write(`${data.result[1]}\n`);
  else if (data.resultType === 'vector') host.stdout.write(renderTable(['SERIES', 'VALUE'], data.result.map(({ metric, value }) => [formatLabels(metric), value[1]])));
  else if (output === 'chart' && span !== undefined) host.stdout.write(drawChart(host, data.result, span));
  else host.stdout.write(renderTable(['SERIES', 'POINTS', 'MIN', 'MEAN', 'MAX', 'LAST'], data.result.map(summarise)));
}

function drawChart(host: Host, series: Matrix, span: { fromMs: number; toMs: number; stepMs: number }): string {
  const steps = Math.floor((span.toMs - span.fromMs) / span.stepMs) + 1;
  const isShared = (name: string): boolean => series.length > 1 && series.every(({ metric }) => metric[name] === series[0]?.metric[name]);
  const lines = series.map(({ metric, values }) => {
    const byStep = new Map(values.map(([atS, value]) => [Math.round((atS * 1_000 - span.fromMs) / span.stepMs), Number(value)]));
    return { name: formatLabels(Object.fromEntries(Object.entries(metric).filter(([name]) => !isShared(name)))), values: Array.from({ length: steps }, (_, step) => byStep.get(step) ?? Number.NaN) };
  });
  const isColoured = host.stdout.isTty && (host.process.env['NO_COLOR'] ?? '') === '';
  return renderChart(lines, { columns: host.stdout.columns, rows: chartRows, isColoured, fromMs: span.fromMs, toMs: span.toMs });
}

/** `up{job="api"}`, as promtool writes it. */
function formatLabels({ __name__: name = '', ...labels }: Readonly<Record<string, string>>): string {
  const pairs = Object.keys(labels).sort().map((key) => `${key}=${JSON.stringify(labels[key])}`);
  return pairs.length === 0 && name !== '' ? name : `${name}{${pairs.join(', ')}}`;
}

function summarise({ metric, values }: Matrix[number]): (string | number)[] {
  const numbers = values.map(([, value]) => Number(value)).filter((value) => !Number.isNaN(value));
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const [min, max] = numbers.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  const figures = numbers.length === 0 ? ['NaN', 'NaN', 'NaN'] : [min, mean, max].map(formatNumber);
  return [formatLabels(metric), values.length, ...figures, formatNumber(Number(values.at(-1)?.[1] ?? Number.NaN))];
}
