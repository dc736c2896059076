import asciichart from 'asciichart';

/** A line of a chart: a value at each step, NaN where there is none. */
export interface ChartLine {
  readonly name: string;
  readonly values: readonly number[];
}

export interface ChartOptions {
  readonly columns: number;
  readonly rows: number;
  readonly isColoured: boolean;
  readonly fromMs: number;
  readonly toMs: number;
}

const colours = [asciichart.blue, asciichart.yellow, asciichart.green, asciichart.magenta, asciichart.cyan, asciichart.red];
/** More lines than that nobody tells apart. */
export const linesMax = colours.length;
const axisColumns = 13;
const labelColumns = 10;

/** Draws lines over one axis of values and one of time, with their names below. Empty where no line has a number. */
export function renderChart(lines: readonly ChartLine[], options: ChartOptions): string {
  const shown = lines.filter(({ values }) => values.some(Number.isFinite)).slice(0, linesMax);
  if (shown.length === 0) return '';
  const width = Math.max(10, options.columns - axisColumns);
  const plotted = shown.map(({ values }) => bridge(fit(values, width)));
  const colour = (index: number): string => (options.isColoured ? (colours[index] ?? '') : '');
  const chart = asciichart.plot(plotted, {
    height: options.rows, format: (value) => formatNumber(value).padStart(labelColumns),
    ...(options.isColoured ? { colors: shown.map((_, index) => colour(index)) } : {}),
  });
  const times = [clockTime(options.fromMs), clockTime(options.toMs)] as const;
  const axis = `${' '.repeat(labelColumns)}${times[0]}${times[1].padStart(Math.max(times[1].length + 1, width + axisColumns - labelColumns - times[0].length))}`;
  const names = shown.map(({ name }, index) => `  ${colour(index)}──${options.isColoured ? asciichart.reset : ''} ${name}`);
  const left = lines.length - shown.length;
  return [chart, axis, ...names, ...(left > 0 ? [`  and ${left} more series, or without a number`] : []), ''].join('\n');
}

/** One value for each column: the mean of what falls into it, or of few values the nearest. */
export function fit(values: readonly number[], width: number): number[] {
  if (values.length <= width) return Array.from({ length: width }, (_, column) => values[Math.round((column * (values.length - 1)) / (width - 1))] ?? Number.NaN);
  return Array.from({ length: width }, (_, column) => {
    const part = values.slice(Math.floor((column * values.length) / width), Math.floor(((column + 1) * values.length) / width)).filter(Number.isFinite);
    return part.length === 0 ? Number.NaN : part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

/** Lines have no gaps in a terminal: a missing value is the one before it, at the beginning the first there is. */
function bridge(values: readonly number[]): number[] {
  let last = values.find(Number.isFinite) ?? 0;
  return values.map((value) => (last = Number.isFinite(value) ? value : last));
}

const units = [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']] as const;

/** Four digits and a unit: `1.234k`, `0.0123`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  const [size, unit] = units.find(([size]) => Math.abs(value) >= size) ?? [1, ''];
  return `${Number((value / size).toPrecision(4))}${unit}`;
}

function clockTime(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}
