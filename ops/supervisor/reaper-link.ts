import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Host } from '../core/host.ts';

/** What the reaper must end should its supervisor die. */
export const graveSchema = z.strictObject({
  pid: z.int().positive(),
  kind: z.enum(['process', 'database']),
  /** The cluster's name, where `pid` is a postmaster whose backends carry it in their titles. */
  clusterName: z.string().optional(),
});
export type Grave = z.infer<typeof graveSchema>;

/** The supervisor's end of the pipe to its reaper. */
export interface ReaperLink {
  add(grave: Grave): void;
  remove(pid: number): void;
  /** Closes the pipe; what is still listed is ended. */
  close(): void;
}

const entry = fileURLToPath(new URL('reaper.ts', import.meta.url));

/**
 * Starts a reaper in a session of its own. Should it die, another takes its place with the same list.
 * @param instance value of SORA_INSTANCE in the environment of all that is started
 */
export function startReaper(host: Host, instance: string): ReaperLink {
  const graves = new Map<number, Grave>();
  let closed = false;
  let child: ChildProcess = launch();

  function launch(): ChildProcess {
    const started = spawn(host.process.execPath, [entry], { detached: true, cwd: '/', stdio: ['pipe', 'ignore', 'ignore'] });
    // Its death shows as EPIPE here; the exit below deals with it.
    started.stdin?.on('error', () => undefined);
    started.once('exit', () => {
      if (closed) return;
      child = launch();
    });
    started.unref();
    write(started, { do: 'instance', instance });
    for (const grave of graves.values()) write(started, { do: 'add', grave });
    return started;
  }

  return {
    add(grave) {
      graves.set(grave.pid, grave);
      write(child, { do: 'add', grave });
    },
    remove(pid) {
      graves.delete(pid);
      write(child, { do: 'remove', pid });
    },
    close() {
      closed = true;
      child.stdin?.end();
    },
  };
}

function write(child: ChildProcess, line: object): void {
  child.stdin?.write(`${JSON.stringify(line)}\n`);
}
