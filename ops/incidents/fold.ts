/** Folds the event log into incidents. */
import { severities, rehearsalLabel } from '../alerting/alert.ts';
import type { Severity } from '../alerting/alert.ts';
import type { EventDetails, LoggedEvent } from '../core/event-log/event.ts';
import type { Labels } from '../metricstore/series.ts';
import { isSymptom, joinRule, quietMs } from './incident.ts';
import type { Incident, IncidentAlert, IncidentFault, JoinReason } from './incident.ts';

type AlertDetails = Extract<EventDetails, { kind: 'alert' }>;
type DetailsOf<Kind extends EventDetails['kind']> = Extract<EventDetails, { kind: Kind }>;
type Draft = { -readonly [Key in keyof Incident]: Incident[Key] } & { alerts: IncidentAlert[]; joins: Incident['joins'][number][]; notes: Incident['notes'][number][]; latestFiringMs: number; faultIds: Set<string> };
interface Fault extends IncidentFault {
  readonly drillId: string | undefined;
  endedAtMs: number | undefined;
}

/** Kinds of events that incidents are made of. */
export const incidentKinds = ['alert', 'ack', 'fault', 'incident'] as const;

/**
 * The incidents of a log, in the order in which they were opened.
 * @param events in order of sequence; kinds that do not matter are skipped
 * @param nowMs the end of the log in time: by it a quiet incident counts as resolved
 */
export function incidentsOf(events: readonly LoggedEvent[], nowMs: number): Incident[] {
  const incidents: Draft[] = [];
  const faults: Fault[] = [];
  for (const event of events) {
    if (event.atMs > nowMs) continue;
    closeQuiet(incidents, event.atMs);
    apply(incidents, faults, event);
  }
  closeQuiet(incidents, nowMs);
  return incidents.map(({ latestFiringMs: _latest, faultIds: _ids, ...incident }) => incident);
}

function apply(incidents: Draft[], faults: Fault[], event: LoggedEvent): void {
  const { details } = event;
  if (details.kind === 'fault') applyFault(faults, event.atMs, details);
  if (details.kind === 'alert') applyAlert(incidents, faults, event, details);
  if (details.kind === 'ack') applyAck(incidents, event, details);
  if (details.kind === 'incident') applyMark(incidents, event, details);
}

function applyFault(faults: Fault[], atMs: number, { phase, faultId, fault, target, drillId }: DetailsOf<'fault'>): void {
  const running = faults.findLast((known) => known.faultId === faultId && known.endedAtMs === undefined);
  if (phase === 'started') faults.push({ faultId, fault, target, atMs, drillId, endedAtMs: undefined });
  else if (running !== undefined) running.endedAtMs = atMs;
}

function applyAlert(incidents: Draft[], faults: readonly Fault[], event: LoggedEvent, details: AlertDetails): void {
  const severity = severityOf(details.labels);
  if (details.to === 'firing') {
    if (severity !== 'critical' && severity !== 'high') return;
    const rehearsalId = details.labels[rehearsalLabel];
    const around = faultsAround(faults, details.activeAtMs, rehearsalId);
    const found = findIncident(incidents, details, rehearsalId, around);
    const incident = found?.incident ?? open(incidents, event, details, severity, around);
    fire(incident, event, details, severity, found?.reason ?? 'opened', around);
    return;
  }
  for (const incident of incidents) {
    const index = incident.alerts.findIndex((alert) => alert.fingerprint === details.fingerprint && alert.resolvedAtMs === undefined);
    const alert = incident.alerts[index];
    if (alert === undefined) continue;
    incident.alerts[index] = { ...alert, resolvedAtMs: event.atMs };
    settle(incident, event.atMs);
  }
}

/** A fault whose end was never told is taken for over after that long. */
const faultMaxMs = 24 * 3_600_000;

/** Faults under way at that time or ended shortly before; those of a drill only for its own alerts. */
function faultsAround(faults: readonly Fault[], atMs: number, rehearsalId: string | undefined): Fault[] {
  return faults.filter((fault) => {
    const endMs = fault.endedAtMs === undefined ? fault.atMs + faultMaxMs : fault.endedAtMs + joinRule.windowMs;
    return fault.atMs <= atMs && atMs <= endMs && (fault.drillId === undefined || fault.drillId === rehearsalId);
  });
}

function findIncident(incidents: readonly Draft[], details: AlertDetails, rehearsalId: string | undefined, around: readonly Fault[]): { incident: Draft; reason: JoinReason } | undefined {
  const candidates = incidents.filter((incident) => incident.state !== 'resolved' && incident.rehearsalId === rehearsalId).toReversed();
  const service = serviceOf(details.labels);
  const isNear = (aMs: number): boolean => Math.abs(details.activeAtMs - aMs) <= joinRule.windowMs;
  const rules: readonly [JoinReason, (incident: Draft) => boolean][] = [
    ['again', (incident) => incident.alerts.some(({ fingerprint }) => fingerprint === details.fingerprint)],
    ['service', (incident) => service !== undefined && incident.services.includes(service)],
    ['fault', (incident) => around.some(({ faultId }) => incident.faultIds.has(faultId))],
    ['time', (incident) => isNear(incident.detectedAtMs) || isNear(incident.latestFiringMs)],
  ];
  for (const [reason, meets] of rules) {
    const incident = candidates.find((candidate) => meets(candidate));
    if (incident !== undefined) return { incident, reason };
  }
  return undefined;
}

