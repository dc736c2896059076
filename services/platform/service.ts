import type { RequestListener } from 'node:http';
import { Gauge, type Registry } from 'prom-client';
import type { Logger } from 'pino';
import { exitCodes, messageOf, renderError, SoraError } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import type { Lifecycle } from './http/process-routes.ts';
import { listen, type Listening, type ListenOptions } from './http/server.ts';

export interface ServiceParts {
  readonly host: Host;
  readonly log: Logger;
  readonly metrics: Registry;
  readonly listener: RequestListener;
  readonly lifecycle: Lifecycle;
  readonly listen: ListenOptions;
  /** Between `/readyz` turning 503 and the end of listening, so that the gateway looks away. Default 500 ms. */
  readonly drainMs?: number;
  /** For what is in flight at the end. Default 10,000 ms. */
  readonly graceMs?: number;
  /** Runs after listening began and before the process is ready. */
  warmUp(): Promise<void>;
  /** Resolves when nothing is in flight. */
  idle(): Promise<void>;
  /** Frees what the process holds: workers, pools, logs. */
  close(): Promise<void>;
}

/**
 * Runs one service: listens, warms up, turns ready, and on SIGTERM or SIGINT turns unready, drains,
 * finishes what is in flight and exits 0. A second signal exits at once.
 */
export async function runService(parts: ServiceParts): Promise<Listening> {
  const { host, log, lifecycle } = parts;
  const listening = await listen(host, parts.listener, parts.listen);
  log.info({ port: listening.port, socket: parts.listen.socketPath }, 'listening');

  const stop = async (signal: string): Promise<void> => {
    if (lifecycle.phase === 'stopping') host.process.exit(exitCodes.interrupted);
    lifecycle.phase = 'stopping';
    log.info({ signal }, 'stopping');
    await host.timers.sleep(parts.drainMs ?? 500);
    await listening.stop(parts.idle(), parts.graceMs ?? 10_000);
    log.info('stopped');
    await parts.close();
    host.process.exit(exitCodes.pass);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) host.process.onSignal(signal, () => void stop(signal));

  await parts.warmUp();
  if (lifecycle.phase === 'starting') lifecycle.phase = 'ready';
  const coldStart = new Gauge({ name: 'process_cold_start_seconds', help: 'From the start of the process to readiness', registers: [] });
  parts.metrics.registerMetric(coldStart);
  coldStart.set(host.clock.monotonicMs() / 1_000);
  log.info({ coldStartMs: Math.round(host.clock.monotonicMs()) }, 'ready');
  return listening;
}

/** Runs an entry point; an error ends the process with one message on stderr and its exit code. */
export async function runMain(host: Host, main: () => Promise<unknown>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const known = error instanceof SoraError;
    host.stderr.write(known ? renderError(error) : `${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`);
    host.process.exit(known ? error.exitCode : exitCodes.generic);
  }
}
