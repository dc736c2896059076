import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { messageOf } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { startCluster } from './embedded-postgres.ts';
import type { Cluster } from './embedded-postgres.ts';
import type { ProcessPlan } from './plan.ts';
import type { ExitOf } from './process-state.ts';
import type { ReaperLink } from './reaper-link.ts';
import { closeOutput, lastWords, openOutput, runtimePath } from './runtime.ts';

/** A started process, until its exit. */
export interface Running {
  /** Undefined in the moments before it exists. */
  pid: number | undefined;
  readonly startedAtMs: number;
  /** Its last lines of raw output in this life. */
  lastWords(): string;
  /** The group gets SIGKILL, the process itself any politer signal. */
  signal(name: NodeJS.Signals): void;
}

export interface LaunchContext {
  readonly host: Host;
  readonly root: string;
  readonly logDir: string;
  /** The cluster of a database that this stack runs itself. */
  clusterOf(plan: ProcessPlan): Cluster | undefined;
  readonly reaper: ReaperLink;
}

/**
 * Starts the process of a plan in a process group of its own, tells the reaper, and calls `onExit`
 * once, also when it could not be started.
 */
export function launch(context: LaunchContext, plan: ProcessPlan, env: Record<string, string>, onExit: (exit: ExitOf) => void): Running {
  const { host, reaper } = context;
  const output = openOutput(host, context.logDir, plan.name);
  // Signals for a process that is still being started wait for it.
  const early: NodeJS.Signals[] = [];
  const running: Running = {
    pid: undefined,
    startedAtMs: host.clock.nowMs(),
    lastWords: () => lastWords(host, output.path, output.startBytes),
    signal(name) {
      if (running.pid === undefined) {
        early.push(name);
        return;
      }
      const isGroup = name === 'SIGKILL' && plan.spec.runtime !== 'postgres';
      host.process.kill(isGroup ? -running.pid : running.pid, name);
    },
  };
  const watch = (child: ChildProcess): void => {
    running.pid = child.pid;
    if (child.pid !== undefined) reaper.add(graveOf(context, plan, child.pid));
    // `error` comes instead of `exit` where the program could not be started.
    child.once('error', (error) => end(`${error.message}\n`, { code: 127, signal: null }));
    child.once('exit', (code, signal) => end('', { code, signal }));
    for (const name of early) running.signal(name);
  };
  const end = (words: string, exit: ExitOf): void => {
    if (words !== '') host.stderr.write(`${plan.name}: ${words}`);
    if (running.pid !== undefined) reaper.remove(running.pid);
    onExit(exit);
  };
  start(context, plan, env, output.fd)
    .then(watch)
    .catch((error: unknown) => end(`${messageOf(error)}\n`, { code: 1, signal: null }))
    .finally(() => closeOutput(output.fd));
  return running;
}

async function start(context: LaunchContext, plan: ProcessPlan, env: Record<string, string>, fd: number): Promise<ChildProcess> {
  const { host, root } = context;
  const { runtime, entry = '', args, nodeArgs } = plan.spec;
  if (runtime === 'postgres') {
    const cluster = context.clusterOf(plan);
    if (cluster === undefined) throw new TypeError('no cluster was prepared');
    return startCluster(host, cluster, fd);
  }
  // A killed process leaves its socket's file, which would keep the next one from listening.
  if (plan.socket !== undefined) host.files.remove(plan.socket);
  const flags = runtime === 'node' ? nodeArgs : [];
  return spawn(runtimePath(host, runtime, root), [...flags, join(root, entry), ...args], {
    cwd: root,
    detached: true,
    env: { ...host.process.env, ...env },
    stdio: ['ignore', fd, fd],
  });
}

function graveOf(context: LaunchContext, plan: ProcessPlan, pid: number): Parameters<ReaperLink['add']>[0] {
  const cluster = context.clusterOf(plan);
  return cluster === undefined ? { pid, kind: 'process' } : { pid, kind: 'database', clusterName: cluster.clusterName };
}
