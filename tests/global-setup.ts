import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import type { TestProject } from 'vitest/node';
import { createNodeHost } from '../ops/core/node-host.ts';
import { prepareCluster, startCluster } from '../ops/supervisor/embedded-postgres.ts';
import { waitUntilAnswering } from '../ops/supervisor/embedded-postgres-wait.ts';
import { findFreePorts } from '../ops/supervisor/ports.ts';

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
  const { child, url } = await start(join(folder, 'pg'));
  // Should this process be killed by a signal that Node can see, the server goes with it.
  const stop = (): void => void child.kill('SIGQUIT');
  process.once('exit', stop);
  project.provide('postgresUrl', url);
  return async () => {
    process.off('exit', stop);
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGQUIT');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
}

async function start(folder: string): Promise<{ child: ChildProcess; url: string }> {
  const host = createNodeHost();
  for (let attempt = 1; ; attempt++) {
    const [port = 0] = await findFreePorts(1);
    const cluster = prepareCluster(host, { folder, port, durable: false });
    const child = await startCluster(host, cluster, 'ignore');
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
