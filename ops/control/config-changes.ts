/** Finds out at the start what was configured otherwise before, and writes it into the event log: most incidents follow a change. */
import { createHash } from 'node:crypto';
import { relative, resolve } from 'node:path';
import type { EventLog, LoggedEvent, NewEvent } from '../core/event-log/event.ts';
import type { Host } from '../core/host.ts';
import { routingFiles } from '../alerting/routing/load.ts';
import type { RoutingConfig } from '../alerting/routing/config.ts';
import { globFiles } from '../alerting/rules/load-rules.ts';
import type { AlertSettings } from './settings.ts';

/** What is configured under one heading. */
export interface Configuration {
  readonly subject: 'rules' | 'routing' | 'on-call' | 'settings';
  /** Hash of each file or setting by its name. */
  readonly parts: Readonly<Record<string, string>>;
}

const pageSize = 10_000;
/** Names in one summary. */
const namesMax = 10;
const hashLength = 16;
/** Members that are left out: not even a hash of a secret goes into the log. */
const secretName = /token|password|secret|auth|credential|key$/i;

interface Configured {
  readonly host: Host;
  /** Folder of the checkout. */
  readonly root: string;
  readonly settings: AlertSettings;
  /** Of files and environment together: which integrations are switched on. */
  readonly receivers: RoutingConfig['receivers'];
}

/** The configuration in force, without secrets: of addresses, only the host. */
export function readConfiguration({ host, root, settings, receivers }: Configured): Configuration[] {
  const { rules, routing: _routing, oncall: _oncall, ...rest } = settings;
  const files = routingFiles(root, settings);
  const hashes = (paths: readonly string[]): Record<string, string> => Object.fromEntries(paths.map((path) => [relative(root, path), hashOf(host.files.readText(path))]));
  const integrations = receivers.map(({ name, integrations: each }) => `${name}: ${each.map(({ kind }) => kind).join(' ')}`);
  return [
    { subject: 'rules', parts: hashes([...new Set(rules.flatMap((pattern) => globFiles(host.files, resolve(root, pattern))))]) },
    { subject: 'routing', parts: { ...hashes([files.routing, files.receivers].filter((path) => host.files.exists(path))), 'integrations switched on': hashOf(integrations.join('\n')) } },
    { subject: 'on-call', parts: hashes([files.oncall].filter((path) => host.files.exists(path))) },
    { subject: 'settings', parts: Object.fromEntries(Object.entries(rest).flatMap(([name, value]) => (value === undefined ? [] : [[name, hashOf(JSON.stringify(value, withoutSecrets))]]))) },
  ];
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, hashLength);

function withoutSecrets(name: string, value: unknown): unknown {
  if (secretName.test(name)) return undefined;
  if (typeof value !== 'string') return value;
  const url = /^https?:/.test(value) ? URL.parse(value) : null;
  return url === null ? value : url.origin;
}

/** One event for each heading that differs from what was recorded last. @param before events of kind `config`, in order */
export function configChanges(before: readonly Pick<LoggedEvent, 'details'>[], now: readonly Configuration[], nowMs: number): NewEvent[] {
  const last = new Map<string, Readonly<Record<string, string>>>();
  for (const { details } of before) if (details.kind === 'config' && details.parts !== undefined) last.set(details.subject, details.parts);
  return now.flatMap(({ subject, parts }) => {
    const known = last.get(subject);
    const event = (summary: string, isFirst: boolean): NewEvent[] => [{ atMs: nowMs, actor: 'sora', details: { kind: 'config', subject, summary, parts, isFirst } }];
    if (known === undefined) return event(`recorded for the first time: ${Object.keys(parts).length} parts`, true);
    const names = [...new Set([...Object.keys(known), ...Object.keys(parts)])].filter((name) => known[name] !== parts[name]);
    if (names.length === 0) return [];
    const told = names.slice(0, namesMax).map((name) => (known[name] === undefined ? `${name} added` : parts[name] === undefined ? `${name} removed` : `${name} changed`));
    return event(`${told.join(', ')}${names.length > namesMax ? ` and ${names.length - namesMax} more` : ''}`, false);
  });
}

/** Compares with the log and appends what changed. */
export async function recordConfigChanges(log: EventLog, configured: Configured): Promise<void> {
  const before: LoggedEvent[] = [];
  for (;;) {
    const page = await log.read({ kinds: ['config'], afterSequence: before.at(-1)?.sequence });
    before.push(...page);
    if (page.length < pageSize) break;
  }
  const changes = configChanges(before, readConfiguration(configured), configured.host.clock.nowMs());
  if (changes.length > 0) await log.append(changes);
}
