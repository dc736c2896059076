/** What a notification says, before any receiver's form: what broke, how far, since when, who is hit, what changed. */
import { formatDuration } from '../../core/duration.ts';
import { isSensitiveKey } from '../../telemetry/redact.ts';
import type { RoutedAlert, Severity } from '../alert.ts';
import { rehearsalLabel } from '../alert.ts';
import type { Notification } from '../notification.ts';
import type { Delivery, SendContext } from './outcome.ts';
import { clean, cut, formatFigure, formatTime, safeLink } from './text.ts';

export interface MessageAlert {
  /** `firing` or `resolved`, the rule and what tells this alert from the others of the group. */
  readonly name: string;
  readonly status: 'firing' | 'resolved';
  /** `1,432 > 1,200`; the value alone where the rule compares nothing. */
  readonly measured: string;
  readonly sinceMs: number;
  readonly summary: string;
}

export interface MessageFact {
  readonly name: string;
  readonly value: string;
}

/** Clean of secrets and personal data; each receiver escapes it in its own way. */
export interface Message {
  /** One line: state, severity, rule. */
  readonly title: string;
  /** One sentence on what broke. */
  readonly summary: string;
  readonly description?: string | undefined;
  readonly status: 'firing' | 'resolved';
  readonly severity: Severity;
  /** Why it comes now, where it is not simply new. */
  readonly why?: string | undefined;
  /** Measured, since, affected, firing, owner, in that order and only what is known. */
  readonly facts: readonly MessageFact[];
  readonly alerts: readonly MessageAlert[];
  readonly alertsOmitted: number;
  /** `12:03:04 deploy: api 1.4.2 (4m before)`, newest first. */
  readonly changes: readonly string[];
  readonly runbookUrl?: string | undefined;
  readonly ackUrl?: string | undefined;
  readonly sourceUrl?: string | undefined;
}

/** What of a notifier's context a message needs. */
export type MessageContext = Pick<SendContext, 'limitOf' | 'runbookBaseUrl'>;

const nameMax = 200;
const sentenceMax = 2_000;

/** Makes the message of a notification. */
export function describe(delivery: Delivery, { limitOf, runbookBaseUrl }: MessageContext): Message {
  const { notification } = delivery;
  const { status, severity, commonAnnotations } = notification;
  const first = notification.alerts[0];
  const runbook = commonAnnotations['runbook'] ?? commonAnnotations['runbook_url'] ?? first?.annotations['runbook'] ?? first?.annotations['runbook_url'];
  const runbookUrl = linkTo(runbook, runbookBaseUrl);
  const description = notification.alerts.length === 1 ? first?.annotations['description'] : commonAnnotations['description'];
  return {
    title: titleOf(notification),
    summary: cut(clean(commonAnnotations['summary'] ?? first?.annotations['summary'] ?? (notification.silence === undefined ? '' : 'It holds no alert back now.')), sentenceMax) || nameOf(notification),
    ...(description === undefined || clean(description) === '' ? {} : { description: cut(clean(description), sentenceMax) }),
    status,
    severity,
    why: whyOf(delivery),
    facts: [...factsOf(notification, limitOf), ...(runbook !== undefined && runbookUrl === undefined ? [{ name: 'Runbook', value: cut(clean(runbook), nameMax) }] : [])],
    alerts: notification.alerts.map((alert) => describeAlert(alert, notification, limitOf)),
    alertsOmitted: notification.alertsOmitted,
    changes: notification.changes.map((change) => cut(clean(`${formatTime(change.atMs).slice(11, 19)} ${change.kind}: ${change.text}${agoOf(change.atMs, startOf(notification))}`), 500)),
    runbookUrl,
    ackUrl: status === 'firing' && notification.reason !== 'acknowledged' ? safeLink(notification.ackUrl) : undefined,
    sourceUrl: safeLink(first?.generatorUrl),
  };
}

