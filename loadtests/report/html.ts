import { annexSections } from './annex-html.ts';
import { comparisonSection } from './compare/html.ts';
import { chartSections } from './html-charts.ts';
import {
  errorSection, identitySection, keySection, machineSection, operationSection, slowestSection, userSection, verdictSection,
} from './html-sections.ts';
import { resourceSection } from './resources-html.ts';
import { reportStyle } from './html-style.ts';
import { Markup, markup } from './markup.ts';
import { outputSection } from '../outputs/report.ts';
import { shareSection } from '../shares/report.ts';
import { verdictSigns } from './format.ts';
import type { Summary } from './summary-schema.ts';

/**
 * The report as one file that opens offline and prints. It holds no script, and its policy forbids
 * any, so nothing that a scenario or a server wrote can run.
 */
export function renderReport(summary: Summary): string {
  const data = Buffer.from(JSON.stringify(summary)).toString('base64');
  const title = `${verdictSigns[summary.verdict].word} · ${summary.scenario} · ${summary.startedAt.slice(0, 10)}`;
  return markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark"><title>${title}</title><style>${new Markup(reportStyle)}</style></head>
<body><header class="top"><div><strong>SORA</strong> load report</div><div class="mono">${summary.runId}</div></header>
<main>${verdictSection(summary)}
${identitySection(summary)}
${keySection(summary)}
${comparisonSection(summary.comparison)}
<section><h2>Over time</h2>${chartSections(summary)}</section>
${operationSection(summary)}
${annexSections(summary)}
${errorSection(summary)}
${slowestSection(summary)}
${userSection(summary)}
${shareSection(summary.shares)}
${outputSection(summary.outputs)}
${resourceSection(summary.resources, summary.scenario)}
${machineSection(summary)}
</main><footer>All figures are of the hold unless they say otherwise. <a class="download" download="${summary.runId}.json" href="data:application/json;base64,${new Markup(data)}">Download the raw data (summary.json)</a></footer>
</body></html>
`.text;
}
