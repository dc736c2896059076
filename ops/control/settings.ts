/** The control plane's settings: defaults < `sora.config.ts` < environment. */
import { stringify } from 'yaml';
import { z } from 'zod';
import { readConfig } from '../core/config.ts';
import type { SoraConfig } from '../core/config.ts';
import { parseDurationMs } from '../core/duration.ts';
import { invalidConfig } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import type { Integration } from '../alerting/routing/integration.ts';

export type AlertSettings = SoraConfig['alerts'];

/**
 * @param root folder of the checkout, where `sora.config.ts` may lie
 * @throws SoraError `invalid_config` with what is wrong
 */
export async function readAlertSettings(host: Host, root: string): Promise<AlertSettings> {
  const { alerts } = await readConfig(host, root);
  const { env } = host.process;
  const duration = (name: string, minMs: number, maxMs: number): number | undefined => {
    const text = env[name];
    if (text === undefined || text === '') return undefined;
    const valueMs = parseDurationMs(text, name);
    if (valueMs < minMs || valueMs > maxMs) throw invalidConfig(`${name} "${text}" is not between ${minMs / 1_000}s and ${maxMs / 1_000}s`);
    return valueMs;
  };
  return {
    ...alerts,
    scrapeIntervalMs: duration('SORA_SCRAPE_INTERVAL', 1_000, 3_600_000) ?? alerts.scrapeIntervalMs,
    evaluationIntervalMs: duration('SORA_EVALUATION_INTERVAL', 1_000, 3_600_000) ?? alerts.evaluationIntervalMs,
    prometheusUrl: readUrl(env, 'PROMETHEUS_URL') ?? alerts.prometheusUrl,
    alertmanagerUrl: readUrl(env, 'ALERTMANAGER_URL') ?? alerts.alertmanagerUrl,
    publicUrl: readUrl(env, 'SORA_PUBLIC_URL') ?? alerts.publicUrl,
    runbookUrl: readUrl(env, 'SORA_RUNBOOK_URL') ?? alerts.runbookUrl,
    heartbeatUrl: readUrl(env, 'SORA_HEARTBEAT_URL') ?? alerts.heartbeatUrl,
    watchdogUrls: (list(env['SORA_WATCHDOG_URLS']) ?? alerts.watchdogUrls).map((url) => checkUrl('SORA_WATCHDOG_URLS', url)),
    heartbeatMs: duration('SORA_HEARTBEAT_INTERVAL', 1_000, 300_000) ?? alerts.heartbeatMs,
    anonymousRead: env['SORA_ANONYMOUS_READ'] === 'yes' || alerts.anonymousRead,
    rules: list(env['SORA_ALERT_RULES']) ?? alerts.rules,
    routing: env['SORA_ALERT_ROUTING'] || alerts.routing,
    oncall: env['SORA_ALERT_ONCALL'] || alerts.oncall,
    watchdog: {
      ...alerts.watchdog,
      afterMs: duration('SORA_WATCHDOG_AFTER', 1_000, 3_600_000) ?? alerts.watchdog.afterMs,
      receivers: [...alerts.watchdog.receivers, ...receiversOf(env)],
    },
  };
}

/** The settings in force in the words of Prometheus' configuration, without what may be secret. */
export function describeSettings({ scrapeIntervalMs, evaluationIntervalMs, rules, externalLabels }: AlertSettings): string {
  return stringify({
    global: { scrape_interval: `${scrapeIntervalMs / 1_000}s`, evaluation_interval: `${evaluationIntervalMs / 1_000}s`, ...(Object.keys(externalLabels).length === 0 ? {} : { external_labels: externalLabels }) },
    rule_files: rules,
  });
}

/**
 * What to say at the start of links in messages that lead nowhere for those who get them: a runbook's path without an
 * address, an acknowledge link to this machine. Nothing is said while only this machine is told.
 * @param integrations those that are switched on
 */
export function warnOfAddresses({ runbookUrl, publicUrl }: Pick<AlertSettings, 'runbookUrl' | 'publicUrl'>, integrations: readonly Pick<Integration, 'kind' | 'settings'>[]): string[] {
  const outside = integrations.filter(isOutside);
  if (outside.length === 0) return [];
  const kinds = [...new Set(outside.map(({ kind }) => kind))];
  const who = `${kinds.join(', ')} ${kinds.length === 1 ? 'reaches' : 'reach'} people elsewhere`;
  return [
    ...(runbookUrl === undefined ? [`runbookUrl is not set, and ${who}: their messages name a runbook's path alone; set SORA_RUNBOOK_URL, such as https://git.example/sora/blob/main`] : []),
    ...(publicUrl === undefined || isLoopbackUrl(publicUrl) ? [`publicUrl ${publicUrl === undefined ? 'is not set' : `${publicUrl} is of this machine`}, and ${who}: their acknowledge links open only here; set SORA_PUBLIC_URL`] : []),
  ];
}

/** What an integration sends to, where that is said openly, is of this machine; all else is taken to be outside. */
function isOutside({ kind, settings }: Pick<Integration, 'kind' | 'settings'>): boolean {
  if (kind === 'log') return false;
  const { host, url } = settings;
  const address = kind === 'webhook' ? url : kind === 'email' && typeof host === 'string' ? `smtp://${host}` : undefined;
  return typeof address !== 'string' || !isLoopbackUrl(address);
}

const isLoopbackUrl = (url: string): boolean => /^(?:127(?:\.\d+){3}|localhost|\[::1\])$/.test(URL.parse(url)?.hostname ?? '');

function receiversOf(env: Readonly<Record<string, string | undefined>>): Record<string, unknown>[] {
  const webhook = readUrl(env, 'SORA_WATCHDOG_WEBHOOK_URL');
  const slack = readUrl(env, 'SORA_WATCHDOG_SLACK_URL');
  return [...(webhook === undefined ? [] : [{ kind: 'webhook', url: webhook }]), ...(slack === undefined ? [] : [{ kind: 'slack', webhookUrl: slack }])];
}

function list(text: string | undefined): string[] | undefined {
  return text === undefined || text === '' ? undefined : text.split(',').map((part) => part.trim()).filter((part) => part !== '');
}

function readUrl(env: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  const text = env[name];
  return text === undefined || text === '' ? undefined : checkUrl(name, text);
}

function checkUrl(name: string, text: string): string {
  const parsed = z.url({ protocol: /^https?$/ }).safeParse(text);
  if (!parsed.success) throw invalidConfig(`${name} "${text}" is not an http or https address`, `for example ${name}=http://127.0.0.1:9090`);
  return text.replace(/\/+$/, '');
}
