/** An incident's timeline: everything the log says about its alerts, its people and what changed around it. */
import { formatFigure, formatTime } from '../alerting/notifiers/text.ts';
import { assertNever } from '../core/error.ts';
import type { EventKind, LoggedEvent } from '../core/event-log/event.ts';
import type { Incident } from './incident.ts';

export interface TimelineEntry {
  readonly atMs: number;
  readonly kind: EventKind;
  readonly actor: string;
  readonly text: string;
}

/** Kinds of events a timeline shows. */
export const timelineKinds = ['deploy', 'config', 'load-run', 'fault', 'alert', 'notification', 'ack', 'silence', 'escalation', 'incident', 'runbook-step', 'oncall-override', 'process'] as const satisfies readonly EventKind[];

/** What happened this long before the start is shown as well. */
export const beforeMs = 30 * 60_000;
/** Entries shown; beyond them the middle is left out, as beginning and end tell most. */
export const entriesMax = 500;

/**
 * In order of time, from 30 min before the start to the end (or `nowMs`).
 * @param events in order of sequence
 */
export function timelineOf(incident: Incident, events: readonly LoggedEvent[], nowMs: number): TimelineEntry[] {
  const fromMs = incident.startedAtMs - beforeMs;
  const toMs = incident.resolvedAtMs ?? nowMs;
  const fingerprints = new Set(incident.alerts.map(({ fingerprint }) => fingerprint));
  const entries = events
    .filter((event) => event.atMs >= fromMs && (event.atMs <= toMs || isMarkOf(incident, event)))
    .flatMap((event) => describeEvent(event, incident.id, fingerprints))
    .concat(stillFiring(incident))
    .toSorted((one, other) => one.atMs - other.atMs);
  if (entries.length <= entriesMax) return entries;
  const half = entriesMax / 2;
  const middle = entries[half];
  const gap: TimelineEntry[] = middle === undefined ? [] : [{ atMs: middle.atMs, kind: 'incident', actor: 'sora', text: `${entries.length - entriesMax + 1} entries left out here` }];
  return [...entries.slice(0, half), ...gap, ...entries.slice(entries.length - half + 1)];
}

/** What it took over from an incident that was resolved while alerts of it fired. */
function stillFiring({ alerts, joins }: Incident): TimelineEntry[] {
  return joins.flatMap(({ fingerprint, atMs, reason }) => {
    const alert = reason === 'still-firing' ? alerts.find((each) => each.fingerprint === fingerprint) : undefined;
    return alert === undefined ? [] : [{ atMs, kind: 'alert' as const, actor: 'sora', text: `${alert.rule} still fires from before, since ${formatTime(alert.firedAtMs)}` }];
  });
}

/** Marks and notes of people come after the end as well. */
function isMarkOf(incident: Incident, { details }: LoggedEvent): boolean {
  return details.kind === 'incident' && details.incidentId === incident.id;
}

function describeEvent(event: LoggedEvent, incidentId: string, fingerprints: ReadonlySet<string>): TimelineEntry[] {
  const { details, atMs, actor } = event;
  const isOurs = (some: readonly string[]): boolean => some.some((fingerprint) => fingerprints.has(fingerprint));
  const entry = (text: string): TimelineEntry[] => [{ atMs, kind: details.kind, actor, text }];
  switch (details.kind) {
    case 'deploy': return entry(`deploy of ${details.service} ${details.version} (${details.commit.slice(0, 12)}): ${details.outcome}${details.rework ? ', rework' : ''}`);
    case 'config': return details.isFirst === true ? [] : entry(`configuration of ${details.subject}: ${details.summary}`);
    case 'load-run': return details.phase === 'renewed' ? [] : entry(`load run ${details.runId} of ${details.scenario} ${details.phase}`);
    case 'fault': return entry(`fault ${details.fault} on ${details.target} ${details.phase}${details.drillId === undefined ? '' : ` (drill ${details.drillId})`}`);
    case 'alert': return isOurs([details.fingerprint]) ? entry(`${details.rule}: ${details.from} → ${details.to}, value ${typeof details.value === 'number' ? formatFigure(details.value) : details.value}`) : [];
    case 'notification': return details.phase !== 'queued' && isOurs(details.fingerprints) ? entry(`notification ${details.reason} to ${details.receiver}/${details.integration}: ${details.phase}${details.error === undefined ? '' : `, ${details.error}`}`) : [];
    case 'ack': return isOurs(details.fingerprints) ? entry(`acknowledged by ${actor} (${details.via})`) : [];
    case 'silence': return entry(`silence ${details.silenceId} ${details.phase}: ${details.matchers.join(', ')}${details.comment === '' ? '' : ` (${details.comment})`}`);
    case 'escalation': return isOurs(details.fingerprints) ? entry(`escalated from ${details.fromPerson} to ${details.toPerson}`) : [];
    case 'incident': return details.incidentId === incidentId ? entry(details.phase === 'note' ? `note: ${details.text ?? ''}` : `${details.phase}${details.text === undefined ? '' : `: ${details.text}`}`) : [];
    case 'runbook-step': return entry(`runbook ${details.runbook}, ${details.step}: ${details.outcome}`);
    case 'oncall-override': return entry(details.phase === 'ended' ? `override of ${details.schedule} taken back: ${details.person}` : `on call by override of ${details.schedule}: ${details.person}`);
    case 'process': return entry(`process ${details.process}: ${details.state}`);
    case 'rule-health': case 'login': case 'receiver-test': return [];
    default: return assertNever(details);
  }
}
