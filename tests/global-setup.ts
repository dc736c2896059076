import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import type { TestProject } from 'vitest/node';
import type { Host } from '../ops/core/host.ts';
import { createNodeHost } from '../ops/core/node-host.ts';
import { prepareCluster, startCluster } from '../ops/supervisor/embedded-postgres.ts';
import { waitUntilAnswering } from '../ops/supervisor/embedded-postgres-wait.ts';
import { findFreePorts } from '../ops/supervisor/ports.ts';
import { startReaper } from '../ops/supervisor/reaper-link.ts';
import type { ReaperLink } from '../ops/supervisor/reaper-link.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the maintenance database of the PostgreSQL of this test run. */
    readonly postgresUrl: string;
  }
}

/**
 * Starts one PostgreSQL for the whole Vitest run, in a folder and on a port of its own, so that
 * several runs live side by side. Its fsync is off: this cluster is thrown away with the run.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'sora-test-'));
  chmodSync(folder, 0o711);
  const host = createNodeHost();
  // However this process dies, the server goes with it.
  const reaper = startReaper(host, randomUUID());
  const { child, url } = await start(host, reaper, join(folder, 'pg'));
  project.provide('postgresUrl', url);
  return async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGQUIT');
      await ended;
    }
    if (child.pid !== undefined) reaper.remove(child.pid);
    reaper.close();
    rmSync(folder, { recursive: true, force: true });
  };
}

async function start(host: Host, reaper: ReaperLink, folder: string): Promise<{ child: ChildProcess; url: string }> {
  for (let attempt = 1; ; attempt++) {
    const [port = 0] = await findFreePorts(1);
    const cluster = prepareCluster(host, { folder, port, durable: false });
    const child = await startCluster(host, cluster, 'ignore');
    if (child.pid !== undefined) reaper.add({ pid: child.pid, kind: 'database', clusterName: cluster.clusterName });
    const ended = new AbortController();
    child.once('exit', () => ended.abort());
    try {
      await waitUntilAnswering(host, cluster.url('postgres'), 30_000, ended.signal);
      return { child, url: cluster.url('postgres') };
    } catch (error) {
      child.kill('SIGKILL');
      // Another program may have taken the free port in the meantime.
      if (attempt === 3) throw error;
    }
  }
}
