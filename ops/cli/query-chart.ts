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

/** Draws lines over one axis of values and one of time, with their names below; blank where a line has no number. Empty where no line has one. */
export function renderChart(lines: readonly ChartLine[], options: ChartOptions): string {
  const shown = lines.filter(({ values }) => values.some(Number.isFinite)).slice(0, linesMax);
  if (shown.length === 0) return '';
  const width = Math.max(10, options.columns - axisColumns);
  const plotted = shown.map(({ values }) => fit(values, width));
  const colour = (index: number): string => (options.isColoured ? (colours[index] ?? '') : '');
  const chart = plot(plotted, options.rows, (symbol, line) => `${colour(line)}${symbol}${options.isColoured ? asciichart.reset : ''}`);
  const times = [clockTime(options.fromMs), clockTime(options.toMs)] as const;
  const axis = `${' '.repeat(labelColumns)}${times[0]}${times[1].padStart(Math.max(times[1].length + 1, width + axisColumns - labelColumns - times[0].length))}`;
  const names = shown.map(({ name }, index) => `  ${colour(index)}──${options.isColoured ? asciichart.reset : ''} ${name}`);
  const left = lines.length - shown.length;
  const hasGaps = plotted.some((values) => !values.every(Number.isFinite));
  return [chart, axis, ...names, ...(left > 0 ? [`  and ${left} more series, or without a number`] : []), ...(hasGaps ? ['  blank: no number then'] : []), ''].join('\n');
}

/** One value for each column: the mean of what falls into it, or of few values the nearest. */
export function fit(values: readonly number[], width: number): number[] {
  if (values.length <= width) return Array.from({ length: width }, (_, column) => values[Math.round((column * (values.length - 1)) / (width - 1))] ?? Number.NaN);
  return Array.from({ length: width }, (_, column) => {
    const part = values.slice(Math.floor((column * values.length) / width), Math.floor(((column + 1) * values.length) / width)).filter(Number.isFinite);
    return part.length === 0 ? Number.NaN : part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

/**
 * Draws each unbroken part of a line by itself and puts them together, as asciichart knows no gaps. A later line lies
 * over an earlier one.
 * @param paint gives a symbol of a line its colour
 */
function plot(lines: readonly (readonly number[])[], rows: number, paint: (symbol: string, line: number) => string): string {
  const [min, max] = lines.flat().filter(Number.isFinite).reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  // Of a flat line asciichart labels the row, not the value.
  const options = { min, max, height: rows, format: (value: number) => formatNumber(min === max ? min : value).padStart(labelColumns) };
  const chart = asciichart.plot([[min]], options).split('\n').map((row) => Array.from(row));
  const axis = labelColumns + 1;
  for (const cells of chart) cells[axis] = '┤';
  const scale = max === min ? 1 : rows / (max - min);
  const put = (row: number, column: number, symbol: string, line: number): void => {
    const cells = chart[row];
    if (cells !== undefined && symbol !== ' ') cells[axis + column] = paint(symbol, line);
  };
  for (const [line, values] of lines.entries()) {
    for (const { start, part } of unbroken(values)) {
      // It marks the first value on the axis with the sign of its zero, so that is done here.
      put(Math.round(max * scale) - Math.round((part[0] ?? 0) * scale), start, firstOf(start, part), line);
      for (const [row, text] of asciichart.plot([part], options).split('\n').entries()) {
        for (const [column, symbol] of Array.from(text).slice(axis + 1).entries()) put(row, start + column + 1, symbol, line);
      }
    }
  }
  return chart.map((cells) => Array.from(cells, (cell: string | undefined) => cell ?? ' ').join('').trimEnd()).join('\n');
}

/** How a part begins: on the axis, in the middle, or as a lone point. */
const firstOf = (start: number, part: readonly number[]): string => (start === 0 ? '┼' : part.length === 1 ? '•' : '╶');

function unbroken(values: readonly number[]): { start: number; part: number[] }[] {
  const parts: { start: number; part: number[] }[] = [];
  for (const [index, value] of values.entries()) {
    if (!Number.isFinite(value)) continue;
    const last = parts.at(-1);
    if (last !== undefined && last.start + last.part.length === index) last.part.push(value);
    else parts.push({ start: index, part: [value] });
  }
  return parts;
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
