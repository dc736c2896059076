import { markup } from './markup.ts';
import type { Markup } from './markup.ts';

/** One line of a chart; a null is a gap, never a zero. */
export interface ChartSeries {
  readonly name: string;
  /** Picks the colour: `series-a` to `series-c`, or `fail`. */
  readonly tone: string;
  /** SVG dash pattern, so that lines differ without colour. */
  readonly dash?: string;
  readonly values: readonly (number | null)[];
}

export interface ChartBand {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

export interface TimeChart {
  readonly id: string;
  readonly title: string;
  /** One sentence that says what the chart shows; read aloud in its place. */
  readonly summary: string;
  /** Seconds since the start, one for each value, rising. */
  readonly seconds: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly bands: readonly ChartBand[];
  readonly format: (value: number) => string;
  /** Fills the space below the first line. */
  readonly filled?: boolean;
  /** A limit drawn across, such as a threshold. */
  readonly limit?: { readonly value: number; readonly label: string };
  readonly height?: number;
}

const width = 1040;
const margin = { top: 26, right: 118, bottom: 30, left: 68 };

/** Draws lines over time with the run's phases as bands behind them. */
export function drawTimeChart(chart: TimeChart): Markup {
  const height = chart.height ?? 230;
  const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
  const lastS = Math.max(1, chart.seconds.at(-1) ?? 1, ...chart.bands.map((band) => band.to));
  const highest = Math.max(0, chart.limit?.value ?? 0, ...chart.series.flatMap((line) => line.values.map((value) => value ?? 0)));
  const ticks = niceTicks(highest === 0 ? 1 : highest, 4);
  const top = ticks.at(-1) ?? 1;
  const x = (second: number): number => round(margin.left + (second / lastS) * inner.width);
  const y = (value: number): number => round(margin.top + inner.height - (value / top) * inner.height);
  const floor = margin.top + inner.height;

  return markup`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${chart.id}-t ${chart.id}-d">
<title id="${chart.id}-t">${chart.title}</title><desc id="${chart.id}-d">${chart.summary}</desc>
${chart.bands.map((band) => drawBand(band, x, margin.top, floor))}
${ticks.map((tick) => markup`<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y(tick)}" y2="${y(tick)}"/><text class="tick" text-anchor="end" x="${margin.left - 10}" y="${y(tick) + 4}">${chart.format(tick)}</text>`)}
${timeTicks(lastS).map((second) => markup`<text class="tick" text-anchor="middle" x="${x(second)}" y="${height - 8}">${clockText(second)}</text>`)}
${chart.limit !== undefined && markup`<line class="limit" x1="${margin.left}" x2="${width - margin.right}" y1="${y(chart.limit.value)}" y2="${y(chart.limit.value)}"/><text class="limit-label" x="${margin.left + 6}" y="${y(chart.limit.value) - 6}">${chart.limit.label}</text>`}
${chart.filled === true && chart.series[0] !== undefined && drawArea(chart.seconds, chart.series[0], x, y, floor)}
${chart.series.map((line) => drawLine(chart.seconds, line, x, y))}
${drawLabels(chart, y)}
${chart.seconds.map((second, index) => drawHover(chart, second, index, x, inner))}
</svg>`;
}

function drawBand(band: ChartBand, x: (second: number) => number, top: number, floor: number): Markup {
  const left = x(band.from);
  const bandWidth = round(Math.max(0, x(band.to) - left));
  return markup`<rect class="band band-${band.name}" x="${left}" y="${top}" width="${bandWidth}" height="${floor - top}"/>${
    bandWidth > 34 && markup`<text class="band-label" x="${left + 4}" y="${top - 9}">${band.name}</text>`
  }`;
}

type Scale = (value: number) => number;

function drawLine(seconds: readonly number[], line: ChartSeries, x: Scale, y: Scale): Markup {
  const path = runsOf(seconds, line.values)
    .map((run) => run.map(([second, value], index) => `${index === 0 ? 'M' : 'L'}${x(second)} ${y(value)}`).join(''))
    .join('');
  const dash = line.dash === undefined ? false : markup` stroke-dasharray="${line.dash}"`;
  return markup`<path class="line ${line.tone}" d="${path}"${dash}/>`;
}

function drawArea(seconds: readonly number[], line: ChartSeries, x: Scale, y: Scale, floor: number): Markup {
  const path = runsOf(seconds, line.values)
    .map((run) => {
      const [first, last] = [run[0], run.at(-1)];
      if (first === undefined || last === undefined) return '';
      return `M${x(first[0])} ${floor}${run.map(([second, value]) => `L${x(second)} ${y(value)}`).join('')}L${x(last[0])} ${floor}Z`;
    })
    .join('');
  return markup`<path class="area ${line.tone}" d="${path}"/>`;
}

/** Names each line at its right end; names that would overlap are pushed apart. */
function drawLabels(chart: TimeChart, y: Scale): Markup[] {
  const labels = chart.series
    .map((line) => ({ line, at: y(line.values.findLast((value) => value !== null) ?? 0) + 4 }))
    .toSorted((a, b) => b.at - a.at);
  for (let index = 1; index < labels.length; index += 1) {
    const [below, label] = [labels[index - 1], labels[index]];
    if (below !== undefined && label !== undefined) label.at = Math.min(label.at, below.at - 15);
  }
  return labels.map(({ line, at }) => markup`<text class="end-label ${line.tone}" x="${width - margin.right + 10}" y="${round(at)}">${line.name}</text>`);
}

/** An unseen column that tells its figures on hover; the table below the chart has them all. */
function drawHover(chart: TimeChart, second: number, index: number, x: Scale, inner: { height: number }): Markup {
  const previous = chart.seconds[index - 1] ?? second - 1;
  const left = x(Math.max(0, (previous + second) / 2));
  const right = x(second + (second - previous) / 2);
  const figures = chart.series.map((line) => `${line.name} ${line.values[index] == null ? 'none' : chart.format(line.values[index] ?? 0)}`);
  return markup`<rect class="hover" x="${left}" y="${margin.top}" width="${round(Math.max(1, right - left))}" height="${inner.height}"><title>${clockText(second)}: ${figures.join(', ')}</title></rect>`;
}

export interface ColumnChart {
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  /** Columns of equal width in order; `label` stands below some of them. */
  readonly columns: readonly { readonly label: string; readonly value: number; readonly title: string }[];
  /** Lines across the columns at a position in columns, such as p95. */
  readonly marks: readonly { readonly at: number; readonly label: string }[];
  readonly format: (value: number) => string;
}

/** Half of the label of the last column reaches in here. */
const columnsRight = 36;
/** Height of a row of mark labels, and a character's width at their size. */
const markRow = 17;
const markCharWidth = 6.6;

/** Gives each label the lowest row in which it stands clear of those before it. */
export function stackLabels(marks: readonly { readonly at: number; readonly label: string }[]): { at: number; label: string; row: number }[] {
  const ends: number[] = [];
  return marks.toSorted((a, b) => a.at - b.at).map(({ at, label }) => {
    const half = (label.length * markCharWidth) / 2;
    const free = ends.findIndex((end) => end + 2 * markCharWidth <= at - half);
    const row = free === -1 ? ends.length : free;
    ends[row] = at + half;
    return { at, label, row };
  });
}

/** Draws a distribution as columns. */
export function drawColumnChart(chart: ColumnChart): Markup {
  const innerWidth = width - margin.left - columnsRight;
  const step = innerWidth / Math.max(1, chart.columns.length);
  const marks = stackLabels(chart.marks.map(({ at, label }) => ({ at: round(margin.left + at * step), label })));
  const ceiling = margin.top + markRow * Math.max(0, ...marks.map(({ row }) => row));
  const height = 214 + ceiling;
  const floor = height - margin.bottom;
  const inner = { width: innerWidth, height: floor - ceiling };
  const ticks = niceTicks(Math.max(1, ...chart.columns.map((column) => column.value)), 4);
  const top = ticks.at(-1) ?? 1;
  const y = (value: number): number => round(floor - (value / top) * inner.height);
  const labelEvery = Math.max(1, Math.ceil(chart.columns.length / 14));
  return markup`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${chart.id}-t ${chart.id}-d">
<title id="${chart.id}-t">${chart.title}</title><desc id="${chart.id}-d">${chart.summary}</desc>
${ticks.map((tick) => markup`<line class="grid" x1="${margin.left}" x2="${width - columnsRight}" y1="${y(tick)}" y2="${y(tick)}"/><text class="tick" text-anchor="end" x="${margin.left - 10}" y="${y(tick) + 4}">${chart.format(tick)}</text>`)}
${chart.columns.map((column, index) => {
  const left = round(margin.left + index * step);
  const label = index % labelEvery === 0 && markup`<text class="tick" text-anchor="middle" x="${round(left + step)}" y="${height - 8}">${column.label}</text>`;
  return markup`<rect class="column" x="${round(left + step * 0.08)}" y="${y(column.value)}" width="${round(step * 0.84)}" height="${round(floor - y(column.value))}"><title>${column.title}</title></rect>${label}`;
})}
${marks.map(({ at, label, row }) => markup`<line class="mark" x1="${at}" x2="${at}" y1="${ceiling - row * markRow}" y2="${floor}"/><text class="mark-label" text-anchor="middle" x="${at}" y="${ceiling - 7 - row * markRow}">${label}</text>`)}
</svg>`;
}

/** Splits a line at its gaps. */
function runsOf(seconds: readonly number[], values: readonly (number | null)[]): [number, number][][] {
  const runs: [number, number][][] = [[]];
  values.forEach((value, index) => {
    if (value === null) runs.push([]);
    else runs.at(-1)?.push([seconds[index] ?? 0, value]);
  });
  return runs.filter((run) => run.length > 0);
}

/** From 0 to at least `highest` in steps of 1, 2 or 5 times a power of ten. */
export function niceTicks(highest: number, wanted: number): number[] {
  const rough = highest / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10) * power;
  const count = Math.max(1, Math.ceil(highest / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

function timeTicks(lastS: number): number[] {
  const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200].find((wide) => lastS / wide <= 12) ?? Math.ceil(lastS / 12);
  return Array.from({ length: Math.floor(lastS / step) + 1 }, (_, index) => index * step);
}

/** `0:05`, `1:30`, `2:00:00`. */
export function clockText(second: number): string {
  const whole = Math.round(second);
  const pad = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3_600);
  const minutes = Math.floor((whole % 3_600) / 60);
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
