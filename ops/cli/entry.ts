import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { SoraError, exitCodes } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import type { Timer } from '../core/host.ts';
import type { Context } from './command.ts';
import { onInterrupt } from './interrupt.ts';
import { suspendTogether } from './suspend.ts';

export interface EntryResult {
  readonly exitCode: ExitCode;
  /** What it wrote on standard output; empty unless captured. */
  readonly stdout: string;
  readonly interrupted: boolean;
}

export interface EntryOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Keeps standard output, at most 1 MB, instead of passing it through. Default false. */
  readonly capture?: boolean;
  /** After a first interrupt, how long it may take before it is killed. Default 120,000 ms. */
  readonly graceMs?: number;
  /** After a second interrupt, which is passed on too, how long it may take. Default 0: it is killed at once. */
  readonly hurryMs?: number;
  /** Interrupts it when aborted, as a Ctrl-C would. */
  readonly signal?: AbortSignal;
}

const captureMaxBytes = 1_048_576;

/**
 * Runs another entry of this checkout and waits for its end. It leads a process group of its own, so
 * a Ctrl-C reaches it exactly once, from here; a second one without `hurryMs`, or the end of the grace, kills the group.
 */
export function runEntry(context: Context, entry: string, args: readonly string[], options: EntryOptions = {}): Promise<EntryResult> {
  const { host, root } = context;
  const child = spawn(host.process.execPath, [join(root, entry), ...args], {
    detached: true,
    stdio: ['inherit', options.capture === true ? 'pipe' : 'inherit', 'inherit'],
    env: { ...host.process.env, SORA_HOME: context.home, SORA_COMMAND_PID: String(host.process.pid), ...options.env },
  });
  let stdout = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    if (stdout.length < captureMaxBytes) stdout += chunk.toString('utf8');
  });
  let interrupted = false;
  let killTimer: Timer | undefined;
  const killGroup = (): void => {
    if (child.pid !== undefined) host.process.kill(-child.pid, 'SIGKILL');
  };
  const stopSignals = onInterrupt(host, (count, signal) => {
    interrupted = true;
    const graceMs = [options.graceMs ?? 120_000, options.hurryMs ?? 0][count - 1] ?? 0;
    killTimer?.cancel();
    if (graceMs === 0) return killGroup();
    child.kill(signal);
    killTimer = host.timers.after(graceMs, killGroup).unref();
  });
  const endSuspension = suspendTogether(host, child.pid);
  const interrupt = (): void => void child.kill('SIGINT');
  options.signal?.addEventListener('abort', interrupt, { once: true });
  // Once it has ended its pid may be another's, which the timer must not kill.
  const stopListening = (): void => {
    stopSignals();
    endSuspension();
    killTimer?.cancel();
    options.signal?.removeEventListener('abort', interrupt);
  };
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      stopListening();
      reject(new SoraError('entry_failed', `${entry} cannot be started: ${error.message}`, { cause: error }));
    });
    child.once('close', (code, signal) => {
      stopListening();
      const fallback = interrupted ? exitCodes.interrupted : exitCodes.generic;
      resolve({ exitCode: signal === null ? ((code ?? fallback) as ExitCode) : fallback, stdout, interrupted });
    });
  });
}
