/**
 * `alerts/receivers.yaml`: what Alertmanager's format has no words for, by the name of a receiver in
 * `alerts/routing.yaml`: integrations of ours, addresses and keys from the environment, and who is paged.
 */
import { z } from 'zod';
import { integrationKinds } from '../notification.ts';
import type { IntegrationKind } from '../notification.ts';
import { expandText, soleVariable } from './environment.ts';
import { flag, list, word } from './fields.ts';
import type { Integration, Receiver, Setting } from './integration.ts';
import { entriesOf, itemsOf, problemsError, problemsOf, readYaml, textOf } from './yaml-text.ts';
import type { Problem, YamlValue } from './yaml-text.ts';

/** How a field becomes a setting of the notifier. */
interface Field {
  readonly setting: string;
  readonly as: 'text' | 'number' | 'flag' | 'secret' | 'texts' | 'email' | 'phone';
}

const common: Readonly<Record<string, Field>> = { timeout_ms: { setting: 'timeoutMs', as: 'number' } };
const field = (setting: string, as: Field['as'] = 'text'): Field => ({ setting, as });

/** Fields by kind. Secrets stand as `${NAME}` or, with `_file` behind the field's name, in a file. */
const fields: Readonly<Record<IntegrationKind, Readonly<Record<string, Field>>>> = {
  slack: { ...common, webhook_url: field('webhookUrl', 'secret'), bot_token: field('botToken', 'secret'), channel: field('channel'), username: field('username'), api_base_url: field('apiBaseUrl') },
  discord: { ...common, webhook_url: field('webhookUrl', 'secret'), username: field('username') },
  email: { ...common, host: field('host'), port: field('port', 'number'), from: field('from'), to: field('to', 'email'), username: field('username'), password: field('password', 'secret'), tls: field('tls'), verify_certificate: field('verifyCertificate', 'flag'), ca: field('ca', 'secret') },
  sms: { ...common, account_sid: field('accountSid', 'secret'), auth_token: field('authToken', 'secret'), key_sid: field('keySid', 'secret'), from: field('from'), to: field('to', 'phone'), api_base_url: field('apiBaseUrl'), segments_max: field('segmentsMax', 'number') },
  pagerduty: { ...common, routing_key: field('routingKey', 'secret'), api_base_url: field('apiBaseUrl'), send_changes: field('sendChanges', 'flag') },
  webhook: { ...common, url: field('url', 'secret'), signing_secret: field('signingSecret', 'secret'), authorization: field('authorization', 'secret'), max_alerts: field('alertsMax', 'number') },
  log: {},
};

const integrationSchema = z
  .looseObject({ kind: z.enum(integrationKinds, { error: `must be one of ${integrationKinds.join(', ')}` }), send_resolved: flag.optional(), only_if_none: flag.optional() });
const fileSchema = z.strictObject({
  receivers: z.record(word, z.strictObject({ policy: word.optional(), integrations: list(integrationSchema, 20).optional() }), { error: 'must be a map of receivers' }),
});

export interface ReceiversFile {
  readonly receivers: readonly Receiver[];
  /** Integrations that are switched off, and the variables that would switch them on. */
  readonly off: readonly { readonly receiver: string; readonly integration: string; readonly missing: readonly string[] }[];
}

/**
 * Adds the file's integrations to the receivers of `routing.yaml`. One in which a variable is not set is switched off.
 * @param receivers as `routing.yaml` has them; undefined where that file could not be read, and any name will do
 * @param policies of the on-call file; undefined likewise
 * @throws SoraError `invalid_config` with all that is wrong
 */
export function parseReceivers(file: string, source: string, receivers: readonly Receiver[] | undefined, policies: readonly string[] | undefined, env: Readonly<Record<string, string | undefined>>): ReceiversFile {
  const yaml = readYaml(file, source);
  const result = fileSchema.safeParse(yaml.value ?? {});
  const problems: Problem[] = result.success ? [] : problemsOf(result.error);
  const off: ReceiversFile['off'][number][] = [];
  const joined = new Map(receivers?.map((receiver) => [receiver.name, receiver]));
  // As the text has them, so that what is well formed is checked beside what is not.
  for (const [name, raw] of Object.entries(entriesOf(entriesOf(yaml.value)['receivers']))) {
    const path = ['receivers', name];
    const policy = textOf(entriesOf(raw)['policy']);
    const integrations = itemsOf(entriesOf(raw)['integrations']).map(toIntegration);
    const receiver = joined.get(name) ?? (receivers === undefined ? { name, integrations: [] } : undefined);
    if (receiver === undefined) {
      problems.push({ path, message: `is not one of the receivers of the routing file (${[...joined.keys()].join(', ')})` });
      continue;
    }
    if (policy !== undefined && policies?.includes(policy) === false) problems.push({ path: [...path, 'policy'], message: `${JSON.stringify(policy)} is not one of the on-call file's policies (${policies.join(', ') || 'there are none'})` });
    const added = integrations.flatMap((raw, index) => (raw === undefined ? [] : [readIntegration(raw, [...path, 'integrations', index], receiver.integrations, integrations.slice(0, index), env)]));
    problems.push(...added.flatMap((one) => one.problems));
    for (const { integration, missing } of added) if (missing.length > 0) off.push({ receiver: name, integration: `${integration.kind}[${integration.index}]`, missing });
    const on = [...receiver.integrations, ...added.filter(({ missing, isLast }) => missing.length === 0 && !isLast).map(({ integration }) => integration)];
    const last = on.length === 0 ? added.filter(({ isLast, missing }) => isLast && missing.length === 0).map(({ integration }) => integration) : [];
    joined.set(name, { ...receiver, integrations: [...on, ...last], policy });
  }
  if (problems.length > 0) throw problemsError(file, yaml, problems, 'docs/alerting.md describes the file');
  return { receivers: [...joined.values()], off };
}

