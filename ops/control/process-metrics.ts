import type { Host } from '../core/host.ts';
import type { Labels } from '../metricstore/series.ts';
import { isRunning } from '../supervisor/process-table.ts';
import { limits } from '../supervisor/process-state.ts';
import { supervisorEntry } from '../supervisor/stack-state.ts';
import type { StackProcess, StackState } from '../supervisor/stack-state.ts';
import type { MetricFamily } from './exposition.ts';
import type { MachineUsage, Usage } from './process-usage.ts';

export interface Observed {
  /** Undefined where no supervisor keeps a state, as in containers. */
  readonly stack: StackState | undefined;
  readonly supervisorUp: boolean;
  readonly usage: ReadonlyMap<number, Usage>;
  readonly machine: MachineUsage;
  readonly disk: { readonly sizeBytes: number; readonly freeBytes: number };
}

/** Whether the supervisor that keeps this state still does. */
export function isSupervised(host: Host, stack: StackState | undefined): boolean {
  return stack !== undefined && isRunning(host, stack.supervisorPid, supervisorEntry);
}

const states = ['waiting', 'starting', 'ready', 'unready', 'backoff', 'stopping', 'stopped', 'failed'] as const;
/** Unasked ends within a minute from which one speaks of a loop; at five the supervisor gives up. */
const loopFrom = limits.crashLoopCount - 2;

/** What the supervisor and the machine tell of processes, memory and disk, as metrics. */
export function processFamilies({ stack, supervisorUp, usage, machine, disk }: Observed): MetricFamily[] {
  const processes = stack?.processes ?? [];
  const each = (value: (process: StackProcess) => number | undefined): MetricFamily['samples'] =>
    processes.flatMap((process): [Labels, number][] => {
      const found = value(process);
      return found === undefined ? [] : [[{ process: process.name, service: process.service, kind: process.kind }, found]];
    });
  const used = (process: StackProcess): Usage | undefined => (process.pid === null ? undefined : usage.get(process.pid));
  return [
    gauge('sora_supervisor_up', '1 while the supervisor of the stack runs; what it last said of processes stays otherwise', stack === undefined ? [] : [[{}, supervisorUp ? 1 : 0]]),
    gauge('sora_process_up', '1 while a process of the stack is ready', each(({ state }) => (state === 'ready' && supervisorUp ? 1 : 0))),
    gauge('sora_process_state', '1 for the state a process of the stack is in', processes.flatMap(({ name, service, kind, state }) => states.map((known): [Labels, number] => [{ process: name, service, kind, state: known }, known === state ? 1 : 0]))),
    { name: 'sora_process_restarts_total', type: 'counter', help: 'Times the supervisor started a process anew after it had ended unasked', samples: each(({ restarts }) => restarts) },
    gauge('sora_process_crashes', 'Times a process ended unasked within the last minute; at five it is given up', each(({ crashes }) => crashes)),
    gauge('sora_process_crash_looping', '1 while a process has ended unasked three times within a minute, or was given up', each(({ crashes, state }) => (crashes >= loopFrom || state === 'failed' ? 1 : 0))),
    gauge('sora_process_start_time_seconds', 'When a process was started, in seconds of Unix time', each(({ startedAt }) => (startedAt === null ? undefined : Date.parse(startedAt) / 1_000))),
    gauge('sora_process_cold_start_seconds', 'From the start of a process to its readiness', each(({ startedAt, readyAt }) => (startedAt === null || readyAt === null ? undefined : Math.max(0, Date.parse(readyAt) - Date.parse(startedAt)) / 1_000))),
    { name: 'sora_process_cpu_seconds_total', type: 'counter', help: 'CPU time of a process and its children', samples: each((process) => used(process)?.cpuS) },
    gauge('sora_process_resident_memory_bytes', 'Resident memory of a process and its children; what they share counts once', each((process) => used(process)?.residentBytes)),
    gauge('sora_process_memory_limit_bytes', 'What a process is meant to stay below: memoryLimitMb of the topology, else the memory of the machine', each(({ memoryLimitBytes }) => memoryLimitBytes ?? machine.memoryBytes)),
    gauge('sora_machine_memory_bytes', 'Memory of the machine, or of the control group where that is less', [[{}, machine.memoryBytes]]),
    gauge('sora_machine_memory_available_bytes', 'Memory that programs can still take', [[{}, machine.memoryAvailableBytes]]),
    gauge('sora_machine_cores', 'Cores of the machine', [[{}, machine.cores]]),
    gauge('sora_disk_size_bytes', 'Size of the file system that holds the state', [[{ volume: 'state' }, disk.sizeBytes]]),
    gauge('sora_disk_free_bytes', 'What of the file system that holds the state can still be filled', [[{ volume: 'state' }, disk.freeBytes]]),
  ];
}

function gauge(name: string, help: string, samples: MetricFamily['samples']): MetricFamily {
  return { name, type: 'gauge', help, samples };
}
