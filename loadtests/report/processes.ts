import { spawnSync } from 'node:child_process';
import { z } from 'zod';
import type { Host } from '../../ops/core/host.ts';
import { MemorySeries } from './resources-meter.ts';
import type { ProcessUsage } from './resources-meter.ts';
import type { SummaryProcess } from './summary-schema.ts';

/** One process of the machine at one moment. */
export interface ProcessRow {
  readonly pid: number;
  readonly parentPid: number;
  readonly cpuUs: number;
  readonly rssBytes: number;
  /** Of that, not shared with others. */
  readonly privateBytes: number;
}

export interface ProcessSampler {
  /** Takes one sample now. */
  sample(): void;
  /** @param operations done while sampling */
  result(operations: number): SummaryProcess[];
  /** CPU time, memory over time and its integral, of each process. */
  usage(): { readonly processes: ProcessUsage[]; readonly memory: MemorySeries };
}

const stateShape = z.object({ processes: z.array(z.object({ name: z.string(), pid: z.number().nullable() })) });

/**
 * Follows the CPU time and memory of the stack's processes with all their children, through restarts.
 * @param statePath the stack's state.json
 * @param readTable answers the machine's processes; default the real ones
 */
export function createProcessSampler(host: Host, statePath: string, readTable: () => ProcessRow[] = () => readProcessTable(host)): ProcessSampler {
  return createTreeSampler(host, () => readState(host, statePath), readTable);
}

/** A process that is followed with all its children, under a name. */
export interface NamedProcess {
  readonly name: string;
  /** null while it does not run. */
  readonly pid: number | null;
}

/**
 * Follows the CPU time and memory of processes with all their children.
 * @param roots asked at each sample
 * @param readTable answers the machine's processes; default the real ones
 */
export function createTreeSampler(host: Host, roots: () => readonly NamedProcess[], readTable: () => ProcessRow[] = () => readProcessTable(host)): ProcessSampler {
  const names = new Map<number, string>();
  const cpu = new Map<number, { firstUs: number; lastUs: number; name: string }>();
  const rssMax = new Map<string, number>();
  const memory = new MemorySeries(host.clock);
  let isFirst = true;
  const usedUs = (): Map<string, number> => {
    const used = new Map<string, number>();
    for (const { name, firstUs, lastUs } of cpu.values()) used.set(name, (used.get(name) ?? 0) + lastUs - firstUs);
    return new Map([...used].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  };
  return {
    sample() {
      for (const { name, pid } of roots()) if (pid !== null) names.set(pid, name);
      const rows = readTable();
      const parents = new Map(rows.map((row) => [row.pid, row.parentPid]));
      const rss = new Map<string, number>();
      for (const row of rows) {
        const name = ownerOf(row.pid, names, parents);
        if (name === undefined) continue;
        const known = cpu.get(row.pid);
        // A process first seen later has done all its work meanwhile.
        if (known === undefined) cpu.set(row.pid, { firstUs: isFirst ? row.cpuUs : 0, lastUs: row.cpuUs, name });
        else known.lastUs = row.cpuUs;
        // A child shares memory with its parent; only its own counts.
        rss.set(name, (rss.get(name) ?? 0) + (names.has(row.pid) ? row.rssBytes : row.privateBytes));
      }
      for (const [name, bytes] of rss) rssMax.set(name, Math.max(bytes, rssMax.get(name) ?? 0));
      memory.add(rss);
      isFirst = false;
    },
    result(operations) {
      return [...usedUs()].map(([name, us]) => ({
        name, cpuUsPerOperation: operations === 0 ? null : us / operations, rssMaxBytes: Math.round(rssMax.get(name) ?? 0),
      }));
    },
    usage() {
      return { memory, processes: [...usedUs()].map(([name, us]) => ({ name, cpuS: us / 1e6, gbS: memory.gbS(name) })) };
    },
  };
}

function readState(host: Host, path: string): readonly NamedProcess[] {
  try {
    return stateShape.parse(JSON.parse(host.files.readText(path))).processes;
  } catch {
    // It is being written or the stack is gone; the next sample tries again.
    return [];
  }
}

/** The process of the stack that this one is or descends from. */
function ownerOf(pid: number, names: ReadonlyMap<number, string>, parents: ReadonlyMap<number, number>): string | undefined {
  let at: number | undefined = pid;
  for (let depth = 0; at !== undefined && depth < 10; depth += 1) {
    const name = names.get(at);
    if (name !== undefined) return name;
    at = parents.get(at);
  }
  return undefined;
}

/** All processes, from /proc on Linux and from `ps` elsewhere; empty where neither answers. */
export function readProcessTable(host: Host): ProcessRow[] {
  return host.process.platform === 'linux' ? readProc(host) : readPs();
}

const ticksPerS = 100;
const pageBytes = 4_096;

function readProc(host: Host): ProcessRow[] {
  return host.files.list('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = host.files.readText(`/proc/${name}/stat`);
      // The second field is the command in brackets and may hold anything.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const [, resident = '0', shared = '0'] = host.files.readText(`/proc/${name}/statm`).split(' ');
      return [{
        pid: Number(name),
        parentPid: Number(fields[1]),
        cpuUs: ((Number(fields[11]) + Number(fields[12])) / ticksPerS) * 1e6,
        rssBytes: Number(resident) * pageBytes,
        privateBytes: Math.max(0, Number(resident) - Number(shared)) * pageBytes,
      }];
    } catch {
      // It ended between the listing and the reading.
      return [];
    }
  });
}

function readPs(): ProcessRow[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,rss=,time='], { encoding: 'utf8', timeout: 5_000 });
  return (stdout ?? '').split('\n').flatMap((line) => {
    const [pid, parentPid, rssKb, time] = line.trim().split(/\s+/);
    if (time === undefined) return [];
    const rssBytes = Number(rssKb) * 1_024;
    return [{ pid: Number(pid), parentPid: Number(parentPid), cpuUs: clockUs(time), rssBytes, privateBytes: rssBytes }];
  });
}

/** `[hours:]minutes:seconds.hundredths` to µs. */
function clockUs(time: string): number {
  return time.split(/[-:]/).reduce((total, part) => total * 60 + Number(part), 0) * 1e6;
}
