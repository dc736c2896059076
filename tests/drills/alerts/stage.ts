/** The stack of a drill: started as `sora up` starts it, with a scrape and an evaluation every 5 s and windows of at most 20 s. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { controlClient } from '../../../ops/control/client.ts';
import type { Host } from '../../../ops/core/host.ts';
import { readSecrets } from '../../../ops/supervisor/secrets.ts';
import { readLiveStack, readStackState } from '../../../ops/supervisor/stack-state.ts';
import { readTopology } from '../../../ops/supervisor/topology.ts';
import { createCertificate } from '../../certificate.ts';
import type { World } from './fault.ts';
import type { Receiver } from './receiver.ts';

export const pace = { scrapeS: 5, evaluationS: 5, windowS: 20 } as const;
/** What the mock of the AI provider may take before its alert; it idles at about 100 MB. */
const mockMemoryMb = 180;
const upWithinMs = 120_000;
const dayMs = 86_400_000;

export interface Stage extends AsyncDisposable {
  readonly world: World;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export async function openStage(host: Host, root: string, home: string, receiver: Receiver, signal: AbortSignal, say: (text: string) => void): Promise<Stage> {
  host.files.makeFolder(home);
  const tls = await startTls();
  const env = { ...host.process.env, ...writeSettings(host, root, home), NO_COLOR: '1', ...addressesOf(receiver, tls.port) };
  const ports = await freePorts(Object.keys(readTopology(host, join(root, 'topology.json')).ports));
  const stateDir = join(home, 'stack');
  let supervisor = await startStack(host, root, env, ports, stateDir);
  const world: World = {
    host, signal, receiver, home, say, tls,
    get control() {
      return controlClient({ host, home });
    },
    get databaseUrl() {
      return readSecrets(host, stateDir)?.databaseUrl ?? '';
    },
    stack: () => {
      const state = readStackState(host, stateDir);
      if (state === undefined) throw new Error('the stack has no state');
      return state;
    },
    restart: async (change) => {
      await supervisor.stop();
      change();
      supervisor = await startStack(host, root, env, ports, stateDir);
    },
  };
  return {
    world, env,
    async [Symbol.asyncDispose]() {
      await supervisor.stop();
      tls.close();
    },
  };
}

/** The shipped files, but for what would hold messages back that the drill waits for: inhibition. */
function writeSettings(host: Host, root: string, home: string): Record<string, string> {
  const read = (name: string): string => host.files.readText(join(root, 'alerts', name));
  const routing = parse(read('routing.yaml')) as Record<string, unknown>;
  delete routing['inhibit_rules'];
  const topology = JSON.parse(host.files.readText(join(root, 'topology.json'))) as { processes: { name: string; memoryLimitMb?: number }[] };
  for (const process of topology.processes) if (process.name === 'mock-ai') process.memoryLimitMb = mockMemoryMb;
  const files = { 'routing.yaml': stringify(routing), 'receivers.yaml': read('receivers.yaml'), 'topology.json': JSON.stringify(topology, null, 2), 'rules.yaml': failingRule };
  for (const [name, text] of Object.entries(files)) host.files.writeText(join(home, name), text);
  return {
    SORA_HOME: home, SORA_TOPOLOGY: join(home, 'topology.json'), SORA_ALERT_ROUTING: join(home, 'routing.yaml'),
    SORA_ALERT_RULES: `alerts/rules/*.yaml,${join(home, 'rules.yaml')}`,
    SORA_SCRAPE_INTERVAL: `${pace.scrapeS}s`, SORA_EVALUATION_INTERVAL: `${pace.evaluationS}s`, SORA_DRILL_WINDOW_S: String(pace.windowS),
  };
}

function addressesOf(receiver: Receiver, tlsPort: number): Record<string, string> {
  return {
    SORA_REHEARSAL_WEBHOOK_URL: receiver.url, SORA_ALERT_WEBHOOK_URL: receiver.url, SORA_DEAD_MANS_SWITCH_URL: receiver.url, SORA_WATCHDOG_WEBHOOK_URL: receiver.url,
    SORA_TLS_TARGETS: `localhost:${tlsPort}`,
  };
}

/** An operator's own rule that is well until a queue is full: then two series have the labels that one of them may have. */
const failingRule = stringify({
  groups: [{ name: 'drill', rules: [{ record: 'drill:full_queues', expr: 'vector(1) + on () ((sum(queue_depth) > 1000) or label_replace(sum(queue_depth) > 1000, "copy", "yes", "", ""))' }] }],
});

interface Supervisor {
  stop(): Promise<void>;
}

async function startStack(host: Host, root: string, env: Readonly<Record<string, string | undefined>>, ports: Readonly<Record<string, number>>, stateDir: string): Promise<Supervisor> {
  const flags = Object.entries(ports).flatMap(([name, port]) => ['--port', `${name}=${port}`]);
  const child = spawn(host.process.execPath, ['ops/cli/bootstrap.mjs', 'up', ...flags], { cwd: root, env: { ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-4_000)));
  const exited = once(child, 'exit');
  const endMs = host.clock.monotonicMs() + upWithinMs;
  while (readLiveStack(host, stateDir)?.phase !== 'up') {
    if (child.exitCode !== null || host.clock.monotonicMs() > endMs) {
      child.kill('SIGTERM');
      throw new Error(`the stack did not come up:\n${said}`);
    }
    await host.timers.sleep(100);
  }
  return {
    async stop() {
      child.kill('SIGINT');
      await exited;
    },
  };
}

async function freePorts(names: readonly string[]): Promise<Record<string, number>> {
  const servers = await Promise.all(names.map(async (name) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { name, server };
  }));
  const ports = Object.fromEntries(servers.map(({ name, server }) => [name, (server.address() as AddressInfo).port]));
  for (const { server } of servers) server.close();
  return ports;
}

async function startTls(): Promise<{ readonly port: number; readonly useCertificateOf: (lifeMs: number) => void; close(): void }> {
  const certificate = (lifeMs: number) => createCertificate(Date.now() + lifeMs);
  const server = createTlsServer(certificate(90 * dayMs), (socket) => socket.end()).listen(0, '127.0.0.1');
  server.on('tlsClientError', () => undefined);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, useCertificateOf: (lifeMs) => server.setSecureContext(certificate(lifeMs)), close: () => server.close() };
}
