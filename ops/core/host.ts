/**
 * The one door to the world outside: time, randomness, process, environment, files and terminal.
 * Code takes a `Host` as an argument, so tests move time and read what was written; a lint rule
 * keeps `Date.now`, `setTimeout`, `Math.random` and `process` out of every other file.
 */

/** Reads time. Wall time is for stamps, monotonic time for durations. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Monotonic milliseconds with a fraction, from an arbitrary origin. */
  monotonicMs(): number;
}

/** A pending timer. `cancel` is idempotent. `unref` lets the process end while it is pending. */
export interface Timer {
  cancel(): void;
  unref(): Timer;
}

/** Schedules work. */
export interface Timers {
  after(delayMs: number, run: () => void): Timer;
  every(periodMs: number, run: () => void): Timer;
  /** Runs once what the event loop holds now has been handled, before it waits again. */
  soon(run: () => void): void;
  /** Resolves after `delayMs`; rejects with the signal's reason when aborted first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** A source of randomness. Reproducible work seeds a generator of its own instead. */
export interface Random {
  /** Uniform in [0, 1). */
  float(): number;
  /** Cryptographically strong bytes. */
  bytes(count: number): Buffer;
  /** A version 4 UUID. */
  uuid(): string;
}

export type SignalName = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGUSR2' | 'SIGTSTP' | 'SIGCONT';

/** The process we run in. */
export interface ProcessHost {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly arch: string;
  /** Path of the running executable (node or bun). */
  readonly execPath: string;
  /** The effective user id; undefined where the platform has none. */
  readonly uid: number | undefined;
  cwd(): string;
  exit(code: number): never;
  /** Sets the code the process ends with once its event loop is empty. */
  setExitCode(code: number): void;
  /** Calls `run` at each such signal; returns the function that removes it. */
  onSignal(name: SignalName, run: () => void): () => void;
  /** Sends a signal; returns false when no such process exists. Negative ids name a process group. */
  kill(pid: number, signal: NodeJS.Signals | 0): boolean;
  /** From -20 (first) to 19 (last), as this process inherited it or was granted. */
  niceness(): number;
  /**
   * Asks the system to let this process run before or after others, as a niceness from -20 (first) to 19 (last);
   * false where that is not permitted, and nothing changed.
   */
  setNiceness(niceness: number): boolean;
  /** User plus system CPU time used by this process, in microseconds. */
  cpuUs(): number;
  rssBytes(): number;
  /** Standard input; reading begins when somebody listens. */
  stdin(): NodeJS.ReadableStream;
}

/** One output stream of the process. */
export interface Output {
  write(text: string): void;
  readonly isTty: boolean;
  /** Width in columns; 80 where unknown. */
  readonly columns: number;
  /** The same for two outputs that write into one file or pipe; undefined where it is unknown. */
  readonly file?: string | undefined;
}

/** The files this process reads and writes; paths are absolute or relative to the working folder. */
export interface Files {
  exists(path: string): boolean;
  readText(path: string): string;
  readBytes(path: string): Buffer;
  /** Creates missing folders; replaces the file in one step (write beside, then rename). */
  writeText(path: string, text: string, mode?: number): void;
  list(folder: string): string[];
  makeFolder(path: string, mode?: number): void;
  /** Removes a file or a whole folder; missing is fine. */
  remove(path: string): void;
  link(target: string, path: string): void;
  sizeBytes(path: string): number;
  modifiedMs(path: string): number;
  /** Who owns a path and what others may do with it, links not followed; undefined when missing. */
  ownership(path: string): Ownership | undefined;
  /** Gives a path to another user and group; needs root. */
  setOwner(path: string, uid: number, gid: number): void;
  setMode(path: string, mode: number): void;
  /** Writes a new file; false when one is there already. Atomic, so it serves as a lock. */
  createText(path: string, text: string, mode?: number): boolean;
  /** Size of the file system that holds a path, and what of it this user may still fill. */
  diskSpace(path: string): { readonly sizeBytes: number; readonly freeBytes: number };
  /** Copies a folder with its modes; links inside stay as they are written. */
  copyFolder(from: string, to: string): void;
}

export interface Ownership {
  readonly uid: number;
  readonly gid: number;
  /** Permission bits only, such as 0o700. */
  readonly mode: number;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
}

export interface Host {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly process: ProcessHost;
  readonly files: Files;
  readonly stdout: Output;
  readonly stderr: Output;
}
