import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import type { Host } from '../../ops/core/host.ts';
import { isAlive } from '../../ops/supervisor/process-table.ts';

export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Every process of this machine, as far as we may see it. */
export function listProcesses(host: Host): ProcessRow[] {
  if (host.process.platform === 'linux') return readdirSync('/proc').flatMap(readLinux);
  const { stdout } = spawnSync('ps', ['-axo', 'pid=,ppid=,command='], { encoding: 'utf8', maxBuffer: 16_777_216 });
  return stdout.split('\n').flatMap((line) => {
    const found = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    return found === null ? [] : [{ pid: Number(found[1]), parent: Number(found[2]), command: found[3] ?? '' }];
  });
}

function readLinux(name: string): ProcessRow[] {
  if (!/^\d+$/.test(name)) return [];
  try {
    const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
    // The fields after the name, which stands in parentheses and may hold some itself: state, parent, …
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return [{ pid: Number(name), parent, command }];
  } catch {
    // It ended between listing and reading.
    return [];
  }
}

/** All below a process, itself not among them. */
export function descendantsOf(rows: readonly ProcessRow[], pid: number): ProcessRow[] {
  const children = rows.filter((row) => row.parent === pid);
  return children.flatMap((child) => [child, ...descendantsOf(rows, child.pid)]);
}

/** Those that still live under the same command line; a pid may be another program's by now. */
export function survivorsOf(host: Host, before: readonly ProcessRow[]): ProcessRow[] {
  const now = new Map(listProcesses(host).map((row) => [row.pid, row.command]));
  return before.filter(({ pid, command }) => isAlive(host, pid) && isSame(command, now.get(pid) ?? ''));
}

/** A PostgreSQL backend rewrites its title as it works; its program and cluster stay. */
function isSame(before: string, now: string): boolean {
  if (before.startsWith('postgres: ')) return now.startsWith(before.split(' ', 2).join(' '));
  return before === now;
}
