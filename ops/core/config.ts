import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { invalidConfig, messageOf } from './error.ts';
import type { Host } from './host.ts';
import { readStagingEntry, stagingText } from './staging.ts';

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https address' }).max(2_000);
const intervalMs = z.int().min(1_000).max(3_600_000);
/** What is scraped at most, the processes of the stack among it. */
export const scrapeTargetsMax = 1_000;
/** One host, address or range as `readStagingEntry` reads it. */
const stagingEntry = z.string().transform((text, context) => {
  try {
    return stagingText(readStagingEntry(text));
  } catch (error) {
    context.addIssue(messageOf(error));
    return z.NEVER;
  }
});
const price = z.number().min(0).max(1e6);

/** What `sora.config.ts` may hold, one part a subsystem. Defaults < this file < environment < flags. */
const configSchema = z.strictObject({
  load: z
    .strictObject({
      /** Hosts, addresses or CIDR ranges (at most /8 of IPv4, /16 of IPv6) besides this machine that may be put under load. */
      staging: z.array(stagingEntry).max(100).default([]),
    })
    .prefault({}),
  /** What the control plane scrapes, evaluates and tells; see ops/control/README.md. */
  alerts: z
    .strictObject({
      /** Time between two scrapes of a target. Env SORA_SCRAPE_INTERVAL. */
      scrapeIntervalMs: intervalMs.default(5_000),
      /** Of rule groups that state none. Env SORA_EVALUATION_INTERVAL. */
      evaluationIntervalMs: intervalMs.default(15_000),
      /** What is scraped besides the processes of the stack. */
      targets: z.array(z.strictObject({
        job: z.string().regex(/^[a-zA-Z0-9_-]{1,100}$/),
        url: httpUrl,
        labels: z.record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/), z.string().max(200)).default({}),
        /** Sent as `Authorization: Bearer`. */
        bearerToken: z.string().min(1).max(4_000).optional(),
      })).max(scrapeTargetsMax).default([]),
      /** Files of rules, from the checkout's folder; names may have `*` and `?`. Env SORA_ALERT_RULES, with commas. */
      rules: z.array(z.string().min(1)).max(100).default(['alerts/rules/*.yaml']),
      /** Alertmanager's configuration, from the checkout's folder, with `receivers.yaml` beside it. Env SORA_ALERT_ROUTING. */
      routing: z.string().min(1).default('alerts/routing.yaml'),
      /** Rotations and escalation, from the checkout's folder. Env SORA_ALERT_ONCALL. */
      oncall: z.string().min(1).default('alerts/oncall.yaml'),
      /** Put on what leaves for a Prometheus or Alertmanager elsewhere, and known to templates. */
      externalLabels: z.record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/), z.string().max(200)).default({}),
      /** Samples are read from this Prometheus and nothing is scraped. Env PROMETHEUS_URL; PROMETHEUS_TOKEN is sent as bearer token. */
      prometheusUrl: httpUrl.optional(),
      /** Groups and silences instead of SORA's own routing. Env ALERTMANAGER_URL. */
      alertmanagerUrl: httpUrl.optional(),
      /** As people reach the control plane, for acknowledge links. Default: its own address. Env SORA_PUBLIC_URL. */
      publicUrl: httpUrl.optional(),
      /** Stands before a runbook's path in messages, such as `https://git.example/sora/blob/main`. Default: the path alone. Env SORA_RUNBOOK_URL. */
      runbookUrl: httpUrl.optional(),
      /** Whether the Prometheus API answers without a token, where the control plane listens on loopback. Env SORA_ANONYMOUS_READ=yes. */
      anonymousRead: z.boolean().default(false),
      /** Gets a POST every `heartbeatMs` while the control plane works. Env SORA_HEARTBEAT_URL. */
      heartbeatUrl: httpUrl.optional(),
      /** More watchdogs (`sora watchdog`) than the stack's own, best on other machines. Env SORA_WATCHDOG_URLS, with commas. */
      watchdogUrls: z.array(httpUrl).max(10).default([]),
      /** Env SORA_HEARTBEAT_INTERVAL. */
      heartbeatMs: z.int().min(1_000).max(300_000).default(10_000),
      watchdog: z.strictObject({
        /** Silence of the control plane after which its watchdog notifies. Env SORA_WATCHDOG_AFTER. */
        afterMs: z.int().min(1_000).max(3_600_000).default(60_000),
        /** Time between reminders while the silence lasts. */
        repeatMs: z.int().min(60_000).max(86_400_000).default(3_600_000),
        /** Settings of notifiers (ops/alerting/notifiers/settings.ts). Without any, those that the routing file has for a critical alert. Env SORA_WATCHDOG_WEBHOOK_URL and SORA_WATCHDOG_SLACK_URL add one each. */
        receivers: z.array(z.record(z.string(), z.unknown())).max(20).default([]),
      }).prefault({}),
    })
    .prefault({}),
  /** What resources cost, for pricing runs; without it no money is shown. */
  prices: z
    .strictObject({
      /** One second of one core. */
      cpuSecond: price,
      /** 10^9 bytes of memory for one second. */
      gbSecond: price,
      /** 10^9 bytes sent by the system to its users. */
      egressGb: price,
      /** Such as EUR (ISO 4217). */
      currency: z.string().regex(/^[A-Z]{3}$/, 'must be three capital letters, such as EUR'),
      /** The day the prices were read, such as 2026-01-31. */
      asOf: z.iso.date(),
    })
    .optional(),
});

/** A dated price list. */
export type Prices = NonNullable<z.infer<typeof configSchema>['prices']>;
export type SoraConfig = z.infer<typeof configSchema>;
/** What a `sora.config.ts` exports by default. */
export type SoraConfigFile = z.input<typeof configSchema>;

/** Checks a configuration; gives the type its members. */
export function defineConfig(config: SoraConfigFile): SoraConfigFile {
  return config;
}

/**
 * Reads `sora.config.ts` of a folder; without one, the defaults.
 * @throws SoraError `invalid_config` (104) with all that is wrong in it
 */
export async function readConfig(host: Host, folder: string): Promise<SoraConfig> {
  const file = resolve(folder, 'sora.config.ts');
  if (!host.files.exists(file)) return configSchema.parse({});
  const found = await importDefault(file);
  const result = configSchema.safeParse(found);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`);
  throw invalidConfig(`${file}: ${issues.join('; ')}`, 'ops/core/config.ts lists what it may hold');
}

async function importDefault(file: string): Promise<unknown> {
  try {
    return ((await import(pathToFileURL(file).href)) as { default?: unknown }).default;
  } catch (error) {
    throw invalidConfig(`${file} does not load: ${messageOf(error)}`, 'it must export an object by default', error);
  }
}