/** A path such as `runbooks/x.md` below the base address where one is set; an address as it is. */
/** The address of a runbook; undefined where it is a path and no base is known, or is no address at all. */
export function linkTo(runbook: string | undefined, baseUrl: string | undefined): string | undefined {
  const link = safeLink(runbook);
  if (link !== undefined || runbook === undefined || baseUrl === undefined || !/^[\w./-]+$/.test(runbook) || runbook.includes('..')) return link;
  return safeLink(`${baseUrl.replace(/\/$/, '')}/${runbook.replace(/^\//, '')}`);
}

/** The rule, or the rules where the group has several. */
export function nameOf(notification: Notification): string {
  const common = notification.commonLabels['alertname'] ?? notification.groupLabels['alertname'];
  if (common !== undefined) return cut(clean(common), nameMax) || 'alerts';
  if (notification.alerts.length === 0 && notification.silence !== undefined) return cut(clean(notification.silence.matchers.join(' ')), nameMax);
  const names = [...new Set(notification.alerts.map((alert) => alert.labels['alertname'] ?? 'unnamed'))];
  return names.length === 0 ? 'alerts' : cut(clean(names.slice(0, 3).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '')), nameMax);
}

/** When the first of the alerts that are told began. */
export function startOf(notification: Notification): number {
  const firing = notification.alerts.filter((alert) => alert.status === 'firing');
  return Math.min(notification.atMs, ...(firing.length > 0 ? firing : notification.alerts).map((alert) => alert.startsAtMs));
}

function titleOf(notification: Notification): string {
  const { status, reason, severity, commonLabels, groupLabels } = notification;
  const firing = notification.alerts.filter((alert) => alert.status === 'firing').length + notification.alertsOmitted;
  const state = reason === 'silence-expiry' ? 'SILENCE ENDS' : reason === 'acknowledged' ? 'ACKNOWLEDGED' : status === 'resolved' ? 'RESOLVED' : firing > 1 ? `FIRING ${firing}` : 'FIRING';
  const where = commonLabels['service'] ?? groupLabels['service'] ?? commonLabels['job'];
  const rehearsal = commonLabels[rehearsalLabel];
  return cut(clean(`${rehearsal === undefined ? '' : `[rehearsal ${rehearsal}] `}[${state} ${severity}] ${nameOf(notification)}${where === undefined ? '' : ` (${where})`}`), 250);
}

function whyOf({ notification, thread }: Delivery): string | undefined {
  const { reason, to, status } = notification;
  const person = to === undefined ? 'the next person' : clean(to);
  if (status === 'resolved') return thread === undefined ? undefined : `This ends the alert of ${formatTime(thread.firstSentAtMs)} (${clean(thread.firstId)}).`;
  if (reason === 'escalation') return `Escalated to ${person}: nobody has acknowledged it.`;
  if (reason === 'repeat') return 'It still fires.';
  if (reason === 'changed') return 'The alerts of this group have changed.';
  if (reason === 'silence-expiry') return silenceOf(notification);
  if (reason === 'acknowledged') return `Acknowledged by ${to === undefined ? 'somebody' : clean(to)}.`;
  return undefined;
}

function silenceOf({ silence, atMs }: Notification): string {
  if (silence === undefined) return 'A silence that covers this ends soon.';
  return cut(clean(`The silence by ${silence.author} ends at ${formatTime(silence.endsAtMs)} (in ${formatDuration(Math.max(0, silence.endsAtMs - atMs))}): ${silence.comment}`), sentenceMax);
}

