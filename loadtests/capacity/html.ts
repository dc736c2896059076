import { niceTicks } from '../report/chart.ts';
import { formatMs, formatNumber, formatPercent, formatSeconds, verdictSigns } from '../report/format.ts';
import { facts, figure, status, table } from '../report/html-parts.ts';
import { reportStyle } from '../report/html-style.ts';
import { Markup, markup } from '../report/markup.ts';
import { outcomeSigns } from './render.ts';
import type { CapacityProbe, CapacityResult } from './result-schema.ts';
import { throughputAt } from './scalability.ts';
import { capacitySentence, headroomText, lawLines } from './sentences.ts';

/** The search as one page that opens offline; no script, and its policy forbids any. */
export function renderCapacityPage(result: CapacityResult): string {
  const sign = verdictSigns[result.verdict];
  const data = Buffer.from(JSON.stringify(result)).toString('base64');
  return markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark"><title>${sign.word} · capacity of ${result.scenario} · ${result.startedAt.slice(0, 10)}</title><style>${new Markup(reportStyle)}</style></head>
<body><header class="top"><div><strong>SORA</strong> capacity</div><div class="mono">${result.runId}</div></header>
<main><section class="card verdict ${result.verdict}" aria-label="Verdict"><div class="word"><span class="icon" aria-hidden="true">${sign.icon}</span>${sign.word}</div><h1>Capacity of ${result.scenario}</h1><p class="say">${capacitySentence(result)}</p></section>
${identity(result)}
<section><h2>Scalability</h2>${lawFigure(result)}<div class="card">${lawLines(result.law).map((line) => markup`<p>${line}</p>`)}<p class="note">X(N) = λN / (1 + σ(N − 1) + κN(N − 1)), the Universal Scalability Law of N. J. Gunther: N operations at once, σ the share that waits in line, κ the cost of agreement. The knee is where λN meets the ceiling.</p></div></section>
<section><h2>Probes</h2><div class="card">${probeTable(result)}</div></section>
</main><footer>Each probe is a run of its own, below <code>probes/runs</code> of this folder. <a class="download" download="${result.runId}-capacity.json" href="data:application/json;base64,${new Markup(data)}">Download the raw data (capacity.json)</a></footer>
</body></html>
`.text;
}

function identity(result: CapacityResult): Markup {
  const { capacity, search, todayPerS, headroomRatio } = result;
  return markup`<section><h2>This search</h2><div class="card">${facts([
    ['Scenario', result.scenario],
    ['Target', markup`<code>${result.target}</code>`],
    ['Highest rate met', `${formatNumber(capacity.ratePerS)}/s${capacity.confirmed ? ', confirmed' : ''}`],
    ['Lowest rate not met', capacity.missedPerS === null ? 'none' : `${formatNumber(capacity.missedPerS)}/s`],
    ['Today', todayPerS === null ? 'not given (--today)' : `${formatNumber(todayPerS)}/s: ${headroomRatio === null ? 'no capacity to compare' : headroomText(headroomRatio)}`],
    ['Search', `from ${formatNumber(search.fromPerS)}/s to at most ${formatNumber(search.mostPerS)}/s, within ${formatPercent(search.precisionRatio)}, holds of ${formatNumber(search.holdS)} s, ${formatNumber(search.confirmHoldS)} s to confirm`],
    ['Thresholds', result.thresholds.map((text) => markup`<div><code>${text}</code></div>`)],
    ['Started', result.startedAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')],
  ])}</div></section>`;
}

function probeTable({ probes }: CapacityResult): Markup {
  return table('In the order in which they were run.', [
    { title: 'Rate', cell: (probe: CapacityProbe) => `${formatNumber(probe.ratePerS)}/s` },
    { title: 'For', cell: (probe) => probe.purpose },
    { title: 'Users', number: true, cell: (probe) => formatNumber(probe.users) },
    { title: 'Think time', number: true, cell: (probe) => formatSeconds(probe.thinkTimeS) },
    { title: 'Done', number: true, cell: (probe) => `${formatNumber(probe.achievedPerS)}/s` },
    { title: 'Failed', number: true, cell: (probe) => formatPercent(probe.failedRatio) },
    { title: 'p95', number: true, cell: (probe) => formatMs(probe.p95Ms) },
    { title: 'Concurrency', number: true, cell: (probe) => formatNumber(probe.concurrency) },
    { title: 'Outcome', cell: (probe) => markup`${status(outcomeSigns[probe.outcome])}${probe.reasons[0] !== undefined && markup`<br><span class="note">${probe.reasons[0]}</span>`}` },
  ], probes);
}

const size = { width: 1_040, height: 300, left: 68, right: 30, top: 26, bottom: 40 } as const;
const curvePoints = 80;

/** The measured points and, where the law was fitted, its curve. */
function lawFigure({ law }: CapacityResult): Markup {
  const { points, fit } = law;
  if (points.length < 2) return markup`<div class="card"><p class="empty">Fewer than two probes measured throughput and concurrency, so there is nothing to draw.</p></div>`;
  const last = Math.max(...points.map(({ concurrency }) => concurrency)) * 1.15;
  const curve = fit === null ? [] : Array.from({ length: curvePoints + 1 }, (_, index) => {
    const concurrency = (last * index) / curvePoints;
    return { concurrency, throughputPerS: throughputAt({ lambda: fit.lambda.value, sigma: fit.sigma.value, kappa: fit.kappa.value }, concurrency) };
  });
  const across = niceTicks(last, 8);
  const up = niceTicks(Math.max(...points.map(({ throughputPerS }) => throughputPerS), ...curve.map(({ throughputPerS }) => throughputPerS)), 5);
  const floor = size.height - size.bottom;
  const x = (value: number): number => Math.round(10 * (size.left + (value / (across.at(-1) ?? 1)) * (size.width - size.left - size.right))) / 10;
  const y = (value: number): number => Math.round(10 * (floor - (value / (up.at(-1) ?? 1)) * (floor - size.top))) / 10;
  const say = `Operations a second by how many the system worked on at once: ${points.length} probes${fit === null ? '' : ' and the fitted law'}. A line that bends down gains nothing from more load.`;
  const chart = markup`<svg class="chart" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-labelledby="law-t law-d"><title id="law-t">Throughput by concurrency</title><desc id="law-d">${say}</desc>
${up.map((tick) => markup`<line class="grid" x1="${size.left}" x2="${size.width - size.right}" y1="${y(tick)}" y2="${y(tick)}"/><text class="tick" text-anchor="end" x="${size.left - 10}" y="${y(tick) + 4}">${formatNumber(tick)}</text>`)}
${across.map((tick) => markup`<text class="tick" text-anchor="middle" x="${x(tick)}" y="${floor + 18}">${formatNumber(tick)}</text>`)}
<text class="tick" text-anchor="end" x="${size.width - size.right}" y="${size.height - 4}">operations at once</text>
${curve.length > 0 && markup`<path class="line series-a" d="${curve.map(({ concurrency, throughputPerS }, index) => `${index === 0 ? 'M' : 'L'}${x(concurrency)} ${y(throughputPerS)}`).join('')}"/>`}
${points.map(({ concurrency, throughputPerS }) => markup`<circle class="column" cx="${x(concurrency)}" cy="${y(throughputPerS)}" r="5"><title>${formatNumber(concurrency)} at once: ${formatNumber(throughputPerS)}/s</title></circle>`)}
</svg>`;
  return figure('Throughput by concurrency', say, chart, table('Measured points', [
    { title: 'Operations at once', cell: (row: (typeof points)[number]) => formatNumber(row.concurrency) },
    { title: 'Operations a second', number: true, cell: (row) => formatNumber(row.throughputPerS) },
  ], points));
}
