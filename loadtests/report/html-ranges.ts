import { formatMs, formatNumber, formatPercent } from './format.ts';
import { figure, table } from './html-parts.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';
import type { Summary } from './summary-schema.ts';

type Range = Summary['ranges'][number];

const width = 1040;
const rowHeight = 34;
const left = 160;
const barWidth = 530;

/** Response times in a few ranges as bars, what failed apart. */
export function rangesFigure(summary: Summary): Markup {
  const { ranges } = summary;
  if (ranges.length === 0) return markup``;
  const total = ranges.reduce((sum, range) => sum + range.ok + range.failed, 0);
  const failed = ranges.reduce((sum, range) => sum + range.failed, 0);
  const fast = ranges[0] === undefined ? 0 : ranges[0].ok / Math.max(1, total);
  const say = `${formatPercent(fast)} of the hold's operations were answered without failure within ${formatMs(ranges[0]?.toMs ?? 0)}; ${failed === 0 ? 'none failed' : `${formatNumber(failed)} failed`}.`;
  const share = (count: number): string => formatPercent(count / Math.max(1, total));
  return figure('Response-time ranges', say, draw(ranges, total, say), table('Operations by response time and outcome', [
    { title: 'Response time', cell: (range: Range) => nameOf(ranges, range) },
    { title: 'OK', number: true, cell: (range) => formatNumber(range.ok) },
    { title: 'Share', number: true, cell: (range) => share(range.ok) },
    { title: 'Failed', number: true, cell: (range) => formatNumber(range.failed) },
    { title: 'Share', number: true, cell: (range) => share(range.failed) },
  ], ranges));
}

function draw(ranges: readonly Range[], total: number, say: string): Markup {
  const longest = Math.max(1, ...ranges.map((range) => range.ok + range.failed));
  const scale = (count: number): number => Math.round((count / longest) * barWidth * 10) / 10;
  return markup`<svg class="chart" viewBox="0 0 ${width} ${ranges.length * rowHeight + 8}" role="img" aria-labelledby="ranges-t ranges-d">
<title id="ranges-t">Response-time ranges</title><desc id="ranges-d">${say}</desc>
${ranges.map((range, index) => {
  const y = index * rowHeight + 6;
  const failedPart = range.failed === 0 ? '' : `, ${formatNumber(range.failed)} failed (${formatPercent(range.failed / Math.max(1, total))})`;
  const end = left + scale(range.ok + range.failed);
  return markup`<text class="tick" text-anchor="end" x="${left - 12}" y="${y + 16}">${nameOf(ranges, range)}</text><rect class="column" x="${left}" y="${y}" width="${scale(range.ok)}" height="${rowHeight - 12}"/><rect class="column-failed" x="${left + scale(range.ok)}" y="${y}" width="${scale(range.failed)}" height="${rowHeight - 12}"/><text class="tick" x="${end + 10}" y="${y + 16}">${formatNumber(range.ok)} OK (${formatPercent(range.ok / Math.max(1, total))})${failedPart}</text>`;
})}
</svg>`;
}

/** `up to 100 ms`, `100 ms to 250 ms`, `over 1 s`. */
function nameOf(ranges: readonly Range[], range: Range): string {
  const before = ranges[ranges.indexOf(range) - 1]?.toMs;
  if (range.toMs === null) return `over ${formatMs(before ?? 0)}`;
  return before === undefined || before === null ? `up to ${formatMs(range.toMs)}` : `${formatMs(before)} to ${formatMs(range.toMs)}`;
}