interface Read {
  readonly integration: Integration;
  /** Only where the receiver has no other. */
  readonly isLast: boolean;
  readonly missing: readonly string[];
  readonly problems: readonly Problem[];
}

type RawIntegration = z.infer<typeof integrationSchema>;

/** An integration whose fields can be read: all but its flags where they are what is wrong, undefined where its kind is. */
function toIntegration(raw: YamlValue): RawIntegration | undefined {
  const { send_resolved: _sendResolved, only_if_none: _isLast, ...rest } = entriesOf(raw);
  return integrationSchema.safeParse(raw).data ?? integrationSchema.safeParse(rest).data;
}

function readIntegration(raw: RawIntegration, path: readonly (string | number)[], others: readonly Integration[], before: readonly (RawIntegration | undefined)[], env: Readonly<Record<string, string | undefined>>): Read {
  const { kind, send_resolved: sendResolved, only_if_none: isLast, ...rest } = raw;
  const missing = new Set<string>();
  const problems: Problem[] = [];
  const settings: Record<string, Setting> = {};
  for (const [key, value] of Object.entries(rest)) {
    const isFile = key.endsWith('_file') && Object.hasOwn(fields[kind], key.slice(0, -5));
    const known = isFile ? fields[kind][key.slice(0, -5)] : fields[kind][key];
    const read = known === undefined ? 'is not known here' : readField(isFile ? { ...known, as: 'secret' } : known, value as YamlValue, isFile, env);
    if (typeof read === 'string') problems.push({ path: [...path, key], message: read });
    else {
      for (const name of read.missing) missing.add(name);
      // An empty default leaves the field out.
      if (read.value === '') continue;
      if (known?.setting === 'authorization') settings['headers'] = { authorization: read.value };
      else if (known !== undefined) settings[known.setting] = read.value;
    }
  }
  const firstIndex = Math.max(-1, ...others.filter((other) => other.kind === kind).map((other) => other.index)) + 1;
  const index = firstIndex + before.filter((other) => other?.kind === kind).length;
  return { integration: { kind, index, sendResolved: sendResolved ?? true, settings }, isLast: isLast ?? false, missing: [...missing], problems };
}

/** A setting, or what is wrong with it. */
function readField({ as }: Field, value: YamlValue, isFile: boolean, env: Readonly<Record<string, string | undefined>>): { value: Setting; missing: readonly string[] } | string {
  const texts = typeof value === 'string' ? [value] : Array.isArray(value) ? value : [];
  if (texts.length === 0 || !texts.every((text): text is string => typeof text === 'string')) return as === 'texts' || as === 'email' || as === 'phone' ? 'must be a text or a list of them' : 'must be a text';
  const [text = ''] = texts;
  const expanded = texts.map((one) => expandText(one, env));
  const missing = expanded.flatMap((one) => one.missing);
  if (as === 'secret') {
    if (isFile) return { value: { secret: { from: 'file', path: expanded[0]?.text ?? '' } }, missing };
    const name = soleVariable(text);
    if (name !== undefined) return { value: { secret: { from: 'env', name } }, missing };
    // An address with a variable in it, such as a webhook of this machine, is as secret as the variable.
    return /\$\{/.test(text) || /^https?:\/\/(127\.0\.0\.1|localhost)[:/]/.test(text) ? { value: expanded[0]?.text ?? '', missing } : 'is a secret: write ${NAME} and set that variable, or name a file with _file';
  }
  if (as === 'email' || as === 'phone') return text === 'oncall' ? { value: { oncall: as }, missing } : { value: expanded.flatMap((one) => one.text.split(',').map((part) => part.trim()).filter((part) => part !== '')), missing };
  const plain = expanded[0]?.text ?? '';
  if (texts.length > 1) return 'must be one text';
  if (as === 'number') return missing.length > 0 || /^\d+$/.test(plain) ? { value: Number(plain), missing } : `${JSON.stringify(plain)} is not a whole number`;
  if (as === 'flag') return plain === 'true' || plain === 'false' ? { value: plain === 'true', missing } : `${JSON.stringify(plain)} is neither true nor false`;
  return { value: plain, missing };
}
