import { join } from 'node:path';
import { SoraError } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { listCommands } from './process-table.ts';

interface Locked {
  readonly dataFolder: string;
  readonly clusterName: string;
}

/** Old backends notice within a second that their postmaster died; one in a long sort takes longer. */
const goneWithinMs = 15_000;
const killAfterMs = 3_000;

/**
 * Makes way for a start after the postmaster was killed: waits until its backends are gone (they
 * are killed after 3 s) and removes a lock file whose pid now belongs to some other program.
 * @throws SoraError `database_running` when a live postmaster holds the folder
 */
export async function clearStaleLock(host: Host, cluster: Locked): Promise<void> {
  const lock = join(cluster.dataFolder, 'postmaster.pid');
  const postmaster = host.files.exists(lock) ? Number(host.files.readText(lock).split('\n')[0]) : undefined;
  const startMs = host.clock.monotonicMs();
  for (let pids = listClusterPids(host, cluster.clusterName); ; pids = listClusterPids(host, cluster.clusterName)) {
    if (postmaster !== undefined && isPostmaster(host, postmaster, cluster.dataFolder)) {
      throw new SoraError('database_running', `pid ${postmaster} already serves ${cluster.dataFolder}`, {
        hint: `stop it with kill -INT ${postmaster}`,
        exitCode: 104,
      });
    }
    if (pids.length === 0) break;
    const waitedMs = host.clock.monotonicMs() - startMs;
    if (waitedMs > goneWithinMs) {
      throw new SoraError('database_backends_alive', `pids ${pids.join(', ')} of a dead PostgreSQL still hold ${cluster.dataFolder} after ${goneWithinMs} ms`);
    }
    if (waitedMs > killAfterMs) for (const pid of pids) host.process.kill(pid, 'SIGKILL');
    await host.timers.sleep(50);
  }
  host.files.remove(lock);
}

/** Process ids whose title carries the cluster's name, the postmaster itself not among them. */
export function listClusterPids(host: Host, clusterName: string): number[] {
  return listCommands(host)
    .filter(([, command]) => command.startsWith(`postgres: ${clusterName}: `))
    .map(([pid]) => pid);
}

function isPostmaster(host: Host, pid: number, dataFolder: string): boolean {
  return listCommands(host).some(([id, command]) => id === pid && command.includes(`-D ${dataFolder} `));
}
