/** Folds the event log into incidents. */
import { severities, rehearsalLabel } from '../alerting/alert.ts';
import type { Severity } from '../alerting/alert.ts';
import type { EventDetails, LoggedEvent } from '../core/event-log/event.ts';
import type { Labels } from '../metricstore/series.ts';
import { isSymptom, joinRule, quietMs } from './incident.ts';
import type { Incident, IncidentAlert, IncidentFault, JoinReason } from './incident.ts';

type AlertDetails = Extract<EventDetails, { kind: 'alert' }>;
type DetailsOf<Kind extends EventDetails['kind']> = Extract<EventDetails, { kind: Kind }>;
type Draft = { -readonly [Key in keyof Incident]: Incident[Key] } & { alerts: IncidentAlert[]; joins: Incident['joins'][number][]; notes: Incident['notes'][number][]; readonly told: Told };

/** What is known of an incident beside what is told of it. */
interface Told {
  latestFiringMs: number;
  /** The latest end of one of its alerts. */
  latestEndMs: number;
  readonly faultIds: Set<string>;
  /** Where each alert stands in `alerts`, by fingerprint. */
  readonly places: Map<string, number>;
  /** Of its alerts: those that are symptoms, those that fire, and those that are both. */
  symptoms: number;
  firing: number;
  firingSymptoms: number;
}

/** Incidents so far. What an event touches is found by key, as a year may hold 200,000 events and thousands of incidents. */
interface Fold {
  readonly incidents: Draft[];
  readonly byId: Map<string, Draft>;
  /** Not resolved; in the order in which they were opened. */
  open: Draft[];
  /** Incidents of which an alert of that fingerprint fires, also when an operator has resolved them. */
  readonly firing: Map<string, Draft[]>;
  /** Alerts that fire on though an operator has resolved all their incidents, by fingerprint: the next incident takes them. */
  readonly left: Map<string, { readonly alert: IncidentAlert; readonly rehearsalId: string | undefined }>;
  faults: Fault[];
}
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
  const fold: Fold = { incidents: [], byId: new Map(), open: [], firing: new Map(), left: new Map(), faults: [] };
  for (const event of events) {
    if (event.atMs > nowMs) continue;
    closeQuiet(fold, event.atMs);
    apply(fold, event);
  }
  closeQuiet(fold, nowMs);
  return fold.incidents.map(({ told: _told, ...incident }) => incident);
}

function apply(fold: Fold, event: LoggedEvent): void {
  const { details } = event;
  if (details.kind === 'fault') applyFault(fold, event.atMs, details);
  if (details.kind === 'alert') applyAlert(fold, event, details);
  if (details.kind === 'ack') applyAck(fold, event, details);
  if (details.kind === 'incident') applyMark(fold, event, details);
}

/** Faults kept before those that are long over are forgotten. */
const faultsKept = 1_000;
/** No rule waits that long before it fires, so nothing that began under an older fault is still to come. */
const faultKeptMs = 7 * 24 * 3_600_000;

function applyFault(fold: Fold, atMs: number, { phase, faultId, fault, target, drillId }: DetailsOf<'fault'>): void {
  const { faults } = fold;
  if (phase === 'started') {
    if (faults.length >= 2 * faultsKept) fold.faults = [...faults.slice(0, -faultsKept).filter((known) => endOf(known) > atMs - faultKeptMs), ...faults.slice(-faultsKept)];
    fold.faults.push({ faultId, fault, target, atMs, drillId, endedAtMs: undefined });
    return;
  }
  const running = faults.findLast((known) => known.faultId === faultId && known.endedAtMs === undefined);
  if (running !== undefined) running.endedAtMs = atMs;
}

function applyAlert(fold: Fold, event: LoggedEvent, details: AlertDetails): void {
  const severity = severityOf(details.labels);
  if (details.to === 'firing') {
    if (severity !== 'critical' && severity !== 'high') return;
    const rehearsalId = details.labels[rehearsalLabel];
    const around = faultsAround(fold.faults, details.activeAtMs, rehearsalId);
    const found = findIncident(fold.open, details, rehearsalId, around);
    const incident = found?.incident ?? open(fold, event, details, severity, around);
    fold.left.delete(details.fingerprint);
    fire(fold, incident, event, details, severity, found?.reason ?? 'opened', around);
    takeLeft(fold, incident, event.atMs);
    return;
  }
  for (const incident of fold.firing.get(details.fingerprint) ?? []) end(incident, details.fingerprint, event.atMs);
  fold.firing.delete(details.fingerprint);
  fold.left.delete(details.fingerprint);
}

