/** The forms in which incidents and deploys travel between the control plane and the command line. */
import { z } from 'zod';
import { severities } from '../alerting/alert.ts';
import { timesOf } from './incident.ts';
import type { Incident } from './incident.ts';
import type { DeliveryMetrics, Share } from './delivery.ts';
import type { Distribution } from './distribution.ts';
import { distributionOf } from './distribution.ts';

const timeMs = z.number().nullable();

export const incidentReply = z.object({
  id: z.string(),
  state: z.enum(['open', 'mitigated', 'resolved']),
  severity: z.enum(severities),
  title: z.string(),
  rehearsalId: z.string().nullable(),
  services: z.array(z.string()),
  alerts: z.array(z.object({ rule: z.string(), fingerprint: z.string(), severity: z.enum(severities), summary: z.string(), firedAtMs: z.number(), resolvedAtMs: timeMs, firings: z.number(), joinedBy: z.string() })),
  fault: z.object({ faultId: z.string(), fault: z.string(), target: z.string(), atMs: z.number() }).nullable(),
  startedAtMs: z.number(),
  detectedAtMs: z.number(),
  acknowledgedAtMs: timeMs,
  acknowledgedBy: z.string().nullable(),
  mitigatedAtMs: timeMs,
  resolvedAtMs: timeMs,
  detectMs: timeMs,
  acknowledgeMs: timeMs,
  mitigateMs: timeMs,
  resolveMs: timeMs,
});
export type IncidentReply = z.infer<typeof incidentReply>;

const distribution = z.object({ n: z.number(), median: timeMs, p90: timeMs, longest: timeMs });
const times = z.object({ detectMs: distribution, acknowledgeMs: distribution, mitigateMs: distribution, resolveMs: distribution });

export const incidentsReply = z.object({
  incidents: z.array(incidentReply),
  /** Events of the span that were too many to read; the oldest. */
  cutEvents: z.number().default(0),
  /** Over all incidents of the span, rehearsals apart. */
  times: z.object({ real: times, rehearsal: times }),
});
export type TimesReply = z.infer<typeof times>;

export const incidentDetailReply = z.object({
  incident: incidentReply,
  timeline: z.array(z.object({ atMs: z.number(), kind: z.string(), actor: z.string(), text: z.string() })),
  /** Events that were too many to read; the oldest. */
  cutEvents: z.number().default(0),
});

export const postmortemReply = z.object({ markdown: z.string() });
export const markedReply = z.object({ incident: incidentReply });

const share = z.object({ n: z.number(), of: z.number(), ratio: z.number().nullable() });
export const deployMetricsReply = z.object({
  fromMs: z.number(), toMs: z.number(), deploys: z.number(), deploysPerDay: z.number(), activeDays: share,
  leadTimeMs: distribution, changeFailure: share, recoveryMs: distribution, unrecovered: z.number(), rework: share,
});
export const deployRecordedReply = z.object({ recorded: z.boolean() });

/** What `POST /deploys` takes; times are ISO 8601 or Unix seconds or milliseconds. */
export const deployBody = z.strictObject({
  service: z.string().min(1).max(200),
  version: z.string().min(1).max(200),
  commit: z.string().min(1).max(200),
  committedAt: z.union([z.string().max(40), z.number()]),
  /** Default: now. */
  at: z.union([z.string().max(40), z.number()]).optional(),
  outcome: z.enum(['succeeded', 'failed', 'rolled-back']).default('succeeded'),
  rework: z.boolean().default(false),
  /** Of the delivery pipeline's run: a second record with the same id changes nothing, so a sender may repeat itself. */
  id: z.string().min(1).max(200).optional(),
});
export type DeployBody = z.input<typeof deployBody>;

/** The metrics with null where there is no figure: JSON has no undefined. */
export function toMetricsReply({ leadTimeMs, recoveryMs, activeDays, changeFailure, rework, ...rest }: DeliveryMetrics): z.infer<typeof deployMetricsReply> {
  const toShare = ({ n, of, ratio }: Share): z.infer<typeof share> => ({ n, of, ratio: ratio ?? null });
  return { ...rest, activeDays: toShare(activeDays), changeFailure: toShare(changeFailure), rework: toShare(rework), leadTimeMs: toDistributionReply(leadTimeMs), recoveryMs: toDistributionReply(recoveryMs) };
}


export function toReply(incident: Incident): IncidentReply {
  const { detectMs, acknowledgeMs, mitigateMs, resolveMs } = timesOf(incident);
  const joined = new Map(incident.joins.toReversed().map(({ fingerprint, reason }) => [fingerprint, reason]));
  return {
    id: incident.id, state: incident.state, severity: incident.severity, title: incident.title, rehearsalId: incident.rehearsalId ?? null, services: [...incident.services],
    alerts: incident.alerts.map(({ rule, fingerprint, severity, summary, firedAtMs, resolvedAtMs, firings }) => ({ rule, fingerprint, severity, summary, firedAtMs, resolvedAtMs: resolvedAtMs ?? null, firings, joinedBy: joined.get(fingerprint) ?? 'opened' })),
    fault: incident.fault ?? null, startedAtMs: incident.startedAtMs, detectedAtMs: incident.detectedAtMs,
    acknowledgedAtMs: incident.acknowledgedAtMs ?? null, acknowledgedBy: incident.acknowledgedBy ?? null, mitigatedAtMs: incident.mitigatedAtMs ?? null, resolvedAtMs: incident.resolvedAtMs ?? null,
    detectMs: detectMs ?? null, acknowledgeMs: acknowledgeMs ?? null, mitigateMs: mitigateMs ?? null, resolveMs: resolveMs ?? null,
  };
}

export function toDistributionReply({ n, median, p90, longest }: Distribution): z.infer<typeof distribution> {
  return { n, median: median ?? null, p90: p90 ?? null, longest: longest ?? null };
}

/** The distributions of the times of some incidents, each with its number. */
export function toTimesReply(incidents: readonly Incident[]): TimesReply {
  const all = incidents.map(timesOf);
  const of = (pick: (times: ReturnType<typeof timesOf>) => number | undefined): z.infer<typeof distribution> => toDistributionReply(distributionOf(all.map(pick)));
  return { detectMs: of(({ detectMs }) => detectMs), acknowledgeMs: of(({ acknowledgeMs }) => acknowledgeMs), mitigateMs: of(({ mitigateMs }) => mitigateMs), resolveMs: of(({ resolveMs }) => resolveMs) };
}
