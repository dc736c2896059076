/** Alerts, silences and routes as a terminal shows them. */
import pc from 'picocolors';
import { formatDuration } from '../core/duration.ts';
import type { Host, Output } from '../core/host.ts';
import type { AlertReply, SilenceReply } from '../alerting/routing/api.ts';
import { renderTable } from './table.ts';

type Standing = AlertReply['standing'] | SilenceReply['state'] | 'sent' | 'failed' | 'refused';
type Colours = ReturnType<typeof pc.createColors>;

/** A sign beside the word, so that colour says nothing by itself. */
const signs: Readonly<Record<Standing, string>> = {
  firing: '●', acknowledged: '◐', silenced: '○', inhibited: '○', muted: '○', resolved: '✓', active: '●', pending: '◌', expired: '✓', sent: '✓', failed: '✗', refused: '✗',
};

function paint(colours: Colours, standing: Standing, severity: string): (text: string) => string {
  if (standing === 'refused' || standing === 'failed') return colours.red;
  if (standing === 'sent') return colours.green;
  if (standing === 'firing') return severity === 'critical' ? colours.red : severity === 'high' ? colours.yellow : (text) => text;
  return standing === 'acknowledged' || standing === 'active' ? colours.cyan : colours.dim;
}

export interface MarkedRow {
  readonly standing: Standing;
  readonly severity?: string | undefined;
  readonly cells: readonly (string | number | null)[];
}

/** A table whose first column is a state: with a sign and in colour on a terminal, a plain word in a pipe. */
export function renderMarked(host: Host, output: Output, columns: readonly string[], rows: readonly MarkedRow[]): string {
  const isPlain = !output.isTty;
  const table = renderTable(['STATE', ...columns], rows.map(({ standing, cells }) => [isPlain ? standing : `${signs[standing]} ${standing}`, ...cells]));
  if (isPlain) return table;
  const colours = pc.createColors((host.process.env['NO_COLOR'] ?? '') === '');
  // Whole lines, after the columns were measured: colour has no width.
  return table.split('\n').map((line, index) => {
    const row = rows[index - 1];
    return row === undefined ? (index === 0 ? colours.dim(line) : line) : paint(colours, row.standing, row.severity ?? '')(line);
  }).join('\n');
}

/** Characters of an id that people are shown; four do to name one. */
const idShown = 12;

export const shortId = (id: string): string => id.slice(0, idShown);

export function ageOf(host: Host, atMs: number): string {
  return formatDuration(Math.max(0, Math.floor((host.clock.nowMs() - atMs) / 1_000) * 1_000));
}

export function alertRows(host: Host, alerts: readonly AlertReply[]): MarkedRow[] {
  return alerts.map((alert) => ({
    standing: alert.standing,
    severity: alert.severity,
    cells: [alert.severity, alert.name, alert.labels['service'] ?? null, ageOf(host, alert.endsAtMs ?? alert.startsAtMs), formatValue(alert.value), alert.receivers.join(','), shortId(alert.fingerprint), alert.because ?? '-', alert.annotations['summary'] ?? '-'],
  }));
}

export const alertColumns = ['SEVERITY', 'ALERT', 'SERVICE', 'FOR', 'VALUE', 'RECEIVERS', 'ID', 'BECAUSE', 'SUMMARY'];

function formatValue(value: number | string): string {
  return typeof value === 'number' ? String(Number(value.toPrecision(6))) : value;
}

/** One alert with all that is known of it. */
export function renderAlert(host: Host, alert: AlertReply): string {
  const lines: (readonly [string, string])[] = [
    ['state', `${alert.standing}${alert.because === undefined ? '' : ` (${alert.because})`}`],
    ['severity', alert.severity],
    ['since', `${new Date(alert.startsAtMs).toISOString()} (${ageOf(host, alert.startsAtMs)}${alert.endsAtMs === undefined ? '' : ' ago'})`],
    ...(alert.endsAtMs === undefined ? [] : [['ended', `${new Date(alert.endsAtMs).toISOString()} (${ageOf(host, alert.endsAtMs)} ago, after ${formatDuration(Math.max(0, alert.endsAtMs - alert.startsAtMs))})`] as const]),
    [alert.endsAtMs === undefined ? 'value' : 'last value', formatValue(alert.value)],
    ['expression', alert.expression.replaceAll(/\s+/g, ' ')],
    ...(alert.impact === undefined ? [] : [['impact', alert.impact] as const]),
    ['receivers', alert.receivers.join(', ')],
    ['fingerprint', alert.fingerprint],
    ['groups', alert.groups.join(', ')],
    ...Object.entries(alert.labels).map(([name, value]) => [`label ${name}`, value] as const),
    ...Object.entries(alert.annotations).map(([name, value]) => [name, value] as const),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return `${alert.name}\n${lines.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n')}\n`;
}

export function silenceRows(host: Host, silences: readonly SilenceReply[]): MarkedRow[] {
  const nowMs = host.clock.nowMs();
  return silences.map((silence) => ({
    standing: silence.state,
    cells: [silence.id, silence.state === 'expired' ? `${ageOf(host, silence.endsAtMs)} ago` : `in ${formatDuration(Math.max(0, silence.endsAtMs - nowMs))}`, silence.author, silence.matchers.join(' '), silence.comment],
  }));
}

export const silenceColumns = ['ID', 'ENDS', 'AUTHOR', 'MATCHERS', 'COMMENT'];
