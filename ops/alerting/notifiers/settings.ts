/**
 * Where notifications go and how. The receiver loader makes these of Alertmanager's receivers and of our own file;
 * destinations come from nowhere else, so that an alert reaches engineers and never a user.
 * Base addresses are settings too, so that a test or a proxy can stand in for the provider.
 */
import { z } from 'zod';
import { assertNever } from '../../core/error.ts';

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https address' }).max(2_000);
const secret = z.string().min(1).max(4_000);
const word = z.string().min(1).max(500);
const phone = z.string().regex(/^\+[1-9]\d{6,14}$/, 'must be an E.164 number such as +493012345678');

/** Of every integration. */
const common = {
  /** Alertmanager's `send_resolved`: whether the end of an alert is told; routing asks before it makes the notification. */
  sendResolved: z.boolean().default(true),
  /** Time for one attempt, from the first byte to the end of the reply. */
  timeoutMs: z.number().int().min(100).max(60_000).default(10_000),
};

const slack = z
  .strictObject({
    kind: z.literal('slack'),
    ...common,
    /** Of an incoming webhook; used where no bot token is set. */
    webhookUrl: httpUrl.optional(),
    /** With it messages go by chat.postMessage to `channel`, and the resolve is an edit of the first message. */
    botToken: secret.optional(),
    /** Channel id for the bot; edits take the id that Slack answered. */
    channel: word.optional(),
    username: word.optional(),
    /** Of Slack's Web API. */
    apiBaseUrl: httpUrl.default('https://slack.com/api'),
  })
  .refine((slack) => (slack.botToken === undefined ? slack.webhookUrl !== undefined : slack.channel !== undefined), {
    error: 'slack needs either webhookUrl, or botToken together with channel',
  });

const discord = z.strictObject({ kind: z.literal('discord'), ...common, webhookUrl: httpUrl, username: word.optional() });

const email = z.strictObject({
  kind: z.literal('email'),
  ...common,
  /** Alertmanager's `smarthost`, in two parts. */
  host: word,
  port: z.number().int().min(1).max(65_535).default(587),
  from: word,
  to: z.array(word).min(1).max(50),
  username: word.optional(),
  password: secret.optional(),
  /** `none` never asks for it, `opportunistic` takes it where it is offered, `required` fails without it, `implicit` is TLS from the first byte. */
  tls: z.enum(['none', 'opportunistic', 'required', 'implicit']).default('required'),
  /** False takes any certificate: for servers of one's own only. */
  verifyCertificate: z.boolean().default(true),
  /** PEM of the authority that signed the server's certificate, where it is none that the machine knows. */
  ca: z.string().max(100_000).optional(),
});

const sms = z.strictObject({
  kind: z.literal('sms'),
  ...common,
  accountSid: word,
  authToken: secret,
  /** An API key's sid, which then signs in with `authToken` as its secret; default `accountSid`. */
  keySid: word.optional(),
  from: phone.or(z.string().regex(/^MG[0-9a-f]{32}$/, 'must be an E.164 number or the sid of a messaging service')),
  to: z.array(phone).min(1).max(20),
  apiBaseUrl: httpUrl.default('https://api.twilio.com'),
  /** Segments one message may cost: 160 characters the first, 153 each beyond it; where GSM 7-bit does not do, 70 and 67. */
  segmentsMax: z.number().int().min(1).max(10).default(2),
});

const pagerduty = z.strictObject({
  kind: z.literal('pagerduty'),
  ...common,
  routingKey: secret,
  /** Of Events API v2, for alerts and change events. */
  apiBaseUrl: httpUrl.default('https://events.pagerduty.com'),
  /** Whether deploys are told as change events. */
  sendChanges: z.boolean().default(true),
});

const webhook = z.strictObject({
  kind: z.literal('webhook'),
  ...common,
  url: httpUrl,
  /** Signs each message after Standard Webhooks; with the prefix `whsec_` the rest is base64. Unsigned without it. */
  signingSecret: secret.optional(),
  /** Such as an `authorization` header that the receiver asks for. */
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]{1,100}$/), z.string().max(4_000)).default({}),
  /** Alertmanager's `max_alerts`; 0 is all of the notification's. */
  alertsMax: z.number().int().min(0).max(1_000).default(0),
});

/** Writes a line into the log of the control plane: what a fresh checkout has. */
const log = z.strictObject({ kind: z.literal('log'), ...common });

/** Settings of one integration, by `IntegrationKind`. */
export const integrationSettings = z.discriminatedUnion('kind', [slack, discord, email, sms, pagerduty, webhook, log]);
export type IntegrationSettings = z.infer<typeof integrationSettings>;
export type SettingsOf<Kind extends IntegrationSettings['kind']> = Extract<IntegrationSettings, { kind: Kind }>;

/**
 * Settings of an integration; undefined where the configuration has it no longer.
 * @param to `Notification.to`: where the integration writes to whoever is on call, the settings have that person's address
 */
export type FindSettings = (receiver: string, integration: { readonly kind: IntegrationSettings['kind']; readonly index: number }, to?: string) => IntegrationSettings | undefined;

/** What must never stand in an error, an event or a log line: keys, passwords and addresses that are secrets themselves. */
export function secretsOf(settings: IntegrationSettings): string[] {
  return candidates(settings).filter((text): text is string => text !== undefined && text.length > 3);
}

function candidates(settings: IntegrationSettings): (string | undefined)[] {
  switch (settings.kind) {
    case 'slack': return [...addressOf(settings.webhookUrl), settings.botToken];
    case 'discord': return addressOf(settings.webhookUrl);
    case 'email': return [settings.password];
    case 'sms': return [settings.authToken];
    case 'pagerduty': return [settings.routingKey];
    case 'log': return [];
    case 'webhook': return [settings.signingSecret, ...Object.values(settings.headers), new URL(settings.url).search, new URL(settings.url).password];
    default: return assertNever(settings);
  }
}

/** Addresses of Slack's and Discord's webhooks are secrets themselves, and so are their paths. */
function addressOf(url: string | undefined): string[] {
  return url === undefined ? [] : [url, new URL(url).pathname];
}
