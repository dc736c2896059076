import { join } from 'node:path';
import { z } from 'zod';
import { invalidConfig, messageOf } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { isRunning } from './process-table.ts';

const processSchema = z.object({
  name: z.string(),
  /** Its name in the topology, which replicas share. */
  service: z.string().default(''),
  kind: z.string(),
  pid: z.int().nullable(),
  port: z.int().nullable(),
  state: z.enum(['waiting', 'starting', 'ready', 'unready', 'backoff', 'stopping', 'stopped', 'failed']),
  restarts: z.int(),
  url: z.string().nullable(),
  startedAt: z.string().nullable(),
  /** When it last became ready in this life; null until then. */
  readyAt: z.string().nullable().default(null),
  /** Unasked ends within the last minute; at five it is given up. */
  crashes: z.int().default(0),
  /** Where Prometheus reads its metrics; null where it has none. */
  metricsUrl: z.string().nullable().default(null),
  memoryLimitBytes: z.number().nullable().default(null),
});

const stackStateSchema = z.object({
  schema: z.literal('sora.stack/v1'),
  instance: z.string(),
  supervisorPid: z.int(),
  startedAt: z.string(),
  /** `starting` until all is ready once, then `up`; `failed` once a process is given up; `holding` and `held` while all but the database stop. */
  phase: z.enum(['starting', 'up', 'holding', 'held', 'stopping', 'stopped', 'failed']),
  /** Name of the database in use, without credentials. */
  database: z.string(),
  processes: z.array(processSchema),
  /** Work that ends, such as the migrations; same shape. */
  tasks: z.array(processSchema),
  /** `gateway`, `api`, `mock-ai`, …: the URL of the first process of each name. */
  urls: z.record(z.string(), z.string()),
});

export type StackState = z.infer<typeof stackStateSchema>;
export type StackProcess = z.infer<typeof processSchema>;

export const supervisorEntry = 'ops/supervisor/main.ts';

export function statePath(stateDir: string): string {
  return join(stateDir, 'state.json');
}

export function writeStackState(host: Host, stateDir: string, state: StackState): void {
  host.files.writeText(statePath(stateDir), `${JSON.stringify(state, null, 2)}\n`, 0o644);
}

/** The state last written in this folder; undefined when there is none. */
export function readStackState(host: Host, stateDir: string): StackState | undefined {
  const path = statePath(stateDir);
  if (!host.files.exists(path)) return undefined;
  try {
    return stackStateSchema.parse(JSON.parse(host.files.readText(path)));
  } catch (error) {
    throw invalidConfig(`${path} is not a stack state: ${messageOf(error)}`, `remove ${path}`, error);
  }
}

/** The state of a stack whose supervisor lives; undefined otherwise. */
export function readLiveStack(host: Host, stateDir: string): StackState | undefined {
  const state = readStackState(host, stateDir);
  return state !== undefined && isRunning(host, state.supervisorPid, supervisorEntry) ? state : undefined;
}
