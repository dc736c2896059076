import { formatFigure } from './bench-figure.ts';
import { describeLimit, standingOf } from './bench-limits.ts';
import type { BenchRow } from './bench-row.ts';
import { relativeSpread } from './statistics.ts';

interface Column {
  readonly head: string;
  readonly cell: (row: BenchRow, above: BenchRow | undefined) => string;
  /** Figures stand to the right. */
  readonly isFigure?: boolean;
}

const none = '–';
const figure = (head: string, name: 'median' | 'low' | 'high'): Column => ({ head, isFigure: true, cell: (row) => ('unmeasured' in row ? none : formatFigure(row[name])) });

const columns: readonly Column[] = [
  { head: 'GROUP', cell: (row, above) => (above?.group === row.group ? '' : row.group) },
  { head: 'WHAT', cell: ({ name }) => name },
  figure('MEDIAN', 'median'),
  figure('LOW', 'low'),
  figure('HIGH', 'high'),
  { head: 'SPREAD', isFigure: true, cell: spreadCell },
  { head: 'UNIT', cell: ({ unit }) => unit },
  { head: 'LIMIT', cell: limitCell },
  { head: 'NOTE', cell: (row) => ('unmeasured' in row ? `not measured: ${row.unmeasured}` : (row.note ?? '')) },
];

function spreadCell(row: BenchRow): string {
  const spread = 'unmeasured' in row ? Number.NaN : relativeSpread(row);
  return Number.isFinite(spread) ? `${Math.round(spread * 100)} %` : none;
}

function limitCell(row: BenchRow): string {
  const standing = standingOf(row);
  if (row.must === undefined) return '';
  return `${describeLimit(row.must)}${standing === 'met' ? ', met' : standing === 'missed' ? ', MISSED' : ''}`;
}

/** Rows in columns two spaces apart; a group is named at its first row. Spread is (high - low) / median. LIMIT is there where a row has one. */
export function renderBench(rows: readonly BenchRow[]): string {
  const shown = columns.filter(({ head }) => head !== 'LIMIT' || rows.some(({ must }) => must !== undefined));
  const cells = [shown.map(({ head }) => head), ...rows.map((row, index) => shown.map(({ cell }) => cell(row, rows[index - 1])))];
  const widths = shown.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string => {
    const width = widths[column] ?? 0;
    return shown[column]?.isFigure === true ? cell.padStart(width) : cell.padEnd(width);
  };
  return cells.map((row) => row.map(pad).join('  ').trimEnd()).join('\n').concat('\n');
}
