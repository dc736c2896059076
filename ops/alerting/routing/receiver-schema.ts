/** Receivers in Alertmanager's format, and what of them our notifiers take. */
import { z } from 'zod';
import type { IntegrationKind } from '../notification.ts';
import { flag, goDuration, httpUrl, list, text, whole, word } from './fields.ts';
import type { Secret, Setting } from './integration.ts';
import type { YamlValue } from './yaml-text.ts';

/** An integration as it stands in the file, before the global settings are put in. */
export type ReceiverConfig = z.infer<typeof receiverSchema>;
export type GlobalConfig = z.infer<typeof globalSchema>;

/** Fields of Alertmanager's that shape its messages; ours have a form of their own. */
const ignoredFields: Readonly<Record<string, readonly string[]>> = {
  slack_configs: ['color', 'title', 'title_link', 'pretext', 'text', 'fields', 'short_fields', 'footer', 'fallback', 'callback_id', 'icon_emoji', 'icon_url', 'image_url', 'thumb_url', 'link_names', 'mrkdwn_in', 'actions'],
  discord_configs: ['content', 'title', 'message', 'avatar_url'],
  email_configs: ['headers', 'html', 'text', 'threading', 'auth_identity'],
  pagerduty_configs: ['client', 'client_url', 'description', 'details', 'images', 'links', 'source', 'severity', 'class', 'component', 'group'],
  webhook_configs: [],
};

const ignored = (name: string): Record<string, z.ZodType<YamlValue | undefined>> =>
  Object.fromEntries((ignoredFields[name] ?? []).map((field) => [field, z.custom<YamlValue>().optional()]));

/** Names of the fields in a receiver's integration that are read and not used. */
export function ignoredOf(name: string, config: object): string[] {
  return Object.keys(config).filter((field) => ignoredFields[name]?.includes(field) ?? false);
}

const onlyOne = (...names: readonly string[]) => ({
  check: (config: object): boolean => names.filter((name) => (config as Record<string, unknown>)[name] !== undefined).length <= 1,
  error: { error: `at most one of ${names.join(' and ')} may stand there` },
});

const tlsConfig = z.strictObject({ ca_file: word.optional(), insecure_skip_verify: flag.optional() });
const plainHttp = { follow_redirects: flag.optional(), enable_http2: flag.optional() };
/** Of notifiers whose requests prove themselves by a token in their address or body. */
const bareHttp = z.strictObject(plainHttp);
const webhookHttp = z.strictObject({
  ...plainHttp,
  authorization: z.strictObject({ type: word.optional(), credentials: text.optional(), credentials_file: word.optional() }).optional(),
  basic_auth: z.strictObject({ username: text.optional(), password: text.optional(), password_file: word.optional() }).optional(),
});

/** An address that is a secret itself, so that what is wrong with it is said without it. */
const secretUrl = z.string().refine((value) => /^https?:\/\/[^/]/.test(value), { error: 'is not an http or https address' });
const hostPort = z.string().regex(/^(\[[^\]]+\]|[^:\s]+):\d+$/, 'is not host:port');

const common = { send_resolved: flag.optional() };
const slackPair = onlyOne('api_url', 'api_url_file');
const slackWays = onlyOne('api_url', 'api_url_file', 'app_token', 'app_token_file');
const slack = z
  .strictObject({ ...common, ...ignored('slack_configs'), http_config: bareHttp.optional(), api_url: secretUrl.optional(), api_url_file: word.optional(), app_token: text.optional(), app_token_file: word.optional(), app_url: httpUrl.optional(), channel: word.optional(), username: word.optional(), timeout: goDuration.optional() })
  .refine(slackPair.check, slackPair.error)
  .refine(slackWays.check, slackWays.error);
const discordPair = onlyOne('webhook_url', 'webhook_url_file');
const discord = z
  .strictObject({ ...common, ...ignored('discord_configs'), http_config: bareHttp.optional(), webhook_url: secretUrl.optional(), webhook_url_file: word.optional(), username: word.optional() })
  .refine(discordPair.check, discordPair.error)
  .refine((config) => config.webhook_url !== undefined || config.webhook_url_file !== undefined, { error: 'webhook_url or webhook_url_file is missing' });
const emailPair = onlyOne('auth_password', 'auth_password_file');
const email = z
  .strictObject({ ...common, ...ignored('email_configs'), to: word, from: word.optional(), hello: word.optional(), smarthost: hostPort.optional(), auth_username: text.optional(), auth_password: text.optional(), auth_password_file: word.optional(), require_tls: flag.optional(), tls_config: tlsConfig.optional() })
  .refine(emailPair.check, emailPair.error);
