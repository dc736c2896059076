import { spawn } from 'node:child_process';
import { SoraError } from '../../../ops/core/error.ts';
import type { Host, SignalName } from '../../../ops/core/host.ts';
import { readProcessTree, rssOf } from './process-tree.ts';

/** What a command cost, with all processes it started and waited for. */
export interface CommandCost {
  readonly elapsedMs: number;
  /** User and system time. */
  readonly cpuUs: number;
  /** Highest resident memory of all its processes together, looked at every `rssPeriodMs`. */
  readonly rssMaxBytes: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

const rssPeriodMs = 500;
const outputMax = 64 * 1024 * 1024;
/** What `time` appends to standard error: real, user and system seconds. */
const timeLine = /\nsora-time ([\d.]+) ([\d.]+) ([\d.]+)\n$/;

/**
 * Runs a command under the shell's `time`, which counts the children too, and watches its memory. A signal ends the
 * command, which is then one that failed, so that who measures can clean up.
 * @throws SoraError `bench_failed` when it cannot be started, takes longer than `timeoutMs`, or ends in a way `accepts` does not take
 */
export async function measureCommand(
  host: Host, command: readonly string[],
  options: { readonly timeoutMs: number; readonly env?: Readonly<Record<string, string>>; readonly cwd?: string; readonly accepts?: (exitCode: number | null) => boolean },
): Promise<CommandCost> {
  const accepts = options.accepts ?? ((exitCode) => exitCode === 0);
  const child = spawn('bash', ['-c', "TIMEFORMAT=$'\\nsora-time %R %U %S'; time \"$@\"", 'bash', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...host.process.env, ...options.env }, ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const { pid } = child;
  // A signal to process group 0 would end our own.
  if (pid === undefined) throw failed(command, 'could not be started: there is no bash');
  let rssMaxBytes = 0;
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout = (stdout + text).slice(0, outputMax)));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-outputMax)));
  const watch = host.timers.every(rssPeriodMs, () => {
    rssMaxBytes = Math.max(rssMaxBytes, rssOf(readProcessTree(), pid));
  });
  let overdue = false;
  const limit = host.timers.after(options.timeoutMs, () => {
    overdue = true;
    host.process.kill(-pid, 'SIGKILL');
  });
  let signalled = false;
  const unhook = (['SIGINT', 'SIGTERM', 'SIGHUP'] satisfies SignalName[]).map((name) => host.process.onSignal(name, () => {
    signalled = true;
    host.process.kill(-pid, 'SIGKILL');
  }));
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const times = timeLine.exec(stderr);
    if (signalled) throw failed(command, 'was stopped by a signal');
    if (overdue) throw failed(command, `took longer than ${options.timeoutMs / 1_000} s`);
    if (times === null || !accepts(exitCode)) throw failed(command, `ended with ${exitCode}: ${stderr.slice(-1_000)}`);
    const [realS = 0, userS = 0, systemS = 0] = times.slice(1).map(Number);
    return { elapsedMs: realS * 1_000, cpuUs: (userS + systemS) * 1e6, rssMaxBytes, stdout, stderr: stderr.replace(timeLine, ''), exitCode };
  } finally {
    for (const remove of unhook) remove();
    watch.cancel();
    limit.cancel();
    host.process.kill(-pid, 'SIGKILL');
  }
}

function failed(command: readonly string[], why: string): SoraError {
  return new SoraError('bench_failed', `${command.slice(0, 3).join(' ')} ${why}`);
}
