/**
 * Entry point: lends a PostgreSQL of its own to whoever starts it, such as a benchmark. Durable as shipped, on the
 * checkout's disk. Prints the URL of its maintenance database on standard output, and when standard input ends, or
 * at SIGTERM, stops the server and removes the cluster. However this process dies, the server goes with it.
 */
import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { exitCodes, messageOf, SoraError } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { createNodeHost } from '../core/node-host.ts';
import { prepareCluster, startCluster } from './embedded-postgres.ts';
import type { Cluster } from './embedded-postgres.ts';
import { waitUntilAnswering } from './embedded-postgres-wait.ts';
import { findFreePorts } from './ports.ts';
import { startReaper } from './reaper-link.ts';
import type { ReaperLink } from './reaper-link.ts';

const attemptsMax = 3;

interface Lent {
  readonly cluster: Cluster;
  readonly child: ChildProcess;
}

const host = createNodeHost();
const home = host.process.env['SORA_HOME'] ?? resolve(import.meta.dirname, '../../.sora');
const folder = join(home, `lent-${host.process.pid}`);
const told = untilTold(host);
const reaper = startReaper(host, host.random.uuid());
let lent: Lent | undefined;
try {
  lent = await start(host, reaper);
  host.stdout.write(`${lent.cluster.url('postgres')}\n`);
  await Promise.race([told, once(lent.child, 'exit')]);
} catch (error) {
  host.stderr.write(`${messageOf(error)}\n`);
  host.process.setExitCode(error instanceof SoraError ? error.exitCode : exitCodes.generic);
} finally {
  if (lent !== undefined) await stop(lent, reaper);
  reaper.close();
  host.files.remove(folder);
  host.process.stdin().pause();
}

/** Settles at the end of standard input or a signal. */
function untilTold(host: Host): Promise<void> {
  return new Promise((settle) => {
    host.process.stdin().once('end', settle).resume();
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) host.process.onSignal(name, settle);
  });
}

async function start(host: Host, reaper: ReaperLink): Promise<Lent> {
  for (let attempt = 1; ; attempt++) {
    const [port = 0] = await findFreePorts(1);
    const cluster = prepareCluster(host, { folder, port });
    const child = await startCluster(host, cluster, 'ignore');
    if (child.pid !== undefined) reaper.add({ pid: child.pid, kind: 'database', clusterName: cluster.clusterName });
    const ended = new AbortController();
    child.once('exit', () => ended.abort());
    try {
      await waitUntilAnswering(host, cluster.url('postgres'), 30_000, ended.signal);
      return { cluster, child };
    } catch (error) {
      child.kill('SIGKILL');
      // Another program may have taken the free port in the meantime.
      if (attempt === attemptsMax) throw error;
    }
  }
}

/** At once and without a checkpoint, as the data goes too. */
async function stop({ cluster, child }: Lent, reaper: ReaperLink): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGQUIT');
    await ended;
  }
  if (child.pid !== undefined) reaper.remove(child.pid);
  // Where the server's user could not come to the folder, the cluster and its sockets lie elsewhere.
  host.files.remove(dirname(cluster.dataFolder));
  const sockets = new URL(cluster.url('postgres')).searchParams.get('host');
  if (sockets !== null) host.files.remove(sockets);
}
