/**
 * Where notifications go, as the notifiers are given it: the integrations of `alerts/routing.yaml` (Alertmanager's
 * format) and those of `alerts/receivers.yaml` (ours, for what Alertmanager has no words for), in one form.
 */
import { invalidConfig, messageOf } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import type { IntegrationKind } from '../notification.ts';

/** Where a secret is; its value is read when it is used and kept nowhere. */
export type Secret =
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'env'; readonly name: string }
  /** Written out in `routing.yaml`, as Alertmanager allows; said at start. */
  | { readonly from: 'text'; readonly value: string };

/** How a request proves who it comes from (Alertmanager's `http_config`). */
export type HttpAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly username: string; readonly password: Secret }
  | { readonly kind: 'header'; /** Such as `Bearer`. */ readonly type: string; readonly credentials: Secret };

interface Common {
  /** Which of its kind in the receiver, as it stands in the files, those included that are switched off. */
  readonly index: number;
  readonly sendResolved: boolean;
  /** For one attempt. Default 10 s. */
  readonly timeoutMs: number;
}

export interface SlackSettings extends Common {
  readonly kind: 'slack';
  /** Either this, or a bot's token with which messages are edited. */
  readonly webhookUrl?: Secret | undefined;
  readonly botToken?: Secret | undefined;
  /** Where the bot posts; `chat.update` stands beside it. */
  readonly apiUrl: string;
  readonly channel?: string | undefined;
  readonly username?: string | undefined;
}

export interface DiscordSettings extends Common {
  readonly kind: 'discord';
  readonly webhookUrl: Secret;
  readonly username?: string | undefined;
}

export interface EmailSettings extends Common {
  readonly kind: 'email';
  /** Addresses; empty where the person on call is written to (`Notification.to`). */
  readonly to: readonly string[];
  readonly from: string;
  readonly hello: string;
  readonly host: string;
  readonly port: number;
  readonly username?: string | undefined;
  readonly password?: Secret | undefined;
  readonly requireTls: boolean;
}

/** Twilio's REST form, or anything that speaks it. */
export interface SmsSettings extends Common {
  readonly kind: 'sms';
  readonly accountSid: Secret;
  readonly authToken: Secret;
  readonly from: string;
  /** Telephone numbers (E.164); empty where the person on call is written to (`Notification.to`). */
  readonly to: readonly string[];
  readonly baseUrl: string;
}

export interface PagerdutySettings extends Common {
  readonly kind: 'pagerduty';
  readonly routingKey: Secret;
  readonly url: string;
  /** Where change events go. */
  readonly changeUrl: string;
}

export interface WebhookSettings extends Common {
  readonly kind: 'webhook';
  readonly url: Secret;
  /** Alerts in one message; 0 means no limit. */
  readonly alertsMax: number;
  /** Signs the body (HMAC-SHA256); unsigned without. */
  readonly signingKey?: Secret | undefined;
  readonly auth: HttpAuth;
}

/** Writes one line into the log of the control plane: what a fresh checkout has. */
export interface LogSettings extends Common {
  readonly kind: 'log';
}

export type IntegrationSettings = SlackSettings | DiscordSettings | EmailSettings | SmsSettings | PagerdutySettings | WebhookSettings | LogSettings;

/** A receiver with the integrations that are switched on. */
export interface Receiver {
  readonly name: string;
  readonly integrations: readonly IntegrationSettings[];
  /** The schedule of `alerts/oncall.yaml` whose people it pages and escalates to. */
  readonly schedule?: string | undefined;
}

/** Finds an integration's settings, as a queued notification names it; undefined when it has gone from the files or is switched off. */
export function findIntegration(receivers: readonly Receiver[], receiver: string, integration: { readonly kind: IntegrationKind; readonly index: number }): IntegrationSettings | undefined {
  return receivers.find(({ name }) => name === receiver)?.integrations.find(({ kind, index }) => kind === integration.kind && index === integration.index);
}

/**
 * The value of a secret, without white space at its ends.
 * @throws SoraError `invalid_config` naming the file or variable, never the value
 */
export function readSecret(host: Host, secret: Secret): string {
  const value = textOf(host, secret).trim();
  if (value !== '') return value;
  throw invalidConfig(`${nameOf(secret)} is empty`, 'put the secret there; one line, nothing else');
}

function textOf(host: Host, secret: Secret): string {
  switch (secret.from) {
    case 'text':
      return secret.value;
    case 'env':
      return host.process.env[secret.name] ?? '';
    case 'file':
      try {
        return host.files.readText(secret.path);
      } catch (error) {
        throw invalidConfig(`the secret file ${secret.path} cannot be read: ${messageOf(error)}`, 'make it, readable for this user alone (chmod 600)', error);
      }
  }
}

function nameOf(secret: Secret): string {
  if (secret.from === 'text') return 'a secret written in routing.yaml';
  return secret.from === 'env' ? `the environment variable ${secret.name}` : `the secret file ${secret.path}`;
}
