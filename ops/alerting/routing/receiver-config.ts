/** From Alertmanager's receivers to ours, with the global settings put in where an integration has none. */
import type { Integration, Receiver } from './integration.ts';
import { integrationLists, secretOf } from './receiver-schema.ts';
import type { DiscordConfig, EmailConfig, GlobalConfig, PagerdutyConfig, ReceiverConfig, Settings, SlackConfig, WebhookConfig } from './receiver-schema.ts';
import type { Problem } from './yaml-text.ts';

/** @returns the receiver, and what is missing in it */
export function readReceiver(config: ReceiverConfig, global: GlobalConfig, index: number): { receiver: Receiver; problems: Problem[] } {
  const problems: Problem[] = [];
  const integrations = [
    ...integrationsOf('slack_configs', config.slack_configs, (slack) => slackSettings(slack, global)),
    ...integrationsOf('discord_configs', config.discord_configs, discordSettings),
    ...integrationsOf('email_configs', config.email_configs, (email) => emailSettings(email, global)),
    ...integrationsOf('pagerduty_configs', config.pagerduty_configs, (pagerduty) => pagerdutySettings(pagerduty, global)),
    ...integrationsOf('webhook_configs', config.webhook_configs, webhookSettings),
  ];
  for (const { list, place, result } of integrations) if (typeof result === 'string') problems.push({ path: ['receivers', index, list, place], message: result });
  return {
    receiver: { name: config.name, integrations: integrations.flatMap(({ result }) => (typeof result === 'string' || isOwnWebhook(result) ? [] : [result])) },
    problems,
  };
}

/** Path of the webhook with which an outside Alertmanager hands us what it grouped. */
export const ownWebhookPath = '/api/sora/v1/alertmanager/webhook';

/** SORA would send to itself what it sends. */
function isOwnWebhook({ kind, settings }: Integration): boolean {
  const url = settings['url'];
  const secret = typeof url === 'object' && 'secret' in url && typeof url.secret === 'object' ? url.secret : {};
  return kind === 'webhook' && 'value' in secret && typeof secret.value === 'string' && URL.parse(secret.value)?.pathname === ownWebhookPath;
}

type ListName = keyof typeof integrationLists;

/** Settings, or what is wrong with them. */
function integrationsOf<Config extends { send_resolved?: boolean | undefined }>(
  list: ListName,
  configs: readonly Config[] | undefined,
  read: (config: Config) => Settings | string,
): { list: ListName; place: number; result: Integration | string }[] {
  const { kind, sendResolved } = integrationLists[list];
  return (configs ?? []).map((config, place) => {
    const settings = read(config);
    return { list, place, result: typeof settings === 'string' ? settings : { kind, index: place, sendResolved: config.send_resolved ?? sendResolved, settings } };
  });
}

/** Without what is undefined. */
function compact(settings: Record<string, Settings[string] | undefined>): Settings {
  return Object.fromEntries(Object.entries(settings).filter((entry): entry is [string, Settings[string]] => entry[1] !== undefined));
}

/** Alertmanager's 0 is no limit; ours is the longest a notifier takes. */
const timeoutOf = (timeoutMs: number | undefined): number | undefined => (timeoutMs === undefined ? undefined : timeoutMs === 0 ? 60_000 : Math.min(60_000, Math.max(100, timeoutMs)));

function slackSettings(config: SlackConfig, global: GlobalConfig): Settings | string {
  const ownUrl = secretOf(config.api_url, config.api_url_file);
  const token = secretOf(config.app_token, config.app_token_file) ?? (ownUrl === undefined ? secretOf(global.slack_app_token, global.slack_app_token_file) : undefined);
  const url = token === undefined ? (ownUrl ?? secretOf(global.slack_api_url, global.slack_api_url_file)) : undefined;
  if (url === undefined && token === undefined) return 'api_url_file or app_token_file is missing, here and in global';
  if (token !== undefined && config.channel === undefined) return 'channel is missing: a bot posts to a channel';
  const appUrl = config.app_url ?? global.slack_app_url;
  if (appUrl !== undefined && !appUrl.endsWith('/chat.postMessage')) return `app_url ${appUrl} does not end with /chat.postMessage`;
  return compact({ webhookUrl: url, botToken: token, channel: config.channel, username: config.username, apiBaseUrl: appUrl?.replace(/\/chat\.postMessage$/, ''), timeoutMs: timeoutOf(config.timeout) });
}

function discordSettings(config: DiscordConfig): Settings {
  return compact({ webhookUrl: secretOf(config.webhook_url, config.webhook_url_file), username: config.username });
}

function emailSettings(config: EmailConfig, global: GlobalConfig): Settings | string {
  const smarthost = config.smarthost ?? global.smtp_smarthost;
  const from = config.from ?? (global.smtp_from || undefined);
  if (smarthost === undefined) return 'smarthost is missing, here and as smtp_smarthost in global';
  if (from === undefined) return 'from is missing, here and as smtp_from in global';
  const port = Number(smarthost.slice(smarthost.lastIndexOf(':') + 1));
  const tls = config.tls_config ?? global.smtp_tls_config;
  const isRequired = config.require_tls ?? global.smtp_require_tls ?? true;
  const username = config.auth_username ?? global.smtp_auth_username;
  return compact({
    host: smarthost.slice(0, smarthost.lastIndexOf(':')).replace(/^\[|\]$/g, ''),
    port,
    from,
    to: config.to.split(',').map((address) => address.trim()),
    username: username === '' ? undefined : username,
    password: secretOf(config.auth_password, config.auth_password_file) ?? secretOf(global.smtp_auth_password, global.smtp_auth_password_file),
    // Port 465 is TLS from the first byte, as in Alertmanager.
    tls: port === 465 ? 'implicit' : isRequired ? 'required' : 'opportunistic',
    verifyCertificate: tls?.insecure_skip_verify === undefined ? undefined : !tls.insecure_skip_verify,
    ca: secretOf(undefined, tls?.ca_file),
  });
}

function pagerdutySettings(config: PagerdutyConfig, global: GlobalConfig): Settings | string {
  const url = config.url ?? global.pagerduty_url;
  if (url !== undefined && !url.endsWith('/v2/enqueue')) return `url ${url} does not end with /v2/enqueue: only Events API v2 is spoken`;
  return compact({ routingKey: secretOf(config.routing_key, config.routing_key_file), apiBaseUrl: url?.replace(/\/v2\/enqueue$/, ''), timeoutMs: timeoutOf(config.timeout) });
}

function webhookSettings(config: WebhookConfig): Settings | string {
  const { authorization, basic_auth: basic } = config.http_config ?? {};
  if (authorization !== undefined && basic !== undefined) return 'http_config has both authorization and basic_auth';
  if (basic !== undefined) return 'http_config.basic_auth is not taken by the notifier; use authorization with type Basic and the encoded pair in credentials_file';
  const credentials = secretOf(authorization?.credentials, authorization?.credentials_file);
  return compact({
    url: secretOf(config.url, config.url_file),
    alertsMax: config.max_alerts,
    timeoutMs: timeoutOf(config.timeout),
    headers: credentials === undefined ? undefined : { authorization: { ...credentials, prefix: `${authorization?.type ?? 'Bearer'} ` } },
  });
}
