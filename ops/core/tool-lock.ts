import { SoraError } from './error.ts';
import type { Host } from './host.ts';

const askEveryMs = 500;

/**
 * Runs `work` while no other process holds the lock file at `path`, which names its holder by pid; the lock of a
 * process that is gone does not count.
 * @throws SoraError `lock_held` when another holds it for `waitMaxMs`
 */
export async function withLockFile<T>(host: Host, path: string, waitMaxMs: number, work: () => Promise<T>): Promise<T> {
  const startMs = host.clock.monotonicMs();
  while (!host.files.createText(path, String(host.process.pid))) {
    const holder = readHolder(host, path);
    if (holder !== undefined && !host.process.kill(holder, 0)) host.files.remove(path);
    else if (host.clock.monotonicMs() - startMs > waitMaxMs) {
      throw new SoraError('lock_held', `process ${holder ?? 'unknown'} has held ${path} for more than ${waitMaxMs} ms`, { hint: `see what it does, or remove ${path}` });
    } else await host.timers.sleep(askEveryMs);
  }
  try {
    return await work();
  } finally {
    host.files.remove(path);
  }
}

/** The pid in the file; undefined when the file went away in the meantime. */
function readHolder(host: Host, path: string): number | undefined {
  try {
    const pid = Number(host.files.readText(path));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
