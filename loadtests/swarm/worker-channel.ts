import { type ChildProcess, fork } from 'node:child_process';
// The channel to a parent exists nowhere else than on this object; all else goes through Host.
import self from 'node:process';
import type { Runtime } from './transport/limits.ts';
import { decodeMessage, encodeMessage } from './worker-codec.ts';
import { nurseryFlags } from './nursery.ts';

/** A worker's line to the process that started it. */
export interface ParentLine<Sent> {
  /** @param onSent called once the message has left this process */
  send(message: Sent, onSent?: () => void): void;
}

/** A worker under another runtime than its parent's speaks JSON; in Node both speak structured clone. */
const isJsonLine = (runtime: Runtime): boolean => runtime === 'bun';
/** What this process runs in. */
export const ownRuntime: Runtime = 'bun' in self.versions ? 'bun' : 'node';

/** Opens the line in a worker. `onGone` is called when the parent is no more. */
export function connectToParent<Received, Sent>(handlers: {
  onMessage(message: Received): void;
  onGone(): void;
}): ParentLine<Sent> {
  const isJson = isJsonLine(ownRuntime);
  self.on('message', (message) => handlers.onMessage((isJson ? decodeMessage(message) : message) as Received));
  self.on('disconnect', () => handlers.onGone());
  return {
    send: (message, onSent) => {
      self.send?.(isJson ? encodeMessage(message) : message, undefined, undefined, () => onSent?.());
    },
  };
}

/** A coordinator's line to one worker. */
export interface WorkerLine<Sent> {
  readonly pid: number | undefined;
  send(message: Sent): void;
  kill(): void;
}

/** What a worker process runs in. */
export interface WorkerRuntime {
  readonly name: Runtime;
  readonly execPath: string;
  /** Size of each half of Node's nursery. */
  readonly nurseryMb: number;
}

/** Starts a worker process. `onExit` is called once, however it ends. */
export function startWorker<Received, Sent>(
  file: string,
  runtime: WorkerRuntime,
  handlers: { onMessage(message: Received): void; onExit(reason: string): void; onStderr(text: string): void },
): WorkerLine<Sent> {
  const isJson = isJsonLine(runtime.name);
  const child: ChildProcess = fork(file, [], {
    execPath: runtime.execPath,
    execArgv: runtime.name === 'node' ? nurseryFlags(runtime.nurseryMb) : [],
    serialization: isJson ? 'json' : 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let exited = false;
  const exit = (reason: string): void => {
    if (exited) return;
    exited = true;
    handlers.onExit(reason);
  };
  child.on('message', (message) => handlers.onMessage((isJson ? decodeMessage(message) : message) as Received));
  child.on('error', (error) => exit(error.message));
  child.on('exit', (code, signal) => exit(signal === null ? `exit code ${code ?? 0}` : `signal ${signal}`));
  // What a scenario prints is a message to its author, not data.
  child.stdout?.on('data', (bytes: Buffer) => handlers.onStderr(bytes.toString('utf8')));
  child.stderr?.on('data', (bytes: Buffer) => handlers.onStderr(bytes.toString('utf8')));
  return {
    pid: child.pid,
    send: (message) => {
      // A worker that is gone is noticed by its exit.
      if (child.connected) child.send((isJson ? encodeMessage(message) : message) as never, () => undefined);
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
