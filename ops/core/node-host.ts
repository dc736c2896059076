import { randomBytes, randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import type { Files, Host, Output, Ownership, ProcessHost, SignalName, Timer, Timers } from './host.ts';
import { nicenessOf, setNiceness } from './niceness.ts';

/** The real host of a Node or Bun process. Create it once, in an entry point, and pass it on. */
export function createNodeHost(): Host {
  return {
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    timers: nodeTimers,
    random: { float: () => Math.random(), bytes: (count) => randomBytes(count), uuid: () => randomUUID() },
    process: nodeProcess(),
    files: nodeFiles,
    stdout: output(process.stdout, 1),
    stderr: output(process.stderr, 2),
  };
}

function wrapTimer(handle: NodeJS.Timeout, cancel: () => void): Timer {
  const timer: Timer = {
    cancel,
    unref: () => {
      handle.unref();
      return timer;
    },
  };
  return timer;
}

const nodeTimers: Timers = {
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs);
    return wrapTimer(handle, () => clearTimeout(handle));
  },
  every(periodMs, run) {
    const handle = setInterval(run, periodMs);
    return wrapTimer(handle, () => clearInterval(handle));
  },
  soon: (run) => void setImmediate(run),
  sleep(delayMs, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const onAbort = (): void => {
        clearTimeout(handle);
        reject(signal?.reason as Error);
      };
      const handle = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, delayMs);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  },
};

function nodeProcess(): ProcessHost {
  return {
    pid: process.pid,
    argv: process.argv.slice(2),
    env: process.env,
    platform: process.platform,
    arch: process.arch,
    execPath: process.execPath,
    uid: process.geteuid?.(),
    cwd: () => process.cwd(),
    exit: (code) => process.exit(code),
    setExitCode: (code) => {
      process.exitCode = code;
    },
    onSignal: (name: SignalName, run) => {
      process.on(name, run);
      return () => process.off(name, run);
    },
    kill: killProcess,
    niceness: () => nicenessOf(process.pid),
    setNiceness: (niceness) => setNiceness(process.pid, niceness),
    cpuUs: () => {
      const used = process.cpuUsage();
      return used.user + used.system;
    },
    rssBytes: () => process.memoryUsage.rss(),
    stdin: () => process.stdin,
  };
}

function killProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    // EPERM: it exists but belongs to someone else, as a database run under another uid may.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const nodeFiles: Files = {
  exists: (path) => fs.existsSync(path),
  readText: (path) => fs.readFileSync(path, 'utf8'),
  readBytes: (path) => fs.readFileSync(path),
  writeText(path, text, mode) {
    fs.mkdirSync(dirname(path), { recursive: true });
    const beside = `${path}.${process.pid}.tmp`;
    fs.writeFileSync(beside, text, mode === undefined ? {} : { mode });
    fs.renameSync(beside, path);
  },
  list: (folder) => (fs.existsSync(folder) ? fs.readdirSync(folder) : []),
  makeFolder: (path, mode) => {
    fs.mkdirSync(path, { recursive: true, ...(mode === undefined ? {} : { mode }) });
  },
  remove: (path) => fs.rmSync(path, { recursive: true, force: true }),
  link(target, path) {
    fs.rmSync(path, { force: true, recursive: true });
    fs.symlinkSync(target, path);
  },
  sizeBytes: (path) => fs.statSync(path).size,
  modifiedMs: (path) => fs.statSync(path).mtimeMs,
  ownership(path) {
    const found = fs.lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    return { uid: found.uid, gid: found.gid, mode: found.mode & 0o7777, kind: kindOf(found) };
  },
  setOwner: (path, uid, gid) => fs.lchownSync(path, uid, gid),
  setMode: (path, mode) => fs.chmodSync(path, mode),
  createText(path, text, mode) {
    try {
      fs.writeFileSync(path, text, { flag: 'wx', ...(mode === undefined ? {} : { mode }) });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  },
  diskSpace(path) {
    const { bsize, blocks, bavail } = fs.statfsSync(path);
    return { sizeBytes: bsize * blocks, freeBytes: bsize * bavail };
  },
  copyFolder: (from, to) => fs.cpSync(from, to, { recursive: true, verbatimSymlinks: true }),
};

function kindOf(found: fs.Stats): Ownership['kind'] {
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'folder';
  return found.isSymbolicLink() ? 'link' : 'other';
}

function output(stream: NodeJS.WriteStream, descriptor: number): Output {
  return {
    write: (text) => {
      stream.write(text);
    },
    get isTty() {
      return stream.isTTY;
    },
    get columns() {
      return (stream.columns ?? 0) > 0 ? stream.columns : 80;
    },
    get file() {
      try {
        const { dev, ino } = fs.fstatSync(descriptor);
        return `${dev}:${ino}`;
      } catch {
        return undefined;
      }
    },
  };
}
