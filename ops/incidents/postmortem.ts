/** A draft of a postmortem from the event log: what is known is filled in, what people must add is asked. */
import { formatFigure, formatTime } from '../alerting/notifiers/text.ts';
import { formatDuration } from '../core/duration.ts';
import type { LoggedEvent } from '../core/event-log/event.ts';
import { redactText } from '../telemetry/redact-text.ts';
import { timesOf } from './incident.ts';
import type { Incident } from './incident.ts';
import { beforeMs, timelineOf } from './timeline.ts';
import type { TimelineEntry } from './timeline.ts';

/**
 * Markdown.
 * @param events in order of sequence, from 30 min before the incident on
 * @param cutEvents older ones that were too many to read
 */
export function renderPostmortem(incident: Incident, events: readonly LoggedEvent[], nowMs: number, cutEvents = 0): string {
  const timeline = timelineOf(incident, events, nowMs);
  const sections: readonly [string, string][] = [
    ['Summary', summaryOf(incident)],
    ['Impact', impactOf(incident)],
    ['Timeline (UTC)', table(['Time', 'Who', 'What'], timeline.map(({ atMs, actor, text }) => [formatTime(atMs).slice(0, 19), actor, text]))],
    ['What changed before', changesOf(incident, timeline)],
    ['Detection and response', responseOf(incident, timeline)],
    ['Measures', measuresOf(incident, timeline)],
    ['Open questions', questionsOf(incident, timeline)],
  ];
  const head = `# Postmortem ${incident.id}: ${escape(incident.title)}\n\nDraft from the event log as of ${formatTime(nowMs)}. No one is to blame; the log is the only source.${cutEvents === 0 ? '' : ` The oldest ${cutEvents} events were too many to read and are missing here.`}`;
  return `${redactText([head, ...sections.map(([title, text]) => `## ${title}\n\n${text}`)].join('\n\n'))}\n`;
}

function summaryOf(incident: Incident): string {
  const { severity, services, detectedAtMs, state, rehearsalId, fault } = incident;
  const { resolveMs, mitigateMs } = timesOf(incident);
  const where = services.length === 0 ? 'an unnamed service' : services.map(escape).join(', ');
  const firing = stillFiringAt(incident);
  const despite = firing.length === 0 ? '' : `, by an operator's mark while ${firing.map(escape).join(', ')} still fired`;
  const end = resolveMs !== undefined ? `It was resolved after ${formatDuration(resolveMs)}${despite}.` : mitigateMs !== undefined ? `It was mitigated after ${formatDuration(mitigateMs)} and is not resolved yet.` : 'It is not mitigated yet.';
  return [
    `A ${severity} incident of ${where}, detected at ${formatTime(detectedAtMs)}; state: ${state}. ${end}`,
    ...(rehearsalId === undefined ? [] : [`It was a rehearsal (${escape(rehearsalId)}), not a real outage.`]),
    ...(fault === undefined ? [] : [`It began under the fault ${escape(fault.fault)} on ${escape(fault.target)} (${formatTime(fault.atMs)}).`]),
  ].join('\n');
}

function impactOf(incident: Incident): string {
  const rows = incident.alerts.map(({ rule, severity, summary, firedAtMs, resolvedAtMs, firings, value }) => [
    rule, severity, summary, formatFigure(value), resolvedAtMs === undefined ? 'still firing' : formatDuration(resolvedAtMs - firedAtMs), String(firings),
  ]);
  return `${table(['Alert', 'Severity', 'What it said', 'Value when it fired', 'Fired for', 'Times'], rows)}\n\nUsers and money affected: _to be filled in; the \`impact\` query of each alert over the time of the incident gives the figure._`;
}

/** Rules of the alerts that had not ended when it was resolved. */
function stillFiringAt({ alerts, resolvedAtMs }: Incident): string[] {
  if (resolvedAtMs === undefined) return [];
  return [...new Set(alerts.filter((alert) => alert.resolvedAtMs === undefined || alert.resolvedAtMs > resolvedAtMs).map(({ rule }) => rule))];
}

