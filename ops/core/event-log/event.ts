/**
 * The event log is append-only, lies in the control plane's PostgreSQL and is the only history: timelines,
 * postmortems, times to detect and delivery metrics are functions of it.
 */
import { z } from 'zod';

const text = z.string().max(4_000);
const word = z.string().min(1).max(200);
const timeMs = z.number().int().min(0);
const labels = z.record(z.string().max(200), z.string().max(4_000));
const fingerprints = z.array(z.string().length(16)).max(1_000);

/** What happened, by kind. A new kind is added here and nowhere else. */
export const eventDetails = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('deploy'), service: word, version: word, commit: word, committedAtMs: timeMs, outcome: z.enum(['succeeded', 'failed', 'rolled-back']), /** A deploy made to mend the one before. */ rework: z.boolean() }),
  /** `parts` are hashes of what the control plane found at its start, to compare the next with; `isFirst` where there was nothing to compare. */
  z.strictObject({ kind: z.literal('config'), subject: word, summary: text, parts: z.record(z.string().max(500), z.string().max(64)).optional(), isFirst: z.boolean().optional() }),
  /** Alerts are rehearsals for 2 min after `started` and after each `renewed`, until `ended`; past `plannedEndMs` an alert says so. */
  z.strictObject({ kind: z.literal('load-run'), phase: z.enum(['started', 'renewed', 'ended']), runId: word, scenario: word, summary: text, plannedEndMs: timeMs.optional() }),
  /** `startedAtMs` of the fault itself is the event's `atMs`; detection is counted from it. */
  z.strictObject({ kind: z.literal('fault'), phase: z.enum(['started', 'ended']), faultId: word, fault: word, target: word, drillId: word.optional() }),
  z.strictObject({
    kind: z.literal('alert'), group: word, rule: word, fingerprint: z.string().length(16), labels, annotations: labels,
    from: z.enum(['inactive', 'pending', 'firing']), to: z.enum(['pending', 'firing', 'resolved', 'inactive']), value: z.number().or(z.enum(['NaN', '+Inf', '-Inf'])),
    /** When the expression began to hold: the first bad sample. */
    activeAtMs: timeMs,
  }),
  z.strictObject({ kind: z.literal('rule-health'), group: word, rule: word, from: word, to: word, error: text.optional() }),
  z.strictObject({ kind: z.literal('notification'), phase: z.enum(['queued', 'sent', 'failed', 'dead']), notificationId: word, groupKey: text, receiver: word, integration: word, reason: word, fingerprints, error: text.optional() }),
  z.strictObject({ kind: z.literal('ack'), groupKey: text, fingerprints, via: z.enum(['link', 'cli', 'dashboard', 'api']) }),
  z.strictObject({ kind: z.literal('silence'), phase: z.enum(['created', 'expiring', 'expired', 'ended']), silenceId: word, comment: text, matchers: z.array(text).max(50), endsAtMs: timeMs }),
  z.strictObject({ kind: z.literal('escalation'), groupKey: text, fingerprints, fromPerson: word, toPerson: word }),
  z.strictObject({ kind: z.literal('incident'), phase: z.enum(['note', 'mitigated', 'resolved', 'joined']), incidentId: word, text: text.optional() }),
  z.strictObject({ kind: z.literal('runbook-step'), runbook: word, step: word, outcome: word }),
  /** `ended`: it was taken back before its time. Without a phase it was made. */
  z.strictObject({ kind: z.literal('oncall-override'), phase: z.literal('ended').optional(), schedule: word, person: word, fromMs: timeMs, toMs: timeMs }),
  /** Somebody had test messages sent. */
  z.strictObject({ kind: z.literal('receiver-test'), receiver: word }),
  z.strictObject({ kind: z.literal('process'), process: word, state: word }),
  z.strictObject({ kind: z.literal('login'), role: word }),
]);

export type EventDetails = z.infer<typeof eventDetails>;
export type EventKind = EventDetails['kind'];

/** An event as it is appended. */
export interface NewEvent {
  readonly atMs: number;
  /** Who or what did it: a person's name, or `sora` for the control plane itself. */
  readonly actor: string;
  readonly details: EventDetails;
  /** A second event of the same key is dropped: for what may be told twice. */
  readonly key?: string | undefined;
}

/** An event as it stands in the log. */
export interface LoggedEvent extends NewEvent {
  /** Grows by at least one from event to event, in order of appending. */
  readonly sequence: number;
}

export interface EventFilter {
  readonly kinds?: readonly EventKind[] | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  readonly afterSequence?: number | undefined;
  /** Default 10,000, which is also the most. */
  readonly limit?: number | undefined;
}

/** Reads and writes history. */
export interface EventLog {
  append(events: readonly NewEvent[]): Promise<void>;
  /** In order of sequence. */
  read(filter: EventFilter): Promise<readonly LoggedEvent[]>;
}
