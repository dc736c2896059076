import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SoraError, invalidConfig } from '../core/error.ts';
import type { StackEvent } from '../supervisor/stack.ts';
import { claimFolder } from '../supervisor/embedded-postgres-place.ts';
import { isRunning } from '../supervisor/process-table.ts';
import { readLiveStack, supervisorEntry } from '../supervisor/stack-state.ts';
import type { Context } from './command.ts';

export interface SupervisorConfig {
  readonly stateDir: string;
  readonly ports: 'fixed' | 'free';
  readonly portOverrides?: Readonly<Record<string, number>>;
  readonly replicas?: Readonly<Record<string, number>>;
  readonly databaseUrl?: string;
  readonly databaseFolder: string;
  /** Starts the control plane too. Default false. */
  readonly control?: boolean;
  readonly controlDatabaseUrl?: string;
  readonly controlDatabaseFolder?: string;
  /** Id of the load run or drill the stack is made for. */
  readonly rehearsal?: string;
  /** Holds all but the database back until `release`. */
  readonly hold?: boolean;
}

type EventOf<Name extends StackEvent['event']> = Extract<StackEvent, { event: Name }>;

/** A supervisor that lives no longer than this process. */
export interface SupervisorLink {
  /** Resolves at the next event of this name; rejects when the stack fails or ends first. */
  until<Name extends StackEvent['event']>(name: Name): Promise<EventOf<Name>>;
  onProcess(listener: (event: EventOf<'process'>) => void): void;
  release(url: string): void;
  hold(): void;
  /** Stops the stack and resolves when the supervisor has ended. Safe to call twice. */
  stop(): Promise<void>;
  /** Resolves when the supervisor has ended, for whatever reason. */
  readonly ended: Promise<void>;
}

/** Starts a supervisor in a process group of its own, tied to this process by a pipe. */
export function startSupervisor(context: Context, config: SupervisorConfig): SupervisorLink {
  const { host, root } = context;
  const configPath = join(config.stateDir, 'config.json');
  host.files.writeText(configPath, JSON.stringify({ topology: context.topology, root, ...config }), 0o600);
  const child = spawn(host.process.execPath, [join(root, supervisorEntry), '--config', configPath, '--tied'], {
    cwd: root,
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => undefined);
  const waiting = new Set<{ name: string; resolve: (event: StackEvent) => void; reject: (error: Error) => void }>();
  const listeners = new Set<(event: EventOf<'process'>) => void>();
  let failure: Error | undefined;
  const settleAll = (error: Error): void => {
    failure ??= error;
    for (const waiter of waiting) waiter.reject(failure);
    waiting.clear();
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as StackEvent;
    if (event.event === 'failed') settleAll(new SoraError('stack_failed', event.message, { hint: event.hint, exitCode: event.exitCode }));
    if (event.event === 'process') for (const listener of listeners) listener(event);
    for (const waiter of waiting) {
      if (waiter.name !== event.event) continue;
      waiting.delete(waiter);
      waiter.resolve(event);
    }
  });
  const ended = once(child, 'close').then(() => {
    settleAll(new SoraError('stack_ended', 'the supervisor ended', { hint: `its processes wrote to ${join(config.stateDir, 'logs')}` }));
  });
  const send = (command: object): void => void child.stdin.write(`${JSON.stringify(command)}\n`);
  return {
    until: (name) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) reject(failure);
        else waiting.add({ name, resolve: resolve as (event: StackEvent) => void, reject });
      }),
    onProcess: (listener) => void listeners.add(listener),
    release: (url) => send({ do: 'release', url }),
    hold: () => send({ do: 'hold' }),
    async stop() {
      send({ do: 'stop' });
      child.stdin.end();
      await ended;
    },
    ended,
  };
}

/**
 * Takes a state folder for this process and refuses it while another live `sora` has it.
 * @returns the function that gives it back
 */
export function takeFolder(context: Context, stateDir: string, what: string, next: string): () => void {
  const { host } = context;
  const live = readLiveStack(host, stateDir);
  if (live !== undefined) {
    const url = live.urls['gateway'];
    throw invalidConfig(`${what} is already up: supervisor pid ${live.supervisorPid}${url === undefined ? '' : `, ${url}`}`, next);
  }
  const lock = join(stateDir, 'lock');
  claimFolder(host, stateDir, 0o700);
  for (let attempt = 0; attempt < 2; attempt++) {
    if (host.files.createText(lock, `${host.process.pid}\n`)) return () => host.files.remove(lock);
    const holder = Number(host.files.readText(lock));
    if (holder > 0 && isRunning(host, holder, 'node')) throw invalidConfig(`${what} is being started or stopped by pid ${holder}`, next);
    // Its holder was killed, and its pid may be some other program's by now.
    host.files.remove(lock);
  }
  throw invalidConfig(`${what} is being started by another command`, next);
}
