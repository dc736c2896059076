/** Replies of the API of alerts, silences and on-call, as commands check them. */
import { z } from 'zod';

const labels = z.record(z.string(), z.string());

const alertView = z.object({
  fingerprint: z.string(),
  name: z.string(),
  severity: z.string(),
  standing: z.enum(['firing', 'acknowledged', 'silenced', 'inhibited', 'muted', 'resolved']),
  because: z.string().optional(),
  labels,
  annotations: labels,
  value: z.number().or(z.string()),
  startsAtMs: z.number(),
  endsAtMs: z.number().optional(),
  impact: z.string().optional(),
  expression: z.string(),
  receivers: z.array(z.string()),
  groups: z.array(z.string()),
});
const groupView = z.object({ id: z.string(), key: z.string(), receiver: z.string(), labels, firing: z.number(), paged: z.string().optional(), nextFlushAtMs: z.number().optional() });

export const alertsReply = z.object({ alerts: z.array(alertView) });
export const alertReply = z.object({ alerts: z.array(alertView), groups: z.array(groupView) });
export const ackReply = z.object({ groups: z.array(z.string()), fingerprints: z.array(z.string()), replaced: z.array(z.object({ by: z.string(), atMs: z.number() })).default([]) });
/** Integrations of each receiver that are on, and in words what is off or not used. */
export const receiversReply = z.object({ receivers: z.array(z.object({ name: z.string(), integrations: z.array(z.string()) })), notes: z.array(z.string()) });
export const testReply = z.object({ results: z.array(z.object({ integration: z.string(), outcome: z.enum(['sent', 'retry', 'refused']), error: z.string().optional(), durationMs: z.number() })), off: z.array(z.string()).default([]), ackUrl: z.string().optional() });
export const noiseReply = z.object({
  rules: z.array(z.object({ rule: z.string(), firings: z.number(), actedOn: z.number(), actionRatio: z.number().optional(), silenced: z.number(), medianDurationMs: z.number().optional(), sinceDrillMs: z.number().optional(), drillProblem: z.string().optional() })),
  /** Events that were too many to read; the oldest. */
  cutEvents: z.number().default(0),
});

export const silenceReply = z.object({ id: z.string(), state: z.enum(['active', 'pending', 'expired']), matchers: z.array(z.string()), author: z.string(), comment: z.string(), startsAtMs: z.number(), endsAtMs: z.number() });
export const silencesReply = z.object({ silences: z.array(silenceReply) });

export const oncallReply = z.object({
  atMs: z.number(),
  schedules: z.array(z.object({ schedule: z.string(), timeZone: z.string(), person: z.string().nullable(), name: z.string().nullable(), via: z.string(), untilMs: z.number().nullable(), next: z.string().nullable() })),
});
export const overrideReply = z.object({ id: z.string(), schedule: z.string(), person: z.string(), fromMs: z.number(), toMs: z.number() });

export const overridesReply = z.object({ overrides: z.array(overrideReply) });

export type AlertReply = z.infer<typeof alertView>;
export type SilenceReply = z.infer<typeof silenceReply>;
