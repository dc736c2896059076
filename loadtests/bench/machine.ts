import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { versions } from 'node:process';

/** Where the figures were taken; without it they mean nothing. */
export interface Machine {
  readonly cores: number;
  readonly cpuModel: string;
  readonly memoryBytes: number;
  readonly node: string;
  /** Processes running or waiting for a core, mean of the last minute, before the first measurement. */
  readonly loadAverage: number;
}

/** Above this, others take CPU time and caches from what is measured. */
const loadAverageMax = 1;

export function readMachine(): Machine {
  return {
    cores: availableParallelism(),
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
    memoryBytes: totalmem(),
    node: versions.node,
    loadAverage: loadavg()[0] ?? 0,
  };
}

/** One line, such as `2 cores of Xeon, 24 GB of memory, node 24.1.0, load average 0.2`. */
export function describeMachine({ cores, cpuModel, memoryBytes, node, loadAverage }: Machine): string {
  return `${cores} ${cores === 1 ? 'core' : 'cores'} of ${cpuModel}, ${Math.round(memoryBytes / 2 ** 30)} GB of memory, node ${node}, load average ${loadAverage.toFixed(2)}`;
}

/** What to say before measuring; undefined on an idle machine. */
export function warnOfLoad({ loadAverage }: Machine): string | undefined {
  if (loadAverage <= loadAverageMax) return undefined;
  return `warning: the load average is ${loadAverage.toFixed(2)}, above ${loadAverageMax}: others use the machine, so the figures come out too bad; run it again when it is idle`;
}
