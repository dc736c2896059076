import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatDuration } from '../../ops/core/duration.ts';
import { SoraError } from '../../ops/core/error.ts';
import type { Host, Timer } from '../../ops/core/host.ts';
import type { Summary } from '../report/summary-schema.ts';
import { RunStore } from '../runs/store.ts';

const entry = fileURLToPath(new URL('../main.ts', import.meta.url));

/** One run of the harness in a process of its own, as a user would start it. */
export interface HarnessRun {
  readonly runId: string;
  /** State folder; the run is kept in `runs/` below it. */
  readonly home: string;
  /** Of `load run`: the scenario and flags. */
  readonly args: readonly string[];
  /** How long its phases last. So long and half an hour from its hold on, it is stopped. */
  readonly expectedMs: number;
  readonly signal: AbortSignal;
  /** Called once when its hold begins. */
  readonly onHold?: () => void;
}

export interface HarnessEnd {
  readonly exitCode: number | null;
  /** Undefined when it ended before it had measured. */
  readonly summary: Summary | undefined;
  /** The last 4 kB of what it said. */
  readonly said: string;
  /** Why it was stopped, where it took too long; undefined where it was not. */
  readonly overdue?: string | undefined;
}

/** Why a run ended before it measured: the error it told, without the hint that follows, else its last line. */
export function lastWordOf({ said, overdue }: Pick<HarnessEnd, 'said' | 'overdue'>): string {
  const lines = said.trim().split('\n');
  return overdue ?? lines.findLast((line) => line.startsWith('error:')) ?? lines.at(-1) ?? '';
}

/** From the hold on: draining and auditing take longest when the system is overloaded, and with a million users. */
const besidesMs = 1_800_000;
/** Until the hold, besides the ramp: a scenario may give its setup an hour, and workers two minutes to get ready. */
const prepareMs = 4_500_000;
/** After an interrupt a run still writes what it has measured. */
const graceMs = 60_000;
const saidMax = 4_096;

/** Runs the harness once and answers its summary. Aborting interrupts it as a Ctrl-C would. */
export function runHarness(host: Host, run: HarnessRun): Promise<HarnessEnd> {
  const child = spawn(host.process.execPath, [entry, 'run', ...run.args, '--no-color'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...host.process.env, SORA_HOME: run.home, SORA_RUN_ID: run.runId },
  });
  let said = '';
  let isHeld = false;
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-saidMax);
    // Off a terminal the live view prints a line at the first second of each phase.
    if (isHeld || !/^[\d:]+ hold\b/m.test(said)) return;
    isHeld = true;
    giveTime(besidesMs);
    run.onHold?.();
  });
  let killing: Timer | undefined;
  let waiting: Timer | undefined;
  let overdue: string | undefined;
  const giveTime = (besides: number): void => {
    waiting?.cancel();
    const limitMs = run.expectedMs + besides;
    waiting = host.timers.after(limitMs, () => {
      overdue = `it took longer than ${formatDuration(limitMs)} ${isHeld ? 'from its hold on' : 'to get ready'} and was stopped`;
      interrupt();
    });
  };
  const interrupt = (): void => {
    child.kill('SIGINT');
    killing ??= host.timers.after(graceMs, () => void child.kill('SIGKILL'));
  };
  giveTime(prepareMs);
  run.signal.addEventListener('abort', interrupt, { once: true });
  if (run.signal.aborted) interrupt();
  const end = (): void => {
    waiting?.cancel();
    killing?.cancel();
    run.signal.removeEventListener('abort', interrupt);
  };
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      end();
      reject(new SoraError('harness_failed', `the harness cannot be started: ${error.message}`, { cause: error }));
    });
    child.once('close', (exitCode) => {
      end();
      resolve({ exitCode, said, overdue, summary: readSummary(host, run) });
    });
  });
}

function readSummary(host: Host, { home, runId }: HarnessRun): Summary | undefined {
  try {
    return new RunStore(host, join(home, 'runs')).find(runId).summary;
  } catch (error) {
    if (error instanceof SoraError) return undefined;
    throw error;
  }
}
