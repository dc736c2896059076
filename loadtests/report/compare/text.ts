import { alignColumns } from '../ending.ts';
import { formatPercent } from '../format.ts';
import { plainText } from '../style.ts';
import type { Style } from '../style.ts';
import { comparedSigns, formatChange, formatFigure, metricTitles } from './sentence.ts';
import type { Comparison, ComparisonRow } from './schema.ts';

const header = ['operation', 'metric', 'baseline', 'this run', 'change', 'interval', 'band', 'verdict'];

/** The comparison for a terminal: a line a metric, the verdict last. */
export function renderComparison(comparison: Comparison, style: Style): string {
  const paint = { pass: style.good, fail: style.bad, insufficient: style.unsure };
  const [first, ...lines] = alignColumns([header, ...comparison.rows.map(cellsOf)]);
  const shown = lines.map((line, index) => {
    const sign = comparedSigns[comparison.rows[index]?.verdict ?? 'insufficient'];
    // The verdict is the last word of its line.
    return `  ${line.slice(0, line.length - sign.word.length - 2)}${paint[sign.tone](`${sign.icon} ${sign.word}`)}`;
  });
  const sign = comparedSigns[comparison.verdict];
  return [
    `\n  ${style.bold('Compared')} ${plainText(comparison.candidate)} with ${comparison.baselines.map(plainText).join(', ')}`,
    ...comparison.warnings.map((warning) => `  ${style.unsure('!')} ${plainText(warning)}`),
    style.dim(`  ${first ?? ''}`),
    ...shown,
    ...comparison.rows.filter(({ verdict }) => verdict === 'worse' || verdict === 'better').map((row) => `  ${plainText(row.op)} ${metricTitles[row.metric]}: ${row.reason}`),
    ...shapeLines(comparison),
    '',
    `  ${paint[sign.tone](style.bold(`${sign.icon} ${sign.word.toUpperCase()}`))}  ${plainText(comparison.sentence)}`,
    '',
  ].join('\n');
}

function cellsOf(row: ComparisonRow): string[] {
  const { metric, verdict } = row;
  const sign = comparedSigns[verdict];
  return [
    plainText(row.op), metricTitles[metric], formatFigure(metric, row.baseline), formatFigure(metric, row.candidate), formatChange(metric, row.change),
    `${formatChange(metric, row.changeLow)} to ${formatChange(metric, row.changeHigh)}`, bandText(row), `${sign.icon} ${sign.word}`,
  ];
}

/** `±5 %`. */
export function bandText({ metric, band }: ComparisonRow): string {
  return band === null ? '–' : metric === 'failed' ? `±${Number((band * 100).toPrecision(2))} pt` : `±${formatPercent(band)}`;
}

/** Metrics whose middle got no verdict of change and whose distribution is another. */
export function changedShapes({ rows, confidence }: Comparison): ComparisonRow[] {
  return rows.filter(({ verdict, metric, p, shapeP }) => metric !== 'rate' && verdict !== 'worse' && verdict !== 'better' && shapeP !== null && shapeP < 1 - confidence && p !== null && p >= 1 - confidence);
}

function shapeLines(comparison: Comparison): string[] {
  return changedShapes(comparison).map((row) => `  ${plainText(row.op)} ${metricTitles[row.metric]}: spread or shape changed, the middle did not (Kolmogorov-Smirnov p ${row.shapeP?.toPrecision(2)})`);
}
