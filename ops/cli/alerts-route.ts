import { resolve } from 'node:path';
import { formatDuration } from '../core/duration.ts';
import { exitCodes, invalidConfig } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import { readAlertSettings } from '../control/settings.ts';
import { parseRouting } from '../alerting/routing/config.ts';
import type { RoutingConfig } from '../alerting/routing/config.ts';
import { integrationKey } from '../alerting/routing/flush.ts';
import { mutingInterval } from '../alerting/routing/hold.ts';
import { loadRouting, routingFiles, unreadable } from '../alerting/routing/load.ts';
import type { LoadedRouting } from '../alerting/routing/load.ts';
import { formatMatchers, parseMatcher } from '../alerting/routing/matcher.ts';
import { allRoutes, groupLabelsOf, matchRoutes } from '../alerting/routing/route.ts';
import type { Route } from '../alerting/routing/route.ts';
import { containsTime } from '../alerting/routing/time-interval.ts';
import { nearLabel } from './alerts-labels.ts';
import type { Context, Parsed } from './command.ts';
import { outputOf } from './command.ts';
import { renderTable } from './table.ts';

/**
 * `sora alerts route`: where an alert with these labels goes, by the files alone; nothing need run. All three files of
 * routing are read as the control plane reads them, so that what it would refuse at its start is refused here.
 */
export async function routeLabels(context: Context, parsed: Parsed, words: readonly string[]): Promise<ExitCode> {
  const output = outputOf(parsed);
  const { host } = context;
  const labels = Object.fromEntries(words.map(readLabel));
  const { config, off } = await readFiles(context, parsed.text('file'));
  for (const warning of config.warnings) host.stderr.write(`${warning}\n`);
  if (words.length === 0) {
    const receivers = config.receivers.map(({ name, policy, integrations }) => ({ receiver: name, policy: policy ?? null, on: integrations.map(integrationKey), off: off.filter(({ receiver }) => receiver === name).map(({ integration, missing }) => ({ integration, missing })) }));
    if (output === 'json') host.stdout.write(`${JSON.stringify({ schema: 'sora.alert-routes/v1', route: config.root, receivers }, null, 2)}\n`);
    else {
      host.stdout.write(`${renderTree(config.root, '')}\n`);
      host.stdout.write(renderTable(['RECEIVER', 'ON', 'OFF, AS THIS IS NOT SET'], receivers.map(({ receiver, on, off: ownOff }) => [receiver, on.join(', ') || 'nothing', ownOff.map(({ integration, missing }) => `${integration} (${missing.join(', ')})`).join(', ') || '-'])));
    }
    return exitCodes.pass;
  }
  for (const line of strangeLabels(config.root, Object.keys(labels))) host.stderr.write(`${line}\n`);
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

/** The three files; a routing file named by `--file` without a receivers.yaml beside it is read alone, as it may be an Alertmanager's. */
async function readFiles(context: Context, file: string | undefined): Promise<{ readonly config: RoutingConfig; readonly off: NonNullable<LoadedRouting['off']> }> {
  const { host, root } = context;
  const settings = await readAlertSettings(host, root);
  const files = routingFiles(root, file === undefined ? settings : { ...settings, routing: resolve(host.process.cwd(), file) });
  if (file === undefined || host.files.exists(files.receivers)) {
    const { config, off } = loadRouting(host, files);
    return { config, off: off ?? [] };
  }
  let text;
  try {
    text = host.files.readText(files.routing);
  } catch (error) {
    throw unreadable(files.routing, error);
  }
  const config = parseRouting(file, text);
  host.stderr.write(`there is no ${files.receivers}: only the routing file was checked\n`);
  return { config, off: [] };
}

/** A label that is a slip away from one that routes go by would go to the catch-all without a word. */
function strangeLabels(root: Route, names: readonly string[]): string[] {
  const known = new Set(allRoutes(root).flatMap(({ matchers }) => matchers.map(({ name }) => name)));
  return names.flatMap((name) => {
    const near = nearLabel(name, known);
    return near === '' ? [] : [`no route goes by the label ${name}${near}`];
  });
}

function readLabel(text: string): [string, string] {
  const { name, operator, value } = parseMatcher(text);
  if (operator !== '=') throw invalidConfig(`"${text}" is not a label and its value`, 'write name=value, for example severity=critical');
  return [name, value];
}

/** @throws SoraError `invalid_config` for what is not a time with its zone */
export function timeOf(text: string | undefined, nowMs: number): number {
  if (text === undefined) return nowMs;
  const atMs = readTime(text);
  if (atMs === undefined) throw invalidConfig(`"${text}" is not a time with its zone`, 'for example 2026-12-24T18:00:00Z or 2026-12-24T19:00:00+01:00');
  return atMs;
}

/** A time with its zone; undefined for what is none. */
export function readTime(text: string): number | undefined {
  const atMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : atMs;
}

function mutedBy(config: RoutingConfig, route: Route, atMs: number): string | undefined {
  return mutingInterval(route, (name) => (config.intervals[name] ?? []).some((interval) => containsTime(interval, atMs)));
}

function renderTree(route: Route, indent: string): string {
  const own = route.matchers.length === 0 ? 'everything' : formatMatchers(route.matchers);
  const line = `${indent}${own}  ->  ${route.receiver}${route.continues ? '  (continue)' : ''}\n`;
  return line + route.routes.map((child) => renderTree(child, `${indent}  `)).join('');
}
