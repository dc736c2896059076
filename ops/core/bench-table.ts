import type { BenchRow } from './bench-row.ts';
import { relativeSpread } from './statistics.ts';

const columns = ['GROUP', 'WHAT', 'MEDIAN', 'LOW', 'HIGH', 'SPREAD', 'UNIT', 'NOTE'] as const;
/** Columns of figures, which stand to the right. */
const firstFigure = 2;
const lastFigure = 5;

/** Three significant digits below 1,000, above it whole: `0.0312`, `8.04`, `412`, `24,310`. */
export function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 1_000) return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
  return value.toLocaleString('en-US', { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
}

/** Rows in columns two spaces apart; a group is named at its first row. Spread is (high - low) / median. */
export function renderBench(rows: readonly BenchRow[]): string {
  const cells = [
    columns,
    ...rows.map((row, index) => {
      const spread = relativeSpread(row);
      return [
        rows[index - 1]?.group === row.group ? '' : row.group,
        row.name,
        ...[row.median, row.low, row.high].map(formatFigure),
        Number.isFinite(spread) ? `${Math.round(spread * 100)} %` : '–',
        row.unit,
        row.note ?? '',
      ];
    }),
  ];
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string => {
    const width = widths[column] ?? 0;
    return column >= firstFigure && column <= lastFigure ? cell.padStart(width) : cell.padEnd(width);
  };
  return cells.map((row) => row.map(pad).join('  ').trimEnd()).join('\n').concat('\n');
}
