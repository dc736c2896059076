/** What the supervisor tells the control plane and its watchdog, by environment. */
import { z } from 'zod';
import { invalidConfig } from '../core/error.ts';
import type { Host } from '../core/host.ts';

const port = z.coerce.number().int().min(0).max(65_535);
const secret = z.string().min(32);
const url = z.url({ protocol: /^https?$/ }).max(2_000);

const controlSchema = z.object({
  PORT: port,
  /** Address it listens on. */
  SORA_LISTEN: z.string().min(1).default('127.0.0.1'),
  SORA_SERVICE: z.string().default('control'),
  SORA_LOG_DIR: z.string().optional(),
  /** Where the supervisor keeps `state.json`; without it the topology's own ports are scraped. */
  SORA_STATE_DIR: z.string().optional(),
  SORA_CONTROL_DATABASE_URL: z.string().min(1),
  SORA_VIEWER_TOKEN: secret,
  SORA_OPERATOR_TOKEN: secret,
  SORA_ADMIN_TOKEN: secret,
  /** Of an outside Alertmanager, for its webhook alone; without it that webhook wants the operator's. */
  SORA_ALERTMANAGER_TOKEN: secret.optional(),
  /** Signs acknowledge links. */
  SORA_ACK_SECRET: secret,
  /** A `sora watchdog` that hears heartbeats, signed with the secret. */
  SORA_WATCHDOG_URL: url.optional(),
  SORA_HEARTBEAT_SECRET: secret,
  /** Whether a signal to end is meant even where no supervisor's state says so: the watchdog then rests instead of telling it. */
  SORA_STOP_IS_PLANNED: z.enum(['yes', 'no']).default('no'),
  /** Id of the load run or drill that this stack was made for. */
  SORA_REHEARSAL: z.string().max(200).default(''),
  /** For drills: cuts the windows of rules to so many seconds, and each `for` to a sixth of that. */
  SORA_DRILL_WINDOW_S: z.coerce.number().min(10).max(86_400).optional(),
});

const watchdogSchema = z.object({
  PORT: port,
  SORA_LISTEN: z.string().min(1).default('127.0.0.1'),
  SORA_SERVICE: z.string().default('watchdog'),
  SORA_LOG_DIR: z.string().optional(),
  /** Where it remembers what it told; without it a watchdog that is started anew begins from nothing. */
  SORA_STATE_DIR: z.string().optional(),
  SORA_HEARTBEAT_SECRET: secret,
  /** Id of the load run or drill that the stack was made for. */
  SORA_REHEARSAL: z.string().max(200).default(''),
});

export type ControlEnvironment = z.infer<typeof controlSchema>;
export type WatchdogEnvironment = z.infer<typeof watchdogSchema>;

/** @throws SoraError `invalid_config` with all that is missing or wrong */
export function readControlEnvironment(host: Host): ControlEnvironment {
  return read(host, controlSchema, 'the control plane');
}

/** @throws SoraError `invalid_config` with all that is missing or wrong */
export function readWatchdogEnvironment(host: Host): WatchdogEnvironment {
  return read(host, watchdogSchema, 'the watchdog');
}

function read<Value>(host: Host, schema: z.ZodType<Value>, what: string): Value {
  // An empty variable is one that was not set.
  const given = Object.fromEntries(Object.entries(host.process.env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw invalidConfig(`the environment of ${what} is incomplete: ${issues.join('; ')}`, 'sora up sets it; topology.json names every variable');
}
