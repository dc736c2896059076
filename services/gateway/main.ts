import { SoraError, exitCodes, messageOf } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createLogging } from '../../ops/telemetry/telemetry.ts';
import { listenAdmin } from './admin.ts';
import { bunNetwork, isBun } from './bun-network.ts';
import { readConfig } from './config.ts';
import { Gateway } from './gateway.ts';
import { nodeNetwork } from './node-network.ts';

/** Longest wait for requests in flight after SIGTERM. */
const graceMs = 10_000;

async function main(host: Host): Promise<void> {
  const config = readConfig(host.process.env);
  const network = isBun() ? bunNetwork : nodeNetwork;
  const { service, logLevel: level, logDir } = config;
  const { log, tracer, shutdown } = createLogging(host, { service, level, ...(logDir === undefined ? {} : { logDir }) });
  const gateway = new Gateway(host, config, network, tracer, log);
  const listener = await gateway.start(config.listenHost, config.port);
  const admin = config.adminPort === undefined ? undefined : await listenAdmin(host, gateway, config.listenHost, config.adminPort);
  const address = admin?.address();
  log.info({
    port: listener.port,
    runtime: network.runtime,
    upstreams: config.upstreams.map((upstream) => upstream.name),
    ...(typeof address === 'object' && address !== null ? { adminPort: address.port } : {}),
  }, 'listening');

  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    log.info({ sessions: gateway.sessions }, 'stopping');
    void gateway.stop(graceMs).then(shutdown).then(() => host.process.exit(exitCodes.pass));
  };
  host.process.onSignal('SIGTERM', stop);
  host.process.onSignal('SIGINT', stop);
}

const host = createNodeHost();
try {
  await main(host);
} catch (error) {
  const hint = error instanceof SoraError && error.hint !== undefined ? ` (${error.hint})` : '';
  host.stderr.write(`${messageOf(error)}${hint}\n`);
  host.process.exit(error instanceof SoraError ? error.exitCode : exitCodes.generic);
}
