import { drawColumnChart, drawTimeChart, clockText } from './chart.ts';
import type { ChartBand, ChartSeries } from './chart.ts';
import { formatMs, formatNumber, missing } from './format.ts';
import { figure, table } from './html-parts.ts';
import { rangesFigure } from './html-ranges.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';
import { joinPoints, ratesOf } from './series.ts';
import type { Summary } from './summary-schema.ts';

type Point = Summary['series'][number];

/** Points drawn at most; more would not be seen at this width. The table keeps them all. */
const pointsMax = 300;

/** The charts of a run, each with its sentence and its table. */
export function chartSections(summary: Summary): Markup {
  if (summary.series.length < 2) {
    return markup`<div class="card"><p class="empty">The run ended before two seconds were measured, so there is nothing to draw.</p></div>`;
  }
  const bands = bandsOf(summary);
  // Other tools than ours tell no percentiles of a second.
  const told = summary.series.some((point) => point.p50Ms !== null);
  const points = joinPoints(summary.series, pointsMax);
  const seconds = points.map((point) => point.second);
  return markup`${rateFigure(summary, points, seconds, bands)}${errorFigure(summary, points, seconds, bands)}${told && latencyFigure(summary, points, seconds, bands)}${usersFigure(summary, points, seconds, bands)}${summary.distribution.length > 0 && distributionFigure(summary)}${rangesFigure(summary)}`;
}

function rateFigure(summary: Summary, points: Point[], seconds: number[], bands: ChartBand[]): Markup {
  const { offeredPerS, achievedPerS } = summary.operations;
  const say = `In the hold ${formatNumber(offeredPerS)} operations a second fell due and ${formatNumber(achievedPerS)} succeeded. Flat and level with what fell due is good.`;
  const series: ChartSeries[] = [{ name: 'operations/s', tone: 'series-a', values: ratesOf(points, (point) => point.total) }];
  const chart = drawTimeChart({ id: 'rate', title: 'Operations a second', summary: say, seconds, series, bands, format: formatNumber, filled: true });
  return figure('Operations a second', say, chart, table('Operations by time', [
    { title: 'Time', cell: (point: Point) => clockText(point.second) },
    { title: 'Phase', cell: (point) => point.phase },
    { title: 'Operations', number: true, cell: (point) => formatNumber(point.total) },
  ], summary.series));
}

function errorFigure(summary: Summary, points: Point[], seconds: number[], bands: ChartBand[]): Markup {
  const failed = summary.series.reduce((sum, point) => sum + point.failed, 0);
  const refused = summary.series.reduce((sum, point) => sum + point.refused, 0);
  const worst = summary.series.reduce((most, point) => (point.failed > most.failed ? point : most));
  const say = failed === 0
    ? `Over all phases no operation failed; ${formatNumber(refused)} were refused as the scenario expects.`
    : `Over all phases ${formatNumber(failed)} operations failed, most of them (${formatNumber(worst.failed)}) at ${clockText(worst.second)}; ${formatNumber(refused)} were refused as the scenario expects.`;
  const series: ChartSeries[] = [
    { name: 'failed/s', tone: 'fail', values: ratesOf(points, (point) => point.failed) },
    { name: 'refused/s', tone: 'series-c', dash: '2 4', values: ratesOf(points, (point) => point.refused) },
  ];
  const chart = drawTimeChart({ id: 'errors', title: 'Failed and refused operations a second', summary: say, seconds, series, bands, format: formatNumber, height: 170 });
  return figure('Failed and refused operations a second', say, chart, table('Failures and refusals by time', [
    { title: 'Time', cell: (point: Point) => clockText(point.second) },
    { title: 'Phase', cell: (point) => point.phase },
    { title: 'Failed', number: true, cell: (point) => formatNumber(point.failed) },
    { title: 'Refused', number: true, cell: (point) => formatNumber(point.refused) },
  ], summary.series));
}

function latencyFigure(summary: Summary, points: Point[], seconds: number[], bands: ChartBand[]): Markup {
  const { p50, p95, p99 } = summary.latencyMs.response;
  const say = `Response time counts from the moment a step was due. In the hold half of all operations took at most ${formatMs(p50)}, 95 % at most ${formatMs(p95)} and 99 % at most ${formatMs(p99)}.`;
  const series: ChartSeries[] = [
    { name: 'p99', tone: 'series-c', dash: '2 4', values: points.map((point) => point.p99Ms) },
    { name: 'p95', tone: 'series-b', dash: '7 4', values: points.map((point) => point.p95Ms) },
    { name: 'p50', tone: 'series-a', values: points.map((point) => point.p50Ms) },
  ];
  const limit = drawnLimit(summary);
  const chart = drawTimeChart({
    id: 'latency', title: 'Response time percentiles', summary: say, seconds, series, bands, format: formatMs, height: 270,
    ...(limit === undefined ? {} : { limit }),
  });
  return figure('Response time', say, chart, table('Response time by time', [
    { title: 'Time', cell: (point: Point) => clockText(point.second) },
    { title: 'Phase', cell: (point) => point.phase },
    { title: 'p50', number: true, cell: (point) => formatMs(point.p50Ms) },
    { title: 'p95', number: true, cell: (point) => formatMs(point.p95Ms) },
    { title: 'p99', number: true, cell: (point) => formatMs(point.p99Ms) },
  ], summary.series));
}

