import { status, table } from '../html-parts.ts';
import { markup } from '../markup.ts';
import type { Markup } from '../markup.ts';
import { comparedSigns, formatChange, formatFigure, metricTitles } from './sentence.ts';
import type { Comparison, ComparisonRow } from './schema.ts';
import { bandText, changedShapes } from './text.ts';

/** How the run compares with its baseline; nothing where none was given. */
export function comparisonSection(comparison: Comparison | undefined): Markup {
  if (comparison === undefined) return markup``;
  const shapes = changedShapes(comparison);
  return markup`<section><h2>Baseline</h2><div class="card"><p>${status(comparedSigns[comparison.verdict])} ${comparison.sentence}</p>${
    comparison.warnings.length > 0 && markup`<p class="note">Beware: ${comparison.warnings.join('; ')}.</p>`
  }${table(`By blocks of the hold, with ${comparison.baselines.join(', ')}.`, [
    { title: 'Operation', cell: (row: ComparisonRow) => row.op },
    { title: 'Metric', cell: (row) => metricTitles[row.metric] },
    { title: 'Baseline', number: true, cell: (row) => formatFigure(row.metric, row.baseline) },
    { title: 'This run', number: true, cell: (row) => `${formatFigure(row.metric, row.candidate)} (${formatFigure(row.metric, row.candidateLow)} to ${formatFigure(row.metric, row.candidateHigh)})` },
    { title: 'Change', number: true, cell: (row) => `${formatChange(row.metric, row.change)} (${formatChange(row.metric, row.changeLow)} to ${formatChange(row.metric, row.changeHigh)})` },
    { title: 'Noise band', number: true, cell: bandText },
    { title: 'Result', cell: (row) => status(comparedSigns[row.verdict]) },
    { title: 'Why', cell: (row) => row.reason },
  ], comparison.rows)}${
    shapes.length > 0 && markup`<p class="note">Spread or shape changed where the middle did not: ${shapes.map((row) => `${row.op} ${metricTitles[row.metric]}`).join(', ')}.</p>`
  }</div></section>`;
}