function factsOf(notification: Notification, limitOf: SendContext['limitOf']): MessageFact[] {
  const { alerts, alertsOmitted, status, impact, commonLabels, commonAnnotations } = notification;
  const facts: MessageFact[] = [];
  const add = (name: string, text: string | undefined): void => {
    const value = cut(clean(text ?? ''), nameMax);
    if (value !== '') facts.push({ name, value });
  };
  const only = alerts.length === 1 && alertsOmitted === 0 ? alerts[0] : undefined;
  // What is over was measured, and had its effect, while it lasted.
  const isOver = status === 'resolved';
  if (only !== undefined) facts.push({ name: isOver ? 'Last measured' : 'Measured', value: measuredOf(only, limitOf) });
  if (alerts.length > 0) {
    const startMs = startOf(notification);
    const endMs = isOver ? Math.max(...alerts.map((alert) => alert.endsAtMs ?? notification.atMs)) : notification.atMs;
    facts.push({ name: isOver ? 'Lasted' : 'Since', value: isOver ? `${formatDuration(endMs - startMs)}, from ${formatTime(startMs)}` : `${formatTime(startMs)} (${formatDuration(endMs - startMs)})` });
  }
  add(isOver ? 'Affected when it began' : 'Affected', impact ?? only?.impact);
  if (only === undefined && alerts.length > 0) {
    const firing = alerts.filter((alert) => alert.status === 'firing').length + alertsOmitted;
    facts.push({ name: 'Alerts', value: `${firing} firing, ${alerts.length + alertsOmitted - firing} resolved` });
  }
  add('Owner', commonLabels['owner'] ?? commonAnnotations['owner']);
  return facts;
}

function describeAlert(alert: RoutedAlert, notification: Notification, limitOf: SendContext['limitOf']): MessageAlert {
  const own = Object.entries(alert.labels).filter(([name, value]) => name !== 'alertname' && notification.commonLabels[name] !== value);
  const labels = own.map(([name, value]) => `${name}=${isSensitiveKey(name) ? '[redacted]' : value}`).join(' ');
  return {
    name: cut(clean(`${alert.labels['alertname'] ?? nameOf(notification)}${labels === '' ? '' : ` ${labels}`}`), nameMax),
    status: alert.status,
    measured: measuredOf(alert, limitOf),
    sinceMs: alert.startsAtMs,
    summary: cut(clean(alert.annotations['summary'] ?? ''), 500),
  };
}

/** The value with the comparator and limit it met. An alert that is over has the last value that met it. */
export function measuredOf(alert: RoutedAlert, limitOf: SendContext['limitOf']): string {
  const limit = limitOf(alert.expression);
  if (limit === undefined) return formatFigure(alert.value);
  const figure = limit.limit === '' ? Number.NaN : Number(limit.limit);
  return `${formatFigure(alert.value)} ${limit.comparator} ${Number.isNaN(figure) ? cut(clean(limit.limit), nameMax) : formatFigure(figure)}`;
}

function agoOf(atMs: number, startMs: number): string {
  const gapMs = startMs - atMs;
  return gapMs >= 0 ? ` (${formatDuration(gapMs)} before it began)` : ` (${formatDuration(-gapMs)} after it began)`;
}

/** The message as plain text: for e-mail, the fallback of Slack and the log. */
export function plainText(message: Message): string {
  const blocks = [
    [message.title, message.summary, ...(message.description === undefined ? [] : [message.description]), ...(message.why === undefined ? [] : [message.why])],
    message.facts.map(({ name, value }) => `${name}: ${value}`),
    message.alerts.length > 1 ? alertLines(message) : [],
    message.changes.length > 0 ? ['What changed in the 30 min before:', ...message.changes.map((change) => `- ${change}`)] : [],
    linksOf(message).map(({ name, url }) => `${name}: ${url}`),
  ];
  return blocks.filter((lines) => lines.length > 0).map((lines) => lines.join('\n')).join('\n\n');
}

/** One line for each alert of the group, and one for those left out. */
export function alertLines({ alerts, alertsOmitted }: Message): string[] {
  const lines = alerts.map(({ name, status, measured, sinceMs }) => `- ${status}: ${name}: ${measured} since ${formatTime(sinceMs)}`);
  return alertsOmitted > 0 ? [...lines, `- and ${alertsOmitted} more`] : lines;
}

/** In order of use: acknowledge first. */
export function linksOf(message: Message): { readonly name: string; readonly url: string }[] {
  const links = [{ name: 'Acknowledge', url: message.ackUrl }, { name: 'Runbook', url: message.runbookUrl }, { name: 'Source', url: message.sourceUrl }];
  return links.flatMap(({ name, url }) => (url === undefined ? [] : [{ name, url }]));
}
