import type { Host } from '../../ops/core/host.ts';
import { outputLines } from '../outputs/report.ts';
import { shareLines } from '../shares/report.ts';
import { checkLines, noteLines, tagLines } from './annex-text.ts';
import { causesFirst } from './causes-first.ts';
import { clockText } from './chart.ts';
import { generatorText } from './generator-text.ts';
import { formatMeasured, formatMs, formatNumber, formatPercent, okSign, verdictSigns } from './format.ts';
import { resourceLines } from './resources-text.ts';
import { modelSentence, verdictSentence } from './sentences.ts';
import { plainText } from './style.ts';
import type { Style } from './style.ts';
import type { Summary } from './summary-schema.ts';
import { worstFirst } from './thresholds/worst-first.ts';
import { noneFound } from './verdict.ts';

/** The end of a run on the terminal: thresholds first, the verdict and the report's path last. */
export function renderEnding(summary: Summary, style: Style, reportPath: string): string {
  const parts = [
    heading('Thresholds', style), ...thresholdLines(summary, style),
    heading('Validity', style), ...summary.validity.map((item) => `  ${mark(item.ok, style)} ${item.text}`),
    heading('Audit', style), ...auditLines(summary, style),
    heading('Operations in the hold', style), ...operationLines(summary, style),
    ...linesUnder('Checks', checkLines(summary), style),
    ...linesUnder('Tags', tagLines(summary), style),
    ...errorLines(summary, style),
    heading('Load', style),
    `  ${summary.arrivalsQueued === undefined ? '' : 'up to '}${formatNumber(summary.users)} users, mean think time ${formatNumber(summary.thinkTimeS)} s; ${modelSentence(summary)}`,
    `  ${formatNumber(summary.operations.offeredPerS)} operations/s offered, ${formatNumber(summary.operations.achievedPerS)} succeeded; seed ${summary.seed}`,
    `  generator: ${generatorText(summary.generator)}`,
    ...noteLines(summary).map((line) => `  ${plainText(line)}`),
    ...(summary.resources === undefined ? [] : [heading('Resources', style), ...resourceLines(summary.resources).map((line) => `  ${plainText(line)}`)]),
    ...linesUnder('Shares', shareLines(summary.shares), style),
    ...linesUnder('Outputs', outputLines(summary.outputs), style),
    '',
    `  report  ${reportPath}`,
    verdictLine(summary, style),
  ];
  return `${parts.join('\n')}\n`;
}

/** Whether the end must be said on stdout too: a program reads it, or stderr said nothing; not where both are one file. */
export function repeatsOnStdout({ stdout, stderr }: Pick<Host, 'stdout' | 'stderr'>, quiet: boolean): boolean {
  return quiet || (!stdout.isTty && (stdout.file === undefined || stdout.file !== stderr.file));
}

/** `✓ PASS  10,000 users …`. */
export function verdictLine(summary: Summary, style: Style): string {
  const sign = verdictSigns[summary.verdict];
  const paint = { pass: style.good, fail: style.bad, insufficient: style.unsure }[summary.verdict];
  return `  ${paint(style.bold(`${sign.icon} ${sign.word}`))}  ${plainText(verdictSentence(summary))}`;
}

const heading = (text: string, style: Style): string => `\n  ${style.bold(text)}`;

function linesUnder(title: string, lines: readonly string[], style: Style): string[] {
  return lines.length === 0 ? [] : [heading(title, style), ...lines.map((line) => `  ${plainText(line)}`)];
}

function mark(ok: boolean | null, style: Style): string {
  const sign = okSign(ok);
  return { pass: style.good, fail: style.bad, insufficient: style.unsure }[sign.tone](sign.icon);
}

function thresholdLines(summary: Summary, style: Style): string[] {
  if (summary.thresholds.length === 0) return ["  none; add one with --threshold 'response_time: p(95)<500'"];
  const width = Math.min(60, Math.max(...summary.thresholds.map((row) => row.expression.length)));
  return worstFirst(summary.thresholds).map((row) => {
    const measured = formatMeasured(row.metric, row.measured, row.expression);
    return `  ${mark(row.ok, style)} ${plainText(row.expression).padEnd(width)}  ${row.ok === false ? style.bad(measured) : measured}${row.missedFromS === undefined ? '' : `, missed since ${clockText(row.missedFromS)}`}`;
  });
}

function auditLines(summary: Summary, style: Style): string[] {
  const { audit } = summary;
  if (audit === null) return [summary.generator.tool === 'sora' ? '  nothing to audit' : `  not audited: ${summary.generator.tool} keeps no ids of its writes`];
  const lines = [
    `  ${mark(noneFound(audit.lost, audit), style)} ${formatNumber(audit.lost)} of ${formatNumber(audit.acknowledgedWrites)} acknowledged writes lost`,
    `  ${mark(noneFound(audit.duplicated, audit), style)} ${formatNumber(audit.duplicated)} duplicated, ${formatNumber(audit.indeterminate)} indeterminate`,
    `  ${mark(audit.ledgerBalanced, style)} ledger ${audit.ledgerBalanced === null ? 'not read' : audit.ledgerBalanced ? 'balanced' : 'unbalanced'}`,
    ...audit.differences.slice(0, 10).map((row) => `    ${row.finding} ${plainText(row.kind)} ${row.writeId} of user ${row.userId}: ${row.rows} rows`),
  ];
  if (audit.incomplete !== undefined) lines.push(`  ${mark(null, style)} ${plainText(audit.incomplete)}`);
  return lines;
}

function operationLines(summary: Summary, style: Style): string[] {
  const rows = [
    ...Object.entries(summary.byOperation),
    ['all', { operations: summary.operations, latencyMs: summary.latencyMs }] as const,
  ];
  const header = ['operation', 'count', 'failed', 'refused', 'p50', 'p95', 'p99', 'max', 'service p95'];
  const cells = rows.map(([op, { operations, latencyMs: { response, service } }]) => [
    plainText(op), formatNumber(operations.total), operations.failed === 0 ? '0' : `${formatNumber(operations.failed)} (${formatPercent(operations.failedRatio)})`,
    formatNumber(operations.refused), formatMs(response.p50), formatMs(response.p95), formatMs(response.p99), formatMs(response.max), formatMs(service.p95),
  ]);
  const [first, ...rest] = alignColumns([header, ...cells]);
  return [style.dim(`  ${first ?? ''}`), ...rest.map((line) => `  ${line}`)];
}

function errorLines(summary: Summary, style: Style): string[] {
  if (summary.errors.length === 0) return [];
  const shown = causesFirst(summary.errors).slice(0, 8);
  return [
    heading('Errors in all phases', style),
    ...shown.map((error) => {
      const where = error.firstCorrelationId === undefined ? '' : ` [${error.firstCorrelationId}]`;
      return `  ${formatNumber(error.count).padStart(7)}  ${plainText(error.kind)} in ${plainText(error.op)}: ${plainText(error.firstMessage).slice(0, 160)}${plainText(where)}`;
    }),
    ...(summary.errors.length > shown.length ? [`  and ${summary.errors.length - shown.length} more kinds, see the report`] : []),
  ];
}

/** Aligns cells: the first column left, the others right. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ').trimEnd());
}
