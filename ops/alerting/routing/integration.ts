/** An integration of a receiver as configuration has it, and how it becomes what a notifier takes. */
import { assertNever, invalidConfig, messageOf } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import type { IntegrationKind } from '../notification.ts';
import { integrationSettings } from '../notifiers/settings.ts';
import type { IntegrationSettings } from '../notifiers/settings.ts';

/** Where a secret is; its value is read when it is used and kept nowhere. */
export type Secret =
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'env'; readonly name: string }
  /** Written out in `routing.yaml`, as Alertmanager allows; said at start. */
  | { readonly from: 'text'; readonly value: string };

/** A setting: as it is, a secret to be read, or text in which the environment is filled in. */
export type Setting = string | number | boolean | readonly Setting[] | { readonly [name: string]: Setting } | { readonly secret: Secret; /** Stands before its value. */ readonly prefix?: string | undefined } | { readonly oncall: 'email' | 'phone' };

/** One integration of a receiver. */
export interface Integration {
  readonly kind: IntegrationKind;
  /** Which of its kind in the receiver, those included that are switched off: first those of routing.yaml, then ours. */
  readonly index: number;
  readonly sendResolved: boolean;
  /** Of `IntegrationSettings`, without `kind` and `sendResolved`. */
  readonly settings: Readonly<Record<string, Setting>>;
}

/** A receiver with the integrations that are switched on. */
export interface Receiver {
  readonly name: string;
  readonly integrations: readonly Integration[];
  /** The policy of `alerts/oncall.yaml` by which it pages people and escalates. */
  readonly policy?: string | undefined;
}

/** How to reach somebody. */
export interface Contact {
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly phone?: string | undefined;
}

/**
 * Settings with secrets read and the address of the person on call put in.
 * @throws SoraError `invalid_config` naming the receiver, the integration and what is wrong, without any secret
 */
export function resolveSettings(host: Host, receiver: string, integration: Integration, contact: Contact | undefined): IntegrationSettings {
  const { kind, index, sendResolved } = integration;
  const where = `receiver ${receiver}, ${kind}[${index}]`;
  try {
    const settings = resolveSetting(host, integration.settings, contact);
    const result = integrationSettings.safeParse({ ...(settings as object), kind, sendResolved });
    if (result.success) return result.data;
    throw new Error(result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; '));
  } catch (error) {
    throw invalidConfig(`${where}: ${messageOf(error)}`, 'correct alerts/routing.yaml, alerts/receivers.yaml or the environment they name', error);
  }
}

function resolveSetting(host: Host, setting: Setting, contact: Contact | undefined): unknown {
  if (typeof setting !== 'object') return setting;
  if (isList(setting)) return setting.map((item) => resolveSetting(host, item, contact));
  if (isSecret(setting)) return `${setting.prefix ?? ''}${readSecret(host, setting.secret)}`;
  if (isOncall(setting)) {
    const address = contact?.[setting.oncall];
    if (address === undefined) throw new Error(`${contact?.name ?? 'whoever is on call'} has no ${setting.oncall} in the on-call file`);
    return [address];
  }
  return Object.fromEntries(Object.entries(setting).map(([name, value]) => [name, resolveSetting(host, value, contact)]));
}

const isList = (setting: Setting): setting is readonly Setting[] => Array.isArray(setting);
const isSecret = (setting: object): setting is { readonly secret: Secret; readonly prefix?: string | undefined } => 'secret' in setting && typeof setting.secret === 'object';
const isOncall = (setting: object): setting is { readonly oncall: 'email' | 'phone' } => 'oncall' in setting;

/**
 * The value of a secret, without white space at its ends.
 * @throws SoraError `invalid_config` naming the file or variable, never the value
 */
export function readSecret(host: Host, secret: Secret): string {
  const value = secretText(host, secret).trim();
  if (value !== '') return value;
  throw invalidConfig(`${secretName(secret)} is empty`, 'put the secret there; one line, nothing else');
}

function secretText(host: Host, secret: Secret): string {
  switch (secret.from) {
    case 'text':
      return secret.value;
    case 'env':
      return host.process.env[secret.name] ?? '';
    case 'file':
      return secretFile(host, secret.path);
    default:
      return assertNever(secret);
  }
}

function secretFile(host: Host, path: string): string {
  try {
    return host.files.readText(path);
  } catch (error) {
    throw invalidConfig(`the secret file ${path} cannot be read: ${messageOf(error)}`, 'make it, readable for this user alone (chmod 600)', error);
  }
}

function secretName(secret: Secret): string {
  if (secret.from === 'text') return 'a secret written in routing.yaml';
  return secret.from === 'env' ? `the environment variable ${secret.name}` : `the secret file ${secret.path}`;
}
