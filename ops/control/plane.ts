/** Composes the control plane of its parts, in order of dependence, and takes it down in the reverse. */
import { resolve } from 'node:path';
import express from 'express';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { webhookRouteToken } from '../alerting/alertmanager/routes.ts';
import { ackRoutes } from '../alerting/ack/routes.ts';
import { createEventLog } from '../core/event-log/log.ts';
import { exitCodes, messageOf } from '../core/error.ts';
import type { EventLog } from '../core/event-log/event.ts';
import type { Host, Timer } from '../core/host.ts';
import { apiMounts } from './api.ts';
import { authenticate } from './auth.ts';
import { openControlDatabase } from './database.ts';
import type { ControlEnvironment } from './environment.ts';
import { renderFamilies } from './exposition.ts';
import { startHeart } from './heartbeat.ts';
import { startAlerting } from './alerting.ts';
import { notFoundHandler, problemHandler } from './problem.ts';
import { processEvents } from './process-events.ts';
import { isSupervised, processFamilies } from './process-metrics.ts';
import { watchControl } from './control-metrics.ts';
import { readMachine, readUsage } from './process-usage.ts';
import { rootPage } from './root-page.ts';
import { startSamples } from './samples.ts';
import { takeHold } from './hold.ts';
import type { Hold } from './hold.ts';
import { createApp, createWaitingApp, listen } from './server.ts';
import type { Listening, Mount } from './server.ts';
import type { AlertSettings } from './settings.ts';
import { readStack } from './targets.ts';
import type { TargetPlaces } from './targets.ts';

export interface PlaneParts {
  readonly host: Host;
  /** Folder of the checkout. */
  readonly root: string;
  readonly env: ControlEnvironment;
  readonly settings: AlertSettings;
  readonly log: Logger;
  readonly metrics: Registry;
}

export interface Plane {
  readonly url: string;
  /** @param planned whether the whole stack is stopped on purpose; otherwise the watchdog is told to speak up */
  stop(planned: boolean): Promise<void>;
}

const bodyMaxBytes = 1_048_576;
const stopGraceMs = 3_000;

/** Starts everything; resolves when it is ready. */
export async function startPlane(parts: PlaneParts): Promise<Plane> {
  const { host, root, env, settings, log } = parts;
  const places: TargetPlaces = { stateDir: env.SORA_STATE_DIR, topology: host.process.env['SORA_TOPOLOGY'] ?? resolve(root, 'topology.json') };
  const hold = await holdDatabase(parts);
  const opened = openControlDatabase(host, env.SORA_CONTROL_DATABASE_URL, { onError: (error) => log.warn({ error: error.message }, 'a connection to the control database broke') });
  const applied = await opened.migrate();
  await hold.sign();
  const database = { ...opened, transaction: hold.guard(opened.transaction) };
  if (applied.length > 0) log.info({ applied }, 'the control database was brought up to date');
  const events = createEventLog(database.pool);
  const publicUrl = settings.publicUrl ?? `http://127.0.0.1:${env.PORT}`;
  const samples = await startSamples({ host, settings, places, database, metrics: parts.metrics, warn: (text) => log.warn(text) });
  const shared = { host, root, env, settings, log, metrics: parts.metrics, database, events, samples, publicUrl };
  const alerting = await startAlerting(shared);
  const api = { ...shared, alerting };
  let ready = false;
  const app = createApp({
    open: [
      { path: '/', handler: rootPage },
      { path: '/livez', handler: (_request, response) => void response.json({ status: 'live' }) },
      { path: '/readyz', handler: (_request, response, next) => void readiness(() => ready, database.pool).then(({ status, body }) => response.status(status).json(body), next) },
      { path: '/metrics', handler: (_request, response, next) => void renderMetrics(parts, places).then((text) => response.type(parts.metrics.contentType).send(text), next) },
      { path: '/ack', handler: ackRoutes({ host, routing: alerting.routing, key: env.SORA_ACK_SECRET, runbookBaseUrl: settings.runbookUrl }) },
    ],
    authenticate: authenticate({ viewer: env.SORA_VIEWER_TOKEN, operator: env.SORA_OPERATOR_TOKEN, admin: env.SORA_ADMIN_TOKEN }, {
      anonymousRead: settings.anonymousRead && isLoopback(env.SORA_LISTEN),
      routeTokens: env.SORA_ALERTMANAGER_TOKEN === undefined ? [] : [webhookRouteToken(env.SORA_ALERTMANAGER_TOKEN)],
    }),
    guarded: [
      { path: '/', handler: express.json({ limit: bodyMaxBytes }) },
      ...apiMounts(api),
    ] satisfies Mount[],
    last: [notFoundHandler, problemHandler((error, path) => log.error({ error: messageOf(error), path }, 'a request failed'))],
  });
  const listening = await listen(host, app, { port: env.PORT, address: env.SORA_LISTEN });
  // In this order: the process itself is a target, and an alert whose condition has no sample yet would be taken for over.
  await samples.begin();
  await alerting.begin();
  const heart = startHeart({
    host, everyMs: settings.heartbeatMs, outsideUrl: settings.heartbeatUrl, watchdogUrls: [...(env.SORA_WATCHDOG_URL === undefined ? [] : [env.SORA_WATCHDOG_URL]), ...settings.watchdogUrls], secret: env.SORA_HEARTBEAT_SECRET,
    problem: () => alerting.problem(),
    onError: (text) => log.warn(text),
  });
  watchControl(parts, heart);
  const processes = followProcesses(parts, places, events);
  ready = true;
  return {
    url: listening.url,
    async stop(planned) {
      ready = false;
      processes.cancel();
      await heart.stop(planned ? 'stopping' : 'interrupted');
      await alerting.stop();
      await samples.stop();
      await listening.stop(stopGraceMs);
      await database.close();
      await hold.release();
    },
  };
}

