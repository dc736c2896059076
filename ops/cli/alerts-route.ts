import { resolve } from 'node:path';
import { readConfig } from '../core/config.ts';
import { formatDuration } from '../core/duration.ts';
import { exitCodes, invalidConfig, messageOf } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import { parseRouting } from '../alerting/routing/config.ts';
import type { RoutingConfig } from '../alerting/routing/config.ts';
import { mutingInterval } from '../alerting/routing/hold.ts';
import { formatMatchers, parseMatcher } from '../alerting/routing/matcher.ts';
import { groupLabelsOf, matchRoutes } from '../alerting/routing/route.ts';
import type { Route } from '../alerting/routing/route.ts';
import { containsTime } from '../alerting/routing/time-interval.ts';
import type { Context, Parsed } from './command.ts';
import { outputOf } from './command.ts';
import { renderTable } from './table.ts';

/** `sora alerts route`: where an alert with these labels goes, by the file alone; nothing need run. */
export async function routeLabels(context: Context, parsed: Parsed, words: readonly string[]): Promise<ExitCode> {
  const output = outputOf(parsed);
  const { host } = context;
  const given = parsed.text('file') ?? host.process.env['SORA_ALERT_ROUTING'];
  const name = given !== undefined && given !== '' ? given : (await readConfig(host, context.root)).alerts.routing;
  const path = resolve(parsed.text('file') === undefined ? context.root : host.process.cwd(), name);
  const config = parseRouting(name, read(context, path));
  for (const warning of config.warnings) host.stderr.write(`${warning}\n`);
  if (words.length === 0) {
    host.stdout.write(output === 'json' ? `${JSON.stringify({ schema: 'sora.alert-routes/v1', route: config.root }, null, 2)}\n` : renderTree(config.root, ''));
    return exitCodes.pass;
  }
  const labels = Object.fromEntries(words.map(readLabel));
  const atMs = timeOf(parsed.text('at'), host.clock.nowMs());
  const routes = matchRoutes(config.root, labels).map((route) => ({ route, muted: mutedBy(config, route, atMs), groupLabels: groupLabelsOf(route, labels) }));
  if (output === 'json') {
    const found = routes.map(({ route, muted, groupLabels }) => ({ route: route.key, receiver: route.receiver, groupLabels, groupWaitMs: route.groupWaitMs, groupIntervalMs: route.groupIntervalMs, repeatIntervalMs: route.repeatIntervalMs, mutedBy: muted ?? null }));
    host.stdout.write(`${JSON.stringify({ schema: 'sora.alert-route/v1', receivers: found.map(({ receiver }) => receiver), routes: found }, null, 2)}\n`);
    return exitCodes.pass;
  }
  host.stdout.write(renderTable(['RECEIVER', 'ROUTE', 'GROUP', 'WAIT', 'INTERVAL', 'REPEAT', 'MUTED'], routes.map(({ route, muted, groupLabels }) => [
    route.receiver, route.key, Object.entries(groupLabels).map(([label, value]) => `${label}=${value}`).join(' ') || '-', formatDuration(route.groupWaitMs), formatDuration(route.groupIntervalMs), formatDuration(route.repeatIntervalMs), muted ?? 'no',
  ])));
  return exitCodes.pass;
}

function read({ host }: Context, path: string): string {
  try {
    return host.files.readText(path);
  } catch (error) {
    throw invalidConfig(`${path} cannot be read: ${messageOf(error)}`, 'name the routing file with --file', error);
  }
}

function readLabel(text: string): [string, string] {
  const { name, operator, value } = parseMatcher(text);
  if (operator !== '=') throw invalidConfig(`"${text}" is not a label and its value`, 'write name=value, for example severity=critical');
  return [name, value];
}

/** @throws SoraError `invalid_config` for what is not a time with its zone */
export function timeOf(text: string | undefined, nowMs: number): number {
  if (text === undefined) return nowMs;
  const atMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) throw invalidConfig(`"${text}" is not a time with its zone`, 'for example 2026-12-24T18:00:00Z or 2026-12-24T19:00:00+01:00');
  return atMs;
}

function mutedBy(config: RoutingConfig, route: Route, atMs: number): string | undefined {
  return mutingInterval(route, (name) => (config.intervals[name] ?? []).some((interval) => containsTime(interval, atMs)));
}

function renderTree(route: Route, indent: string): string {
  const own = route.matchers.length === 0 ? 'everything' : formatMatchers(route.matchers);
  const line = `${indent}${own}  ->  ${route.receiver}${route.continues ? '  (continue)' : ''}\n`;
  return line + route.routes.map((child) => renderTree(child, `${indent}  `)).join('');
}