/** What fires unheld is no history: it shows in the incident that is under way, or no open one would tell of it. */
function takeLeft(fold: Fold, incident: Draft, atMs: number): void {
  for (const [fingerprint, { alert, rehearsalId }] of fold.left) {
    if (rehearsalId !== incident.rehearsalId) continue;
    fold.left.delete(fingerprint);
    hold(fold, incident, alert);
    incident.joins.push({ fingerprint, atMs, reason: 'still-firing' });
  }
}

/** After an alert's end: mitigated once no symptom fires any more. */
function end(incident: Draft, fingerprint: string, atMs: number): void {
  const { told } = incident;
  const index = told.places.get(fingerprint);
  const alert = index === undefined ? undefined : incident.alerts[index];
  if (index === undefined || alert === undefined) return;
  incident.alerts[index] = { ...alert, resolvedAtMs: atMs };
  told.latestEndMs = Math.max(told.latestEndMs, atMs);
  told.firing--;
  if (isSymptom(alert.labels)) told.firingSymptoms--;
  if (incident.state === 'resolved' || (told.symptoms > 0 ? told.firingSymptoms : told.firing) > 0) return;
  incident.mitigatedAtMs ??= atMs;
  incident.state = 'mitigated';
}

/** A fault whose end was never told is taken for over after that long. */
const faultMaxMs = 24 * 3_600_000;

/** Until when an alert that begins may be its doing. */
const endOf = (fault: Fault): number => (fault.endedAtMs === undefined ? fault.atMs + faultMaxMs : fault.endedAtMs + joinRule.windowMs);

/** Faults under way at that time or ended shortly before; those of a drill only for its own alerts. */
function faultsAround(faults: readonly Fault[], atMs: number, rehearsalId: string | undefined): Fault[] {
  return faults.filter((fault) => {
    return fault.atMs <= atMs && atMs <= endOf(fault) && (fault.drillId === undefined || fault.drillId === rehearsalId);
  });
}

function findIncident(unresolved: readonly Draft[], details: AlertDetails, rehearsalId: string | undefined, around: readonly Fault[]): { incident: Draft; reason: JoinReason } | undefined {
  const candidates = unresolved.filter((incident) => incident.rehearsalId === rehearsalId).toReversed();
  const service = serviceOf(details.labels);
  const isNear = (aMs: number): boolean => Math.abs(details.activeAtMs - aMs) <= joinRule.windowMs;
  const rules: readonly [JoinReason, (incident: Draft) => boolean][] = [
    ['again', (incident) => incident.told.places.has(details.fingerprint)],
    ['service', (incident) => service !== undefined && incident.services.includes(service)],
    ['fault', (incident) => around.some(({ faultId }) => incident.told.faultIds.has(faultId))],
    ['time', (incident) => isNear(incident.detectedAtMs) || isNear(incident.told.latestFiringMs)],
  ];
  for (const [reason, meets] of rules) {
    const incident = candidates.find((candidate) => meets(candidate));
    if (incident !== undefined) return { incident, reason };
  }
  return undefined;
}

function open(fold: Fold, event: LoggedEvent, details: AlertDetails, severity: Severity, around: readonly Fault[]): Draft {
  const last = around.at(-1);
  const fault = last === undefined ? undefined : { faultId: last.faultId, fault: last.fault, target: last.target, atMs: last.atMs };
  const incident: Draft = {
    id: `inc-${event.sequence}`, state: 'open', severity, title: '', rehearsalId: details.labels[rehearsalLabel],
    services: [], alerts: [], joins: [], fault, startedAtMs: fault?.atMs ?? Math.min(details.activeAtMs, event.atMs), detectedAtMs: event.atMs,
    acknowledgedAtMs: undefined, acknowledgedBy: undefined, mitigatedAtMs: undefined, resolvedAtMs: undefined, notes: [],
    told: { latestFiringMs: event.atMs, latestEndMs: 0, faultIds: new Set(), places: new Map(), symptoms: 0, firing: 0, firingSymptoms: 0 },
  };
  fold.incidents.push(incident);
  fold.open.push(incident);
  fold.byId.set(incident.id, incident);
  return incident;
}

