/** The last drill of each rule: `alerts/drills.json`. A drill of some rules renews theirs and leaves the others. */
import { join } from 'node:path';
import { z } from 'zod';
import type { Host } from '../../../ops/core/host.ts';
import type { Replay } from './replay.ts';
import type { AlertOutcome } from './run-fault.ts';

const timeMs = z.number().min(0).optional();
const outcomeSchema = z.strictObject({
  alert: z.string(), fault: z.string(), what: z.string(), severity: z.string(), measured: z.string(), conditionAfterMs: z.number(),
  toFiringMs: timeMs, firingToMessageMs: timeMs, toMessageMs: timeMs, toResolvedMs: timeMs, runbook: z.strictObject({ path: z.string(), followed: z.string(), problem: z.string().optional() }).optional(), problem: z.string().optional(),
});
const entrySchema = outcomeSchema.extend({ atMs: z.int(), commit: z.string() });
const recordSchema = z.strictObject({
  schema: z.literal('sora.alert-drills/v1'),
  machine: z.string(),
  alerts: z.array(entrySchema),
  /** The same fault over and over. */
  repeated: z.array(entrySchema),
  /** The load run of the last whole drill, played again in another process. */
  replay: z.strictObject({ ok: z.boolean(), text: z.string(), atMs: z.int(), commit: z.string() }).optional(),
});

export type DrillEntry = z.infer<typeof entrySchema>;
export type DrillRecord = z.infer<typeof recordSchema>;

/** Where it lies, from the checkout. */
export const recordPath = 'alerts/drills.json';

export function readRecord(host: Host, root: string): DrillRecord {
  const path = join(root, recordPath);
  if (!host.files.exists(path)) return { schema: 'sora.alert-drills/v1', machine: '', alerts: [], repeated: [] };
  return recordSchema.parse(JSON.parse(host.files.readText(path)));
}

export interface DrillRun {
  readonly outcomes: readonly AlertOutcome[];
  readonly repeated: readonly AlertOutcome[];
  readonly replay: Replay | undefined;
  readonly atMs: number;
  readonly commit: string;
  readonly machine: string;
}

/** Puts a run's outcomes in the place of those before; entries of rules that are gone go. */
export function renewRecord(before: DrillRecord, run: DrillRun, rules: readonly string[]): DrillRecord {
  const stamp = (outcome: AlertOutcome): DrillEntry => ({ ...outcome, atMs: run.atMs, commit: run.commit });
  const renewed = new Map(before.alerts.map((entry) => [entry.alert, entry]));
  for (const outcome of run.outcomes) renewed.set(outcome.alert, stamp(outcome));
  return {
    schema: 'sora.alert-drills/v1',
    machine: run.machine,
    alerts: rules.flatMap((rule) => renewed.get(rule) ?? []),
    repeated: run.repeated.length === 0 ? before.repeated : run.repeated.map(stamp),
    ...(run.replay === undefined ? (before.replay === undefined ? {} : { replay: before.replay }) : { replay: { ...run.replay, atMs: run.atMs, commit: run.commit } }),
  };
}
