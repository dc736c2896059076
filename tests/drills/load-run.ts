import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { summarySchema } from '../../loadtests/report/summary-schema.ts';
import type { Summary } from '../../loadtests/report/summary-schema.ts';
import { nicenessOf, setNiceness } from '../../ops/core/niceness.ts';
import { readStackState } from '../../ops/supervisor/stack-state.ts';
import type { StackState } from '../../ops/supervisor/stack-state.ts';
import type { Host } from '../../ops/core/host.ts';
import { thinkMsOf } from './drill.ts';
import type { DrillContext } from './drill.ts';
import { descendantsOf, listProcesses } from './process-tree.ts';
import type { ProcessRow } from './process-tree.ts';

export interface RunWanted {
  /** Default the size's. */
  readonly holdMs?: number;
  readonly rampMs?: number;
  /** More flags of `sora load run`. */
  readonly flags?: readonly string[];
}

export interface EndedRun {
  readonly exitCode: number | null;
  readonly stderr: string;
  /** Undefined when the run printed none. */
  readonly summary: Summary | undefined;
}

/** A run of the real command line, watched from outside. */
export interface LoadRun {
  readonly pid: number;
  readonly ended: Promise<EndedRun>;
  /** Resolves when the run says that this phase is under way. @throws Error when it ends before */
  reached(phase: 'ramp' | 'hold'): Promise<void>;
  /** The stack the run brought with it. */
  stack(): StackState | undefined;
}

/** Beyond its own phases a run may take so long to start, drain, audit and stop. */
const besidesMs = 300_000;
const outputMax = 64 * 1024 * 1024;

export const loadStackDir = (context: DrillContext): string => join(context.home, 'load-stack');

/** `sora load run launch-mix --stack own`, as a user would type it, at the size of the drills. */
export function startLoadRun(context: DrillContext, wanted: RunWanted = {}): LoadRun {
  const args = ['ops/cli/bootstrap.mjs', 'load', 'run', 'launch-mix', '--stack', 'own', ...runFlags(context, wanted)];
  return watch(context, args, {}, wanted);
}

/** `sora load run SCENARIO` against a server of the drill's own. */
export function startTargetRun(context: DrillContext, scenario: string, target: string, wanted: RunWanted = {}): LoadRun {
  return watch(context, ['ops/cli/bootstrap.mjs', 'load', 'run', scenario, '--target', target, ...runFlags(context, wanted)], {}, wanted);
}

/** Overload comes from other machines, whose generators would not take this one's cores from the stack. */
const remoteNiceness = 10;

/** A second generator against a stack that another run has up: the harness as the command would start it. */
export function startSecondGenerator(context: DrillContext, env: Readonly<Record<string, string>>, wanted: RunWanted): LoadRun {
  const run = watch(context, ['loadtests/main.ts', 'run', 'launch-mix', ...runFlags(context, wanted)], env, wanted);
  setNiceness(run.pid, remoteNiceness);
  return run;
}

/** Gives way to the stack with the workers of a run that is under way; the answer takes it back where that is allowed. */
export function yieldToStack({ host }: DrillContext, run: LoadRun): () => void {
  const pids = workersOf(host, run).map(({ pid }) => pid);
  const before = pids.map((pid) => ({ pid, niceness: nicenessOf(pid) }));
  for (const pid of pids) setNiceness(pid, remoteNiceness);
  // Where only root may put a process before others again, what it then waits for a core stands in the figures.
  return () => before.forEach(({ pid, niceness }) => setNiceness(pid, niceness));
}

/** The worker processes of a run's harness. */
export function workersOf(host: Host, run: LoadRun): ProcessRow[] {
  return descendantsOf(listProcesses(host), run.pid).filter(({ command }) => command.includes('loadtests/swarm/worker-main.ts'));
}

function runFlags({ size }: DrillContext, { holdMs = size.holdMs, rampMs = rampMsOf(size.users), flags = [] }: RunWanted): string[] {
  const values = { users: size.users, think: `${thinkMsOf(size)}ms`, ramp: `${rampMs}ms`, duration: `${holdMs}ms` };
  return [...Object.entries(values).flatMap(([name, value]) => [`--${name}`, String(value)]), '-o', 'json', ...flags];
}

/** Users arrive at 20,000 a second at most, over at least 3 s. */
export const rampMsOf = (users: number): number => Math.max(3_000, Math.ceil(users / 20));

function watch(context: DrillContext, args: readonly string[], env: Readonly<Record<string, string>>, wanted: RunWanted): LoadRun {
  const { host, root, home, signal } = context;
  const child = spawn(host.process.execPath, [...args], {
    // A session of its own, whose niceness counts beside the stack's.
    detached: true, cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...host.process.env, SORA_HOME: home, NO_COLOR: '1', ...env },
  });
  let stdout = '';
  let stderr = '';
  const looks = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => (stdout = (stdout + chunk.toString('utf8')).slice(0, outputMax)));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('utf8')).slice(0, outputMax);
    for (const look of looks) look();
  });
  const interrupt = (): void => void child.kill('SIGINT');
  signal.addEventListener('abort', interrupt, { once: true });
  const overdue = host.timers.after((wanted.rampMs ?? rampMsOf(context.size.users)) + (wanted.holdMs ?? context.size.holdMs) + besidesMs, interrupt);
  const ended = new Promise<EndedRun>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => {
      overdue.cancel();
      signal.removeEventListener('abort', interrupt);
      try {
        resolve({ exitCode, stderr, summary: readSummary(stdout) });
      } catch (error) {
        reject(new Error(`the run ended with ${exitCode} and printed no summary that can be read`, { cause: error }));
      }
    });
  });
  context.track(ended);
  return {
    pid: child.pid ?? 0,
    ended,
    stack: () => readStackState(host, loadStackDir(context)),
    reached: (phase) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          // Off a terminal the live view prints a line at the first second of each phase.
          if (new RegExp(`^\\d+:\\d\\d ${phase}\\b`, 'm').test(stderr)) resolve();
        };
        looks.add(look);
        look();
        ended.then(() => reject(new Error(`the run ended before its ${phase}:\n${stderr.slice(-2_000)}`)), reject);
      }),
  };
}

function readSummary(stdout: string): Summary | undefined {
  return stdout.trim() === '' ? undefined : summarySchema.parse(JSON.parse(stdout));
}

/** The summary of a run that must have one. */
export function requireSummary({ summary, exitCode, stderr }: EndedRun): Summary {
  if (summary === undefined) throw new Error(`the run printed no summary and ended with ${exitCode}:\n${stderr.slice(-2_000)}`);
  return summary;
}
