import { spawnSync } from 'node:child_process';
import type { Host } from '../core/host.ts';

/** Every process of this machine with its command line, as far as we may read it. */
export function listCommands(host: Host): [pid: number, command: string][] {
  if (host.process.platform === 'linux') {
    return listPids(host).map((pid) => [pid, readProc(host, pid, 'cmdline')]);
  }
  const listed = spawnSync('ps', ['-axo', 'pid=,command='], { encoding: 'utf8', maxBuffer: 16_777_216 });
  return listed.stdout.split('\n').map((line) => {
    const [, pid = '0', command = ''] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    return [Number(pid), command];
  });
}

/**
 * Processes whose environment holds `NAME=value`, which their descendants inherit. Linux only:
 * elsewhere none, as the environment of others cannot be read.
 */
export function listPidsWithEnv(host: Host, name: string, value: string): number[] {
  if (host.process.platform !== 'linux') return [];
  const entry = `${name}=${value}`;
  return listPids(host).filter((pid) => pid !== host.process.pid && isAlive(host, pid) && readProc(host, pid, 'environ').split(' ').includes(entry));
}

/** Whether `pid` runs. One that has ended and waits for its parent to notice does not. */
export function isAlive(host: Host, pid: number): boolean {
  if (!host.process.kill(pid, 0)) return false;
  if (host.process.platform !== 'linux') return true;
  // The state follows the name in parentheses, which may itself hold parentheses.
  const stat = readProc(host, pid, 'stat');
  const state = stat.slice(stat.lastIndexOf(')') + 2)[0];
  return stat !== '' && state !== 'Z' && state !== 'X';
}

/** Whether `pid` lives and its command line contains `part`, so that a reused pid is not mistaken. */
export function isRunning(host: Host, pid: number, part: string): boolean {
  if (!host.process.kill(pid, 0)) return false;
  if (host.process.platform === 'linux') return readProc(host, pid, 'cmdline').includes(part);
  return listCommands(host).some(([id, command]) => id === pid && command.includes(part));
}

function listPids(host: Host): number[] {
  return host.files.list('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
}

function readProc(host: Host, pid: number, file: string): string {
  try {
    return host.files.readText(`/proc/${pid}/${file}`).replaceAll('\0', ' ');
  } catch {
    // It ended between listing and reading, or is not ours.
    return '';
  }
}