/** The limit on the p95 or p99 of all operations, where it would not flatten the lines it limits. */
function drawnLimit(summary: Summary): { value: number; label: string } | undefined {
  const found = summary.thresholds.find((threshold) => /^response_time\s*:\s*p\((95|99)\)/.test(threshold.expression));
  const highest = Math.max(...summary.series.map((point) => point.p99Ms ?? 0));
  if (found === undefined || found.limit > highest * 2.5) return undefined;
  return { value: found.limit, label: found.expression };
}

function usersFigure(summary: Summary, points: Point[], seconds: number[], bands: ChartBand[]): Markup {
  const most = summary.series.reduce((highest, point) => Math.max(highest, point.users), 0);
  const say = `At most ${formatNumber(most)} users were at work at once, each pausing ${formatNumber(summary.thinkTimeS)} s between steps on average.`;
  const series: ChartSeries[] = [{ name: 'users', tone: 'series-a', values: points.map((point) => point.users) }];
  const chart = drawTimeChart({ id: 'users', title: 'Users at work', summary: say, seconds, series, bands, format: formatNumber, filled: true, height: 170 });
  return figure('Users at work', say, chart, table('Users by time', [
    { title: 'Time', cell: (point: Point) => clockText(point.second) },
    { title: 'Phase', cell: (point) => point.phase },
    { title: 'Users', number: true, cell: (point) => formatNumber(point.users) },
  ], summary.series));
}

function distributionFigure(summary: Summary): Markup {
  const buckets = summary.distribution;
  const total = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  const say = `How the ${formatNumber(total)} response times of the hold are spread; each column is about a quarter wider than the one before.`;
  const share = (count: number): string => `${Number(((count / Math.max(1, total)) * 100).toPrecision(3))} %`;
  const from = (index: number): string => (index === 0 ? '0' : formatMs(buckets[index - 1]?.toMs ?? 0));
  const { p50, p95, p99 } = summary.latencyMs.response;
  const chart = drawColumnChart({
    id: 'spread', title: 'Response-time distribution', summary: say, format: formatNumber,
    columns: buckets.map((bucket, index) => ({
      label: formatMs(bucket.toMs), value: bucket.count,
      title: `${from(index)} to ${formatMs(bucket.toMs)}: ${formatNumber(bucket.count)} (${share(bucket.count)})`,
    })),
    marks: ([['p50', p50], ['p95', p95], ['p99', p99]] as const).flatMap(([label, value]) =>
      value === null ? [] : [{ label: `${label} ${formatMs(value)}`, at: positionOf(buckets, value) }]),
  });
  return figure('Response-time distribution', say, chart, table('Response times by range', [
    { title: 'From', cell: ([, index]: readonly [Summary['distribution'][number], number]) => from(index) },
    { title: 'To', number: true, cell: ([bucket]) => formatMs(bucket.toMs) },
    { title: 'Operations', number: true, cell: ([bucket]) => formatNumber(bucket.count) },
    { title: 'Share', number: true, cell: ([bucket]) => (total === 0 ? missing : share(bucket.count)) },
  ], buckets.map((bucket, index) => [bucket, index] as const)));
}

/** Where a time stands among the columns, with a fraction on their logarithmic scale. */
function positionOf(buckets: Summary['distribution'], valueMs: number): number {
  const index = buckets.findIndex((bucket) => valueMs <= bucket.toMs);
  if (index === -1) return buckets.length;
  const to = buckets[index]?.toMs ?? valueMs;
  const fromMs = buckets[index - 1]?.toMs ?? to / 1.26;
  return index + Math.min(1, Math.max(0, Math.log(valueMs / fromMs) / Math.log(to / fromMs)));
}

function bandsOf(summary: Summary): ChartBand[] {
  return summary.phases
    .filter((phase) => phase.durationS > 0)
    .map((phase) => ({ name: phase.name, from: phase.startS, to: phase.startS + phase.durationS }));
}
