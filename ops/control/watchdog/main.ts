/**
 * Entry point of the watchdog: a process beside the control plane, or elsewhere, that hears its heartbeats at
 * `POST /heartbeat` and notifies when they stop. It shares nothing with the control plane but the secret of heartbeats.
 */
import { join, resolve } from 'node:path';
import express from 'express';
import { z } from 'zod';
import { exitCodes, messageOf, renderError, SoraError } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import { createNodeHost } from '../../core/node-host.ts';
import { createTelemetry } from '../../telemetry/telemetry.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { readWatchdogEnvironment } from '../environment.ts';
import type { WatchdogEnvironment } from '../environment.ts';
import { isBearer } from '../auth.ts';
import { orGiveUp } from '../give-up.ts';
import { notFoundHandler, problemHandler } from '../problem.ts';
import { createApp, listen } from '../server.ts';
import { readAlertSettings } from '../settings.ts';
import type { AlertSettings } from '../settings.ts';
import { fileMemory } from './memory.ts';
import { watchdogMetrics } from './metrics.ts';
import { chooseReceivers, reachesNobody } from './receivers.ts';
import { startWatchdog } from './watchdog.ts';

const root = resolve(import.meta.dirname, '../../..');

const heartbeatSchema = z.strictObject({ instance: z.string().min(1).max(100), kind: z.enum(['alive', 'stopping', 'interrupted']) });
/** A supervisor that was killed leaves us 5 s between SIGTERM and SIGKILL. */
const lastWordsMs = 4_000;
const bodyMaxBytes = 1_024;

async function run(host: Host): Promise<void> {
  const env = readWatchdogEnvironment(host);
  const settings = await readAlertSettings(host, root);
  const telemetry = createTelemetry(host, { service: env.SORA_SERVICE, ...(env.SORA_LOG_DIR === undefined ? {} : { logDir: env.SORA_LOG_DIR }) });
  await orGiveUp(telemetry, () => watch(host, env, settings, telemetry));
}

async function watch(host: Host, env: WatchdogEnvironment, settings: AlertSettings, telemetry: Telemetry): Promise<void> {
  const { log } = telemetry;
  const { receivers, reaches } = chooseReceivers({ host, root, settings, service: env.SORA_SERVICE, rehearsal: env.SORA_REHEARSAL, writeLog: (fields, text) => log.error(fields, text) });
  const watchdog = startWatchdog({
    host,
    limits: settings.watchdog,
    receivers,
    ...(env.SORA_STATE_DIR === undefined ? {} : { memory: fileMemory(host, join(env.SORA_STATE_DIR, 'watchdog.json'), (text) => log.warn(text)) }),
    log: (level, text, fields) => log[level](fields, text),
  });
  watchdogMetrics(host, telemetry.metrics, watchdog);
  const app = createApp({
    open: [
      { path: '/livez', handler: (_request, response) => void response.json({ status: 'live' }) },
      { path: '/readyz', handler: (_request, response) => void response.json({ status: 'ready', phase: watchdog.state().phase, reaches }) },
      { path: '/metrics', handler: (_request, response, next) => void telemetry.metrics.metrics().then((text) => response.type(telemetry.metrics.contentType).send(text), next) },
    ],
    authenticate: (request, _response, next) => next(isBearer(request.headers.authorization, env.SORA_HEARTBEAT_SECRET) ? undefined : new SoraError('unauthorized', 'the heartbeat is not signed', { status: 401 })),
    guarded: [{
      path: '/heartbeat',
      handler: express.Router().post('/', express.json({ limit: bodyMaxBytes }), (request, response) => {
        watchdog.hear(heartbeatSchema.parse(request.body));
        response.status(204).end();
      }),
    }],
    last: [notFoundHandler, problemHandler((error, path) => log.error({ error: messageOf(error), path }, 'a request failed'))],
  });
  const listening = await listen(host, app, { port: env.PORT, address: env.SORA_LISTEN });
  log.info({ url: listening.url, afterMs: settings.watchdog.afterMs, reaches }, 'watching');
  if (reaches.length === 0) log.warn(reachesNobody);

  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) host.process.exit(exitCodes.interrupted);
    stopping = true;
    // Control ends at the same time; whether on purpose is what its last words say.
    const deadlineMs = host.clock.monotonicMs() + lastWordsMs;
    while (watchdog.state().phase === 'watching' && watchdog.state().instance !== undefined && host.clock.monotonicMs() < deadlineMs) await host.timers.sleep(50);
    await watchdog.settled(Math.max(0, deadlineMs - host.clock.monotonicMs()));
    watchdog.stop();
    await listening.stop(500);
    await telemetry.shutdown();
    host.process.exit(exitCodes.pass);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) host.process.onSignal(signal, () => void stop());
}

const host = createNodeHost();
try {
  await run(host);
} catch (error) {
  host.stderr.write(renderError(error));
  host.process.exit(error instanceof SoraError ? error.exitCode : exitCodes.generic);
}
