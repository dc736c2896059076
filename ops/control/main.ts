/** Entry point of the control plane: scrapes, evaluates rules, routes and sends alerts, and serves what it knows. */
import { resolve } from 'node:path';
import { SoraError, exitCodes, messageOf, renderError } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { createNodeHost } from '../core/node-host.ts';
import { createTelemetry } from '../telemetry/telemetry.ts';
import { readStackState } from '../supervisor/stack-state.ts';
import { readControlEnvironment } from './environment.ts';
import { orGiveUp } from './give-up.ts';
import { startPlane } from './plane.ts';
import { readAlertSettings } from './settings.ts';

const root = resolve(import.meta.dirname, '../..');

async function run(host: Host): Promise<void> {
  const env = readControlEnvironment(host);
  const settings = await readAlertSettings(host, root);
  const telemetry = createTelemetry(host, { service: env.SORA_SERVICE, ...(env.SORA_LOG_DIR === undefined ? {} : { logDir: env.SORA_LOG_DIR }) });
  const { log } = telemetry;
  const plane = await orGiveUp(telemetry, () => startPlane({ host, root, env, settings, log, metrics: telemetry.metrics }));
  log.info({ url: plane.url, coldStartMs: Math.round(host.clock.monotonicMs()) }, 'ready');

  let stopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (stopping) host.process.exit(exitCodes.interrupted);
    stopping = true;
    const planned = env.SORA_STOP_IS_PLANNED === 'yes' || isPlanned(host, env.SORA_STATE_DIR);
    log.info({ signal, planned }, 'stopping');
    await plane.stop(planned);
    log.info('stopped');
    await telemetry.shutdown();
    host.process.exit(exitCodes.pass);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) host.process.onSignal(signal, () => void stop(signal).catch((error: unknown) => {
    log.error({ error: messageOf(error) }, 'the stop failed');
    host.process.exit(exitCodes.generic);
  }));
}

/** Whether the stack as a whole is being stopped, so that nobody need be told. Where nothing says so, as in a container, it is not. */
function isPlanned(host: Host, stateDir: string | undefined): boolean {
  const phase = stateDir === undefined ? undefined : readStackState(host, stateDir)?.phase;
  return phase === 'stopping' || phase === 'holding' || phase === 'failed';
}

const host = createNodeHost();
try {
  await run(host);
} catch (error) {
  host.stderr.write(error instanceof SoraError ? renderError(error) : `${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`);
  host.process.exit(error instanceof SoraError ? error.exitCode : exitCodes.generic);
}