/** Waits while another control plane works on this database; meanwhile whoever asks hears that this one is not ready. */
async function holdDatabase({ host, env, log }: PlaneParts): Promise<Hold> {
  let waiting: Promise<Listening> | undefined;
  const hold = await takeHold({
    host, url: env.SORA_CONTROL_DATABASE_URL,
    onWait() {
      log.warn('another control plane works on this database: waiting until it ends');
      waiting = listen(host, createWaitingApp(), { port: env.PORT, address: env.SORA_LISTEN });
      waiting.catch((error: unknown) => log.warn({ error: messageOf(error) }, 'nobody can ask while it waits'));
    },
    onLost: () => log.error('the connection that holds the database broke: nothing is written until it is back'),
    onTaken(why) {
      log.fatal({ why }, 'this control plane is no longer the one of its database');
      host.process.exit(exitCodes.generic);
    },
  });
  await (await waiting?.catch(() => undefined))?.stop(0);
  return hold;
}

const isLoopback = (address: string): boolean => ['127.0.0.1', '::1', 'localhost'].includes(address);

/** Writes what happens to processes into the event log. */
function followProcesses({ host, settings, log }: PlaneParts, places: TargetPlaces, events: EventLog): Timer {
  let before = readStack(host, places);
  return host.timers.every(settings.scrapeIntervalMs, () => {
    try {
      const after = readStack(host, places);
      const added = processEvents(before, after, host.clock.nowMs());
      before = after;
      if (added.length > 0) void events.append(added).catch((error: unknown) => log.error({ error: messageOf(error) }, 'what happened to processes could not be written'));
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'the state of the stack could not be read');
    }
  });
}

async function readiness(isReady: () => boolean, pool: { query(text: string): Promise<unknown> }): Promise<{ status: number; body: object }> {
  if (!isReady()) return { status: 503, body: { status: 'not ready', reason: 'starting or stopping' } };
  try {
    await pool.query('select 1');
    return { status: 200, body: { status: 'ready' } };
  } catch (error) {
    return { status: 503, body: { status: 'not ready', reason: messageOf(error) } };
  }
}

async function renderMetrics({ host, root, metrics }: PlaneParts, places: TargetPlaces): Promise<string> {
  const stack = readStack(host, places);
  const pids = stack?.processes.flatMap(({ pid }) => pid ?? []) ?? [];
  const families = processFamilies({
    stack, supervisorUp: isSupervised(host, stack), usage: readUsage(host, pids), machine: readMachine(host), disk: host.files.diskSpace(places.stateDir ?? root),
  });
  return `${await metrics.metrics()}${renderFamilies(families)}`;
}
