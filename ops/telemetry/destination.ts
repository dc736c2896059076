import { closeSync, existsSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { invalidConfig, messageOf } from '../core/error.ts';
import type { Host } from '../core/host.ts';

export interface RotationLimits {
  /** A file is closed once it holds this much. Default 64 MB. */
  readonly sizeMaxBytes?: number;
  /** A file is closed once it is this old. Default 1 day. */
  readonly ageMaxMs?: number;
  /** Closed files kept for one service; older ones are removed. Default 8. */
  readonly filesMax?: number;
  /** Closed files older than this are removed. Default 7 days. */
  readonly keepMs?: number;
}

/** Where lines go: buffered, written in the background, flushed at exit. */
export interface Destination {
  write(line: string): void;
  /** Starts writing what is buffered; several calls in one turn of the event loop make one write. */
  flushSoon(): void;
  flushSync(): void;
  /** Resolves once everything handed over is with the operating system and the file is closed. */
  close(): Promise<void>;
  /** Lines lost because the buffer was full, and failed writes. */
  readonly dropped: number;
}

const defaults = { sizeMaxBytes: 64 * 2 ** 20, ageMaxMs: 86_400_000, filesMax: 8, keepMs: 7 * 86_400_000 };
/** pino's buffered writer refuses to wait for 16 KB or more. */
const writeMinBytes = 16_000;
/** A disk slower than the log for this long loses lines, counted, rather than memory. */
const bufferMaxBytes = 16 * 2 ** 20;
const flushPeriodMs = 500;

/** pino's buffered writer with the two members its types leave out. */
type Buffered = ReturnType<typeof pino.destination> & { readonly destroyed: boolean; readonly fd: number };
function openBuffered(options: Parameters<typeof pino.destination>[0]): Buffered {
  const stream = pino.destination(options) as Buffered;
  const flushSync = stream.flushSync.bind(stream);
  // pino calls it at the end of the process too, and it throws before the file is open: that would hide why the process ends so soon.
  stream.flushSync = () => {
    if (stream.fd >= 0) flushSync();
  };
  return stream;
}

/** Lines to stderr, buffered for at most half a second. */
export function openStderr(host: Host): Destination {
  return buffered(host, openBuffered({ dest: 2, sync: false, minLength: writeMinBytes, maxLength: bufferMaxBytes }));
}

/**
 * Lines to `<folder>/<service>.log`, closed and renamed to `<service>.<UTC stamp>.log` by size and
 * age. One process a service name: two would rename the file under each other.
 */
export function openRotatingFile(host: Host, folder: string, service: string, limits: RotationLimits = {}): Destination {
  const { sizeMaxBytes, ageMaxMs, filesMax, keepMs } = { ...defaults, ...limits };
  const path = join(folder, `${service}.log`);
  const existing = ensureFile(folder, path);
  let sizeBytes = existing.size;
  let openedMs = sizeBytes === 0 || existing.birthtimeMs === 0 ? host.clock.nowMs() : existing.birthtimeMs;

  const stream = openBuffered({
    dest: path, sync: false, mode: 0o640, minLength: writeMinBytes, maxLength: bufferMaxBytes,
  });
  const rotate = (): void => {
    sizeBytes = 0;
    openedMs = host.clock.nowMs();
    renameSync(path, closedPath(folder, service, openedMs));
    stream.reopen();
    removeOld(folder, service, openedMs - keepMs, filesMax);
  };
  stream.on('write', (writtenBytes: number) => void (sizeBytes += writtenBytes));
  // Only between two writes, as a write in flight would go on into the renamed file.
  stream.on('drain', () => {
    const isOld = sizeBytes > 0 && host.clock.nowMs() - openedMs >= ageMaxMs;
    if (sizeBytes < sizeMaxBytes && !isOld) return;
    try {
      rotate();
    } catch (error) {
      // A file too large is better than a service that dies of its log.
      stream.emit('error', error);
    }
  });
  return buffered(host, stream);
}

/** Makes folder and file, so that a path that cannot be written is found at start and not at the first line. */
function ensureFile(folder: string, path: string): Stats {
  try {
    mkdirSync(folder, { recursive: true });
    closeSync(openSync(path, 'a', 0o640));
    return statSync(path);
  } catch (error) {
    throw invalidConfig(`log file ${path} cannot be written: ${messageOf(error)}`, 'choose another log folder, or make this one writable', error);
  }
}

function buffered(host: Host, stream: Buffered): Destination {
  let dropped = 0;
  let flushing = false;
  stream.on('drop', () => void dropped++);
  // A full disk: what could not be written stays buffered and is tried again with the next write.
  stream.on('error', () => void dropped++);
  const flush = (): void => {
    flushing = false;
    if (!stream.destroyed && stream.fd >= 0) stream.flush();
  };
  stream.once('ready', flush);
  const timer = host.timers.every(flushPeriodMs, flush).unref();
  return {
    write: (line) => void stream.write(line),
    flushSoon() {
      if (flushing) return;
      flushing = true;
      host.timers.after(0, flush);
    },
    flushSync() {
      // Before the file is open there is nothing to write to; the buffer follows when it is.
      if (stream.fd >= 0 && !stream.destroyed) stream.flushSync();
    },
    close() {
      timer.cancel();
      if (stream.destroyed) return Promise.resolve();
      return new Promise<void>((resolve) => {
        stream.once('close', () => resolve());
        stream.end();
      });
    },
    get dropped() {
      return dropped;
    },
  };
}

/** Two rotations within a millisecond must not take each other's name. */
function closedPath(folder: string, service: string, timeMs: number): string {
  for (let at = timeMs; ; at++) {
    const path = join(folder, `${service}.${stamp(at)}.log`);
    if (!existsSync(path)) return path;
  }
}

/** `20261121T120600123Z`: sorts by time and holds no character that a file system dislikes. */
export function stamp(timeMs: number): string {
  return new Date(timeMs).toISOString().replaceAll(/[-:.]/g, '');
}

const closedName = /^(.+)\.(\d{8}T\d{9}Z)\.log$/;

/** The closed files of a service, oldest first. */
export function closedFiles(folder: string, service: string): string[] {
  return readdirSync(folder)
    .filter((name) => closedName.exec(name)?.[1] === service)
    .toSorted();
}

function removeOld(folder: string, service: string, beforeMs: number, filesMax: number): void {
  const oldest = stamp(beforeMs);
  closedFiles(folder, service).toReversed().forEach((name, index) => {
    const closedAt = closedName.exec(name)?.[2] ?? '';
    if (index >= filesMax || closedAt < oldest) rmSync(join(folder, name), { force: true });
  });
}
