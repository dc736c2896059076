import { spawnSync } from 'node:child_process';
import { cpus, freemem, totalmem } from 'node:os';
import type { Host } from '../core/host.ts';

/** What a process and, for a database, all its backends use. */
export interface Usage {
  readonly cpuS: number;
  readonly residentBytes: number;
}

export interface MachineUsage {
  readonly memoryBytes: number;
  readonly memoryAvailableBytes: number;
  readonly cores: number;
}

/** The kernel counts time for programs in hundredths of a second, whatever its own clock. */
const ticksPerS = 100;
const pageBytes = 4_096;

/**
 * CPU and memory by pid, each with its children: PostgreSQL's work is its backends'. Memory that parent and children
 * share counts once. A pid that has ended is missing.
 */
export function readUsage(host: Host, pids: readonly number[]): ReadonlyMap<number, Usage> {
  return host.process.platform === 'linux' ? readProc(host, new Set(pids)) : askPs(pids);
}

function readProc(host: Host, pids: ReadonlySet<number>): ReadonlyMap<number, Usage> {
  const found = new Map<number, { cpuTicks: number; privatePages: number; sharedPages: number }>();
  for (const name of host.files.list('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(host, name);
    if (stat === undefined) continue;
    const owner = pids.has(Number(name)) ? Number(name) : pids.has(stat.parent) ? stat.parent : undefined;
    if (owner === undefined) continue;
    const [, resident = 0, shared = 0] = readFile(host, `/proc/${name}/statm`).split(' ').map(Number);
    const sum = found.get(owner) ?? { cpuTicks: 0, privatePages: 0, sharedPages: 0 };
    found.set(owner, {
      cpuTicks: sum.cpuTicks + stat.ticks + (owner === Number(name) ? stat.childTicks : 0),
      privatePages: sum.privatePages + resident - shared,
      sharedPages: Math.max(sum.sharedPages, shared),
    });
  }
  return new Map([...found].map(([pid, { cpuTicks, privatePages, sharedPages }]) => [pid, { cpuS: cpuTicks / ticksPerS, residentBytes: (privatePages + sharedPages) * pageBytes }]));
}

interface Stat {
  readonly parent: number;
  readonly ticks: number;
  /** Of children that have ended and were waited for. */
  readonly childTicks: number;
}

function readStat(host: Host, pid: string): Stat | undefined {
  const text = readFile(host, `/proc/${pid}/stat`);
  // The name in parentheses may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const at = (index: number): number => Number(fields[index] ?? Number.NaN);
  return text === '' ? undefined : { parent: at(1), ticks: at(11) + at(12), childTicks: at(13) + at(14) };
}

function readFile(host: Host, path: string): string {
  try {
    return host.files.readText(path);
  } catch {
    // It ended between listing and reading.
    return '';
  }
}

function askPs(pids: readonly number[]): ReadonlyMap<number, Usage> {
  if (pids.length === 0) return new Map();
  const { stdout } = spawnSync('ps', ['-o', 'pid=,rss=,time=', '-p', pids.join(',')], { encoding: 'utf8', timeout: 2_000 });
  return new Map(stdout.split('\n').flatMap((line): [number, Usage][] => {
    const [pid = '', rss = '', time = ''] = line.trim().split(/\s+/);
    if (time === '') return [];
    const cpuS = time.split(/[:-]/).reduce((sum, part) => sum * 60 + Number(part), 0);
    return [[Number(pid), { cpuS, residentBytes: Number(rss) * 1_024 }]];
  }));
}

/** Memory of the machine, or of the control group we live in where that is less. */
export function readMachine(host: Host): MachineUsage {
  const cores = cpus().length;
  const limit = Number(readFile(host, '/sys/fs/cgroup/memory.max'));
  const used = Number(readFile(host, '/sys/fs/cgroup/memory.current'));
  const whole = totalmem();
  const available = Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFile(host, '/proc/meminfo'))?.[1] ?? Number.NaN) * 1_024;
  const free = Number.isNaN(available) ? freemem() : available;
  // An empty or absent file reads as 0, `max` as NaN.
  return limit > 0 && limit < whole ? { memoryBytes: limit, memoryAvailableBytes: Math.min(free, Math.max(0, limit - used)), cores } : { memoryBytes: whole, memoryAvailableBytes: free, cores };
}
