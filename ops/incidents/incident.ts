/** What an incident is: a pure function of the event log, never a row that somebody edits. */
import type { Labels } from '../metricstore/series.ts';
import type { Severity } from '../alerting/alert.ts';

/** `open`, then `mitigated` while it is watched for a return, then `resolved`. */
export type IncidentState = 'open' | 'mitigated' | 'resolved';

/** One alert of an incident. */
export interface IncidentAlert {
  readonly fingerprint: string;
  readonly rule: string;
  readonly labels: Labels;
  readonly summary: string;
  readonly severity: Severity;
  /** First bad sample of its first firing. */
  readonly activeAtMs: number;
  readonly firedAtMs: number;
  /** undefined while it fires. */
  readonly resolvedAtMs: number | undefined;
  /** How often it fired in this incident. */
  readonly firings: number;
  /** Value at its last firing. */
  readonly value: number;
}

/** Why an alert belongs to an incident; see `joinRule`. */
export type JoinReason = 'opened' | 'again' | 'service' | 'fault' | 'time' | 'still-firing';

export interface IncidentFault {
  readonly faultId: string;
  readonly fault: string;
  readonly target: string;
  readonly atMs: number;
}

export interface Incident {
  /** `inc-` and the sequence of the event that opened it: the same whenever it is computed. */
  readonly id: string;
  readonly state: IncidentState;
  readonly severity: Severity;
  /** Summary of the gravest alert so far; of equally grave ones a cause (`isSymptom`) before its symptoms, then the first. */
  readonly title: string;
  /** Load run or drill whose alerts it holds; rehearsals never mix with what really happened. */
  readonly rehearsalId: string | undefined;
  readonly services: readonly string[];
  readonly alerts: readonly IncidentAlert[];
  readonly joins: readonly { readonly fingerprint: string; readonly atMs: number; readonly reason: JoinReason }[];
  /** The fault that was under way when it began; one of a drill only for its own alerts, one without an end for 24 h. */
  readonly fault: IncidentFault | undefined;
  /** The fault's start if there is one, else the first bad sample. */
  readonly startedAtMs: number;
  /** The first alert fired. */
  readonly detectedAtMs: number;
  readonly acknowledgedAtMs: number | undefined;
  readonly acknowledgedBy: string | undefined;
  /** All symptom alerts were resolved, or an operator said so, whichever came first. */
  readonly mitigatedAtMs: number | undefined;
  /** All alerts stayed resolved (the time of the last one's end), or an operator said so. */
  readonly resolvedAtMs: number | undefined;
  readonly notes: readonly { readonly atMs: number; readonly actor: string; readonly text: string }[];
}

/**
 * When a firing critical or high alert joins an open incident instead of opening one: it is of the same rehearsal
 * (or of none, like the incident), and, in this order,
 * 1. it is one of the incident's alerts that fires again;
 * 2. it shares the label `service` (where it has none, `job`) with one of the incident's alerts;
 * 3. the same fault was under way, or had ended less than `windowMs` before, when each of them began;
 * 4. it began within `windowMs` of the incident's first or latest firing: one cause shows in several places within minutes.
 * Of several incidents it joins the one that meets the earlier rule, then the one opened last.
 * An alert that fires on after an operator has resolved its incident is taken by the next incident of the same rehearsal
 * (or of none) that an alert opens or joins, as `still-firing`.
 */
export const joinRule = { windowMs: 5 * 60_000 } as const;

/** An incident whose alerts are all resolved is closed after this long without a return; its end is that of its last alert. */
export const quietMs = 10 * 60_000;

/**
 * An alert with the label `kind="cause"` (a full disk, a process that restarts) is no symptom: users may be well again
 * while it still fires, so it does not keep an incident from being mitigated, unless the incident has no symptoms.
 */
export const isSymptom = (labels: Labels): boolean => labels['kind'] !== 'cause';

/** Milliseconds between the incident's marks; undefined where a mark is not yet there. */
export interface IncidentTimes {
  /** Start to detection; undefined where no fault is known and the alert fired on the first bad sample: nothing was measured. */
  readonly detectMs: number | undefined;
  /** Detection to the first acknowledgement. */
  readonly acknowledgeMs: number | undefined;
  /** Start to mitigation. */
  readonly mitigateMs: number | undefined;
  /** Start to resolution. */
  readonly resolveMs: number | undefined;
}

export function timesOf(incident: Incident): IncidentTimes {
  const since = (fromMs: number, toMs: number | undefined): number | undefined => (toMs === undefined ? undefined : Math.max(0, toMs - fromMs));
  return {
    detectMs: incident.fault === undefined && incident.detectedAtMs <= incident.startedAtMs ? undefined : Math.max(0, incident.detectedAtMs - incident.startedAtMs),
    acknowledgeMs: since(incident.detectedAtMs, incident.acknowledgedAtMs),
    mitigateMs: since(incident.startedAtMs, incident.mitigatedAtMs),
    resolveMs: since(incident.startedAtMs, incident.resolvedAtMs),
  };
}
