import { spawnSync } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../core/host.ts';

const outputMaxBytes = 5_242_880;
let bunPath: string | null | undefined;

/** The executable for a runtime: Bun of the npm package where it runs, else the Node we run in. */
export function runtimePath(host: Host, runtime: 'node' | 'bun', root: string): string {
  if (runtime === 'node') return host.process.execPath;
  bunPath ??= findBun(host, root) ?? null;
  return bunPath ?? host.process.execPath;
}

function findBun(host: Host, root: string): string | undefined {
  const folder = join(root, 'node_modules/bun');
  const path = join(folder, 'bin/bun.exe');
  if (!host.files.exists(path)) return undefined;
  const runs = (): boolean => spawnSync(path, ['--version'], { stdio: 'ignore', timeout: 10_000 }).status === 0;
  if (runs()) return path;
  // Where npm blocked its install script, the package holds a placeholder; the script puts the binary there.
  spawnSync(host.process.execPath, [join(folder, 'install.js')], { cwd: folder, stdio: 'ignore', timeout: 120_000 });
  return runs() ? path : undefined;
}

/**
 * Opens the file a child's raw output is appended to. What passes 5 MB at a start moves to
 * `NAME.out.1`, so a process holds at most that and what it writes in one life; services write
 * their logs themselves, so little comes here but last words.
 */
export function openOutput(host: Host, folder: string, name: string): { fd: number; path: string; startBytes: number } {
  host.files.makeFolder(folder, 0o700);
  const path = join(folder, `${name}.out`);
  if (host.files.exists(path) && host.files.sizeBytes(path) > outputMaxBytes) renameSync(path, `${path}.1`);
  const fd = openSync(path, 'a', 0o600);
  return { fd, path, startBytes: statSync(path).size };
}

export function closeOutput(fd: number): void {
  closeSync(fd);
}

/** What a program prints around a message when it throws. */
const traceLine = /^\s+at |^\s*\^+\s*$|^\s*$|^Node\.js v|^Bun v/;

/** The last lines of a file that say something, on one line, for the message about a process that failed. */
export function lastWords(host: Host, path: string, fromByte: number): string {
  if (!host.files.exists(path)) return '';
  const lines = host.files.readBytes(path).subarray(fromByte).toString('utf8').split('\n');
  return lines.filter((line) => !traceLine.test(line)).slice(-3).map((line) => line.trim()).join('; ').slice(-600);
}