const changeKinds = new Set(['deploy', 'config', 'load-run', 'fault']);

function changesOf(incident: Incident, timeline: readonly TimelineEntry[]): string {
  const changes = timeline.filter(({ kind, atMs }) => changeKinds.has(kind) && atMs <= incident.detectedAtMs);
  if (changes.length === 0) return `The log knows of no deploy, configuration change, load run or fault in the ${formatDuration(beforeMs)} before the start.`;
  return changes.map(({ atMs, text, actor }) => `- ${formatTime(atMs)}, ${formatDuration(Math.abs(incident.detectedAtMs - atMs))} before detection: ${escape(text)} (${escape(actor)})`).join('\n');
}

function responseOf(incident: Incident, timeline: readonly TimelineEntry[]): string {
  const { detectMs, acknowledgeMs, mitigateMs, resolveMs } = timesOf(incident);
  const span = (ms: number | undefined): string => (ms === undefined ? 'not yet' : formatDuration(ms));
  const dead = timeline.filter(({ kind, text }) => kind === 'notification' && text.includes(': dead')).length;
  return [
    `- Started: ${formatTime(incident.startedAtMs)} (${incident.fault === undefined ? 'first bad sample' : 'start of the fault'})`,
    `- Detected: ${detectMs === undefined ? 'with that sample; how long the trouble had lasted the log does not say' : `after ${span(detectMs)}`}, by ${escape(incident.alerts[0]?.rule ?? 'an alert')}`,
    `- Acknowledged: ${acknowledgeMs === undefined ? 'not yet' : `${span(acknowledgeMs)} after detection, by ${escape(incident.acknowledgedBy ?? 'somebody')}`}`,
    `- Mitigated: ${mitigateMs === undefined ? 'not yet' : `${span(mitigateMs)} after the start`}`,
    `- Resolved: ${resolveMs === undefined ? 'not yet' : `${span(resolveMs)} after the start`}`,
    ...(dead === 0 ? [] : [`- ${dead} notifications reached nobody.`]),
  ].join('\n');
}

function measuresOf(incident: Incident, timeline: readonly TimelineEntry[]): string {
  const done = [
    ...incident.notes.map(({ atMs, actor, text }) => `- ${formatTime(atMs)}, ${escape(actor)}: ${escape(text)}`),
    ...timeline.filter(({ kind }) => kind === 'runbook-step').map(({ atMs, text }) => `- ${formatTime(atMs)}: ${escape(text)}`),
  ];
  return `${done.length === 0 ? 'The log holds no notes and no runbook steps.' : `Taken:\n\n${done.join('\n')}`}\n\nTo prevent a repeat (what, who, by when): _to be filled in._`;
}

/** Asks only what the log leaves open. */
function questionsOf(incident: Incident, timeline: readonly TimelineEntry[]): string {
  const { detectMs } = timesOf(incident);
  const questions = [
    incident.fault === undefined ? 'What was the cause? The log names none.' : undefined,
    timeline.some(({ kind, atMs }) => kind === 'deploy' && atMs <= incident.detectedAtMs) ? 'Did the deploy before it cause it, and would a canary have caught it?' : undefined,
    detectMs !== undefined && detectMs > 5 * 60_000 ? `Why did detection take ${formatDuration(detectMs)}?` : undefined,
    incident.acknowledgedAtMs === undefined ? 'Why did nobody acknowledge it?' : undefined,
    timeline.some(({ kind }) => kind === 'escalation') ? 'Why did the first person not answer?' : undefined,
    incident.alerts.some(({ firings }) => firings > 1) ? 'Why did an alert fire more than once: did the measure not hold, or does the rule flap?' : undefined,
    timeline.some(({ kind }) => kind === 'runbook-step') ? undefined : 'Was there a runbook, and was it followed?',
    'What went well?',
  ];
  return questions.flatMap((question) => (question === undefined ? [] : [`- ${question}`])).join('\n');
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escape).join(' | ')} |`;
  return [line(columns), `|${columns.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** So that no label or note can break out of its place in the Markdown. */
function escape(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\\|<>[\]`*]/g, '\\$&').trim();
}
