import type { Annex, TagRow } from './annex-schema.ts';
import { noteLines, type Noted } from './annex-text.ts';
import { formatMs, formatNumber, formatPercent, okSign } from './format.ts';
import { status, table } from './html-parts.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';

/** Checks, tags, what waited, late arrivals and names beyond their bounds; nothing of what there was none of. */
export function annexSections(annex: Noted): Markup {
  const notes = noteLines(annex);
  return markup`${annex.checks !== undefined && checkSection(annex.checks)}${annex.tags !== undefined && tagSection(annex.tags)}${
    notes.length > 0 && markup`<section><h2>Waiting and names</h2><div class="card">${notes.map((line) => markup`<p>${line[0]?.toUpperCase() ?? ''}${line.slice(1)}.</p>`)}</div></section>`
  }`;
}

const omittedNote = (omitted: number): Markup | false => omitted > 0 && markup`<p class="note">${formatNumber(omitted)} more are not kept.</p>`;

function checkSection({ total, failed, rows, omitted }: NonNullable<Annex['checks']>): Markup {
  return markup`<section><h2>Checks</h2><div class="card">${table(`${formatNumber(total - failed)} of ${formatNumber(total)} checks of the hold passed.`, [
    { title: 'Check', cell: (row: (typeof rows)[number]) => row.name },
    { title: 'Operation', cell: (row) => row.op },
    { title: 'Passed', number: true, cell: (row) => formatNumber(row.total - row.failed) },
    { title: 'Failed', number: true, cell: (row) => failedCell(row.failed, row.failed / row.total) },
    { title: 'Result', cell: (row) => status(okSign(row.failed === 0)) },
  ], rows)}${omittedNote(omitted)}</div></section>`;
}

function tagSection({ rows, omitted }: NonNullable<Annex['tags']>): Markup {
  return markup`<section><h2>Tags</h2><div class="card">${table('The hold by the tags that journeys set; an operation with several tags counts in each.', [
    { title: 'Tag', cell: (row: TagRow) => markup`${row.name}: ${row.value}` },
    { title: 'Operations', number: true, cell: (row) => formatNumber(row.operations.total) },
    { title: 'Per s', number: true, cell: (row) => formatNumber(row.operations.perS) },
    { title: 'Failed', number: true, cell: (row) => failedCell(row.operations.failed, row.operations.failedRatio) },
    { title: 'Refused', number: true, cell: (row) => formatNumber(row.operations.refused) },
    ...(['p50', 'p95', 'p99', 'max'] as const).map((name) => ({ title: `Response ${name}`, number: true, cell: (row: TagRow) => formatMs(row.responseMs[name]) })),
    { title: 'Requests', number: true, cell: (row) => formatNumber(row.requests.total) },
    { title: 'Failed requests', number: true, cell: (row) => failedCell(row.requests.failed, row.requests.failedRatio) },
    { title: 'Request p95', number: true, cell: (row) => formatMs(row.requests.durationMs.p95) },
    ...(rows.some(({ checks }) => checks !== undefined) ? [{ title: 'Failed checks', number: true, cell: ({ checks }: TagRow) => (checks === undefined ? '' : failedCell(checks.failed, checks.failed / checks.total)) }] : []),
  ], rows)}${omittedNote(omitted)}</div></section>`;
}

function failedCell(failed: number, ratio: number): Markup | string {
  return failed === 0 ? '0' : markup`<span class="bad">${formatNumber(failed)} (${formatPercent(ratio)})</span>`;
}