const pagerdutyPair = onlyOne('routing_key', 'routing_key_file');
const pagerduty = z
  .strictObject({ ...common, ...ignored('pagerduty_configs'), http_config: bareHttp.optional(), routing_key: text.optional(), routing_key_file: word.optional(), url: httpUrl.optional(), timeout: goDuration.optional() })
  .refine(pagerdutyPair.check, pagerdutyPair.error)
  .refine((config) => config.routing_key !== undefined || config.routing_key_file !== undefined, { error: 'routing_key or routing_key_file is missing; keys of Events API v1 (service_key) are not taken' });
const webhookPair = onlyOne('url', 'url_file');
const webhook = z
  .strictObject({ ...common, http_config: webhookHttp.optional(), url: secretUrl.optional(), url_file: word.optional(), max_alerts: whole(0, 1_000).optional(), timeout: goDuration.optional() })
  .refine(webhookPair.check, webhookPair.error)
  .refine((config) => config.url !== undefined || config.url_file !== undefined, { error: 'url or url_file is missing' });

/** Alertmanager's integrations for which there is no notifier. */
const foreign = ['incidentio', 'opsgenie', 'wechat', 'pushover', 'victorops', 'sns', 'telegram', 'webex', 'msteams', 'msteamsv2', 'jira', 'rocketchat', 'mattermost'].map((name) => `${name}_configs`);
const refused = z.custom<undefined>((value) => value === undefined, { error: 'is known to Alertmanager, but SORA has no notifier for it; use webhook_configs, or let Alertmanager deliver it (ALERTMANAGER_URL)' }).optional();

export const receiverSchema = z.strictObject({
  name: word,
  slack_configs: list(slack, 20).optional(),
  discord_configs: list(discord, 20).optional(),
  email_configs: list(email, 20).optional(),
  pagerduty_configs: list(pagerduty, 20).optional(),
  webhook_configs: list(webhook, 20).optional(),
  ...Object.fromEntries(foreign.map((name) => [name, refused])),
});

/** What is global to Alertmanager's other notifiers is read and not used. */
const foreignGlobals = ['jira_api_url', 'opsgenie_api_url', 'opsgenie_api_key', 'opsgenie_api_key_file', 'wechat_api_url', 'wechat_api_secret', 'wechat_api_corp_id', 'victorops_api_url', 'victorops_api_key', 'victorops_api_key_file', 'telegram_api_url', 'webex_api_url', 'rocketchat_api_url', 'rocketchat_token', 'rocketchat_token_file', 'rocketchat_token_id', 'rocketchat_token_id_file', 'smtp_auth_secret', 'smtp_auth_identity'];

const globalSlack = onlyOne('slack_api_url', 'slack_api_url_file', 'slack_app_token', 'slack_app_token_file');
const globalSmtp = onlyOne('smtp_auth_password', 'smtp_auth_password_file');

export const globalSchema = z
  .strictObject({
    resolve_timeout: z.string().optional(),
    http_config: bareHttp.optional(),
    smtp_from: text.optional(), smtp_hello: text.optional(), smtp_smarthost: hostPort.optional(), smtp_auth_username: text.optional(), smtp_auth_password: text.optional(), smtp_auth_password_file: word.optional(), smtp_require_tls: flag.optional(), smtp_tls_config: tlsConfig.optional(),
    slack_api_url: secretUrl.optional(), slack_api_url_file: word.optional(), slack_app_token: text.optional(), slack_app_token_file: word.optional(), slack_app_url: httpUrl.optional(),
    pagerduty_url: httpUrl.optional(),
    ...Object.fromEntries(foreignGlobals.map((name) => [name, z.custom<YamlValue>().optional()])),
  })
  .refine(globalSlack.check, globalSlack.error)
  .refine(globalSmtp.check, globalSmtp.error);

export type SlackConfig = z.infer<typeof slack>;
export type DiscordConfig = z.infer<typeof discord>;
export type EmailConfig = z.infer<typeof email>;
export type PagerdutyConfig = z.infer<typeof pagerduty>;
export type WebhookConfig = z.infer<typeof webhook>;

/** Alertmanager's lists of integrations, our kind of each, and whether they tell the end of an alert unless told. */
export const integrationLists = {
  slack_configs: { kind: 'slack', sendResolved: false },
  discord_configs: { kind: 'discord', sendResolved: true },
  email_configs: { kind: 'email', sendResolved: false },
  pagerduty_configs: { kind: 'pagerduty', sendResolved: true },
  webhook_configs: { kind: 'webhook', sendResolved: true },
} as const satisfies Readonly<Record<string, { kind: IntegrationKind; sendResolved: boolean }>>;

/** A secret as text or in a file; undefined where it is neither. */
export function secretOf(value: string | undefined, path: string | undefined): { readonly secret: Secret } | undefined {
  if (path !== undefined) return { secret: { from: 'file', path } };
  return value === undefined || value === '' ? undefined : { secret: { from: 'text', value } };
}

export type Settings = Record<string, Setting>;