function fire(fold: Fold, incident: Draft, event: LoggedEvent, details: AlertDetails, severity: Severity, reason: JoinReason, around: readonly Fault[]): void {
  const { fingerprint, labels, activeAtMs } = details;
  const { told } = incident;
  const before = incident.alerts[told.places.get(fingerprint) ?? incident.alerts.length];
  const fired = { fingerprint, rule: details.rule, labels, summary: details.annotations['summary'] ?? details.rule, severity, value: Number(String(details.value).replace('Inf', 'Infinity')), resolvedAtMs: undefined };
  hold(fold, incident, { ...fired, activeAtMs: before?.activeAtMs ?? activeAtMs, firedAtMs: before?.firedAtMs ?? event.atMs, firings: (before?.firings ?? 0) + 1 });
  incident.joins.push({ fingerprint, atMs: event.atMs, reason });
  for (const { faultId } of around) told.faultIds.add(faultId);
  // A sample that was bad before the first alert fired belongs to the same trouble, whichever alert it led to.
  if (incident.fault === undefined) incident.startedAtMs = Math.min(incident.startedAtMs, activeAtMs);
  told.latestFiringMs = event.atMs;
}

/** Puts an alert that fires into an incident, or anew in its place. */
function hold(fold: Fold, incident: Draft, alert: IncidentAlert): void {
  const { fingerprint, labels } = alert;
  const { told } = incident;
  const index = told.places.get(fingerprint) ?? incident.alerts.length;
  const before = incident.alerts[index];
  incident.alerts[index] = alert;
  told.places.set(fingerprint, index);
  if (before === undefined && isSymptom(labels)) told.symptoms++;
  if (before === undefined || before.resolvedAtMs !== undefined) {
    told.firing++;
    if (isSymptom(labels)) told.firingSymptoms++;
    fold.firing.set(fingerprint, [...(fold.firing.get(fingerprint) ?? []), incident]);
  }
  const service = serviceOf(labels);
  if (service !== undefined && !incident.services.includes(service)) incident.services = [...incident.services, service];
  if (severities.indexOf(alert.severity) < severities.indexOf(incident.severity)) incident.severity = alert.severity;
  incident.title = titleOf(incident.alerts);
  if (isSymptom(labels) || told.symptoms === 0) {
    incident.mitigatedAtMs = undefined;
    incident.state = 'open';
  }
}

/** The gravest tells what it is, and of equally grave ones a cause before its symptoms, then the first. */
function titleOf(alerts: readonly IncidentAlert[]): string {
  const rank = ({ severity, labels }: IncidentAlert): number => 2 * severities.indexOf(severity) + (isSymptom(labels) ? 1 : 0);
  const [first, ...rest] = alerts;
  return first === undefined ? '' : rest.reduce((best, alert) => (rank(alert) < rank(best) ? alert : best), first).summary;
}

function closeQuiet(fold: Fold, nowMs: number): void {
  const quiet = fold.open.filter(({ told }) => told.firing === 0 && nowMs - told.latestEndMs > quietMs);
  for (const incident of quiet) {
    incident.resolvedAtMs = incident.told.latestEndMs;
    incident.mitigatedAtMs ??= incident.told.latestEndMs;
    incident.state = 'resolved';
  }
  if (quiet.length > 0) fold.open = fold.open.filter(({ state }) => state !== 'resolved');
}

function applyAck({ open: incidents }: Fold, event: LoggedEvent, { fingerprints }: DetailsOf<'ack'>): void {
  for (const incident of incidents) {
    if (incident.acknowledgedAtMs !== undefined || !fingerprints.some((fingerprint) => incident.told.places.has(fingerprint))) continue;
    incident.acknowledgedAtMs = event.atMs;
    incident.acknowledgedBy = event.actor;
  }
}

function applyMark(fold: Fold, event: LoggedEvent, { phase, incidentId, text }: DetailsOf<'incident'>): void {
  const incident = fold.byId.get(incidentId);
  if (incident === undefined) return;
  if (text !== undefined && text !== '') incident.notes.push({ atMs: event.atMs, actor: event.actor, text });
  if (incident.state === 'resolved' || phase === 'note' || phase === 'joined') return;
  incident.mitigatedAtMs ??= event.atMs;
  incident.state = 'mitigated';
  if (phase !== 'resolved') return;
  incident.resolvedAtMs = event.atMs;
  incident.state = 'resolved';
  fold.open = fold.open.filter((other) => other !== incident);
  for (const alert of incident.alerts) {
    const holders = alert.resolvedAtMs === undefined ? fold.firing.get(alert.fingerprint) : undefined;
    if (holders?.every(({ state }) => state === 'resolved') === true) fold.left.set(alert.fingerprint, { alert, rehearsalId: incident.rehearsalId });
  }
}

function serviceOf(labels: Labels): string | undefined {
  return labels['service'] ?? labels['job'];
}

function severityOf(labels: Labels): Severity | undefined {
  return severities.find((severity) => severity === labels['severity']);
}