function open(incidents: Draft[], event: LoggedEvent, details: AlertDetails, severity: Severity, around: readonly Fault[]): Draft {
  const last = around.at(-1);
  const fault = last === undefined ? undefined : { faultId: last.faultId, fault: last.fault, target: last.target, atMs: last.atMs };
  const incident: Draft = {
    id: `inc-${event.sequence}`, state: 'open', severity, title: details.annotations['summary'] ?? details.rule, rehearsalId: details.labels[rehearsalLabel],
    services: [], alerts: [], joins: [], fault, startedAtMs: fault?.atMs ?? Math.min(details.activeAtMs, event.atMs), detectedAtMs: event.atMs,
    acknowledgedAtMs: undefined, acknowledgedBy: undefined, mitigatedAtMs: undefined, resolvedAtMs: undefined, notes: [], latestFiringMs: event.atMs, faultIds: new Set(),
  };
  incidents.push(incident);
  return incident;
}

function fire(incident: Draft, event: LoggedEvent, details: AlertDetails, severity: Severity, reason: JoinReason, around: readonly Fault[]): void {
  const { fingerprint, labels, activeAtMs } = details;
  const index = incident.alerts.findIndex((alert) => alert.fingerprint === fingerprint);
  const before = incident.alerts[index];
  const fired = { fingerprint, rule: details.rule, labels, summary: details.annotations['summary'] ?? details.rule, severity, value: Number(String(details.value).replace('Inf', 'Infinity')), resolvedAtMs: undefined };
  if (before === undefined) incident.alerts.push({ ...fired, activeAtMs, firedAtMs: event.atMs, firings: 1 });
  else incident.alerts[index] = { ...fired, activeAtMs: before.activeAtMs, firedAtMs: before.firedAtMs, firings: before.firings + 1 };
  incident.joins.push({ fingerprint, atMs: event.atMs, reason });
  const service = serviceOf(labels);
  if (service !== undefined && !incident.services.includes(service)) incident.services = [...incident.services, service];
  if (severities.indexOf(severity) < severities.indexOf(incident.severity)) incident.severity = severity;
  for (const { faultId } of around) incident.faultIds.add(faultId);
  // A sample that was bad before the first alert fired belongs to the same trouble, whichever alert it led to.
  if (incident.fault === undefined) incident.startedAtMs = Math.min(incident.startedAtMs, activeAtMs);
  incident.latestFiringMs = event.atMs;
  if (isSymptom(labels) || !incident.alerts.some((alert) => isSymptom(alert.labels))) {
    incident.mitigatedAtMs = undefined;
    incident.state = 'open';
  }
}

/** After an alert's end: mitigated once no symptom fires any more. */
function settle(incident: Draft, atMs: number): void {
  if (incident.state === 'resolved') return;
  const symptoms = incident.alerts.filter((alert) => isSymptom(alert.labels));
  const counted = symptoms.length > 0 ? symptoms : incident.alerts;
  if (counted.some((alert) => alert.resolvedAtMs === undefined)) return;
  incident.mitigatedAtMs ??= atMs;
  incident.state = 'mitigated';
}

function closeQuiet(incidents: readonly Draft[], nowMs: number): void {
  for (const incident of incidents) {
    if (incident.state === 'resolved' || incident.alerts.some((alert) => alert.resolvedAtMs === undefined)) continue;
    const endMs = Math.max(...incident.alerts.map((alert) => alert.resolvedAtMs ?? 0));
    if (nowMs - endMs <= quietMs) continue;
    incident.resolvedAtMs = endMs;
    incident.mitigatedAtMs ??= endMs;
    incident.state = 'resolved';
  }
}

function applyAck(incidents: readonly Draft[], event: LoggedEvent, { fingerprints }: DetailsOf<'ack'>): void {
  for (const incident of incidents) {
    if (incident.state === 'resolved' || incident.acknowledgedAtMs !== undefined) continue;
    if (!incident.alerts.some(({ fingerprint }) => fingerprints.includes(fingerprint))) continue;
    incident.acknowledgedAtMs = event.atMs;
    incident.acknowledgedBy = event.actor;
  }
}

function applyMark(incidents: readonly Draft[], event: LoggedEvent, { phase, incidentId, text }: DetailsOf<'incident'>): void {
  const incident = incidents.find(({ id }) => id === incidentId);
  if (incident === undefined) return;
  if (text !== undefined && text !== '') incident.notes.push({ atMs: event.atMs, actor: event.actor, text });
  if (incident.state === 'resolved' || phase === 'note' || phase === 'joined') return;
  incident.mitigatedAtMs ??= event.atMs;
  incident.state = 'mitigated';
  if (phase !== 'resolved') return;
  incident.resolvedAtMs = event.atMs;
  incident.state = 'resolved';
}

function serviceOf(labels: Labels): string | undefined {
  return labels['service'] ?? labels['job'];
}

function severityOf(labels: Labels): Severity | undefined {
  return severities.find((severity) => severity === labels['severity']);
}
