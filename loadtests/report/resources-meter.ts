import type { Clock, Host } from '../../ops/core/host.ts';
import type { LiveView, WorkerHealth } from '../swarm/measurement.ts';
import { GeneratorRecord } from './generator-use.ts';
import type { GeneratorUse } from './generator-use.ts';

/** What one process of the system, or the generator, used over a run. */
export interface ProcessUsage {
  readonly name: string;
  /** User and system CPU time, seconds. */
  readonly cpuS: number;
  /** Resident memory over time: 10^9 bytes for one second. */
  readonly gbS: number;
}

/** Memory of several processes at one moment. */
export interface MemoryPoint {
  /** Seconds since the first sample. */
  readonly second: number;
  readonly bytes: Readonly<Record<string, number>>;
}

/** Points that a series keeps; beyond them every second one is left out and the period doubles. */
const pointsMax = 240;
/** Names beyond these are not followed: a stack has a handful of processes. */
const namesMax = 64;
/** What a pause of the sampler may count at most, so that a machine that slept is not billed. */
const gapMaxS = 60;

/** Memory over time by name: a bounded series to draw and test, and the exact integral beside it. */
export class MemorySeries {
  readonly #clock: Clock;
  readonly #gbS = new Map<string, number>();
  #points: MemoryPoint[] = [];
  #everyS = 0;
  #startMs: number | undefined;
  #last: { readonly atMs: number; readonly bytes: ReadonlyMap<string, number> } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes the memory of now; what was there before counts until now. */
  add(bytes: ReadonlyMap<string, number>): void {
    const atMs = this.#clock.monotonicMs();
    this.#startMs ??= atMs;
    if (this.#last !== undefined) {
      const passedS = Math.min(gapMaxS, (atMs - this.#last.atMs) / 1_000);
      for (const [name, held] of this.#last.bytes) {
        if (this.#gbS.size < namesMax || this.#gbS.has(name)) this.#gbS.set(name, (this.#gbS.get(name) ?? 0) + (held / 1e9) * passedS);
      }
    }
    this.#last = { atMs, bytes: new Map(bytes) };
    this.#keep((atMs - this.#startMs) / 1_000, bytes);
  }

  /** The integral so far, GB·s. */
  gbS(name: string): number {
    return this.#gbS.get(name) ?? 0;
  }

  points(): readonly MemoryPoint[] {
    return this.#points;
  }

  #keep(second: number, bytes: ReadonlyMap<string, number>): void {
    const last = this.#points.at(-1);
    if (last !== undefined && second - last.second < this.#everyS) return;
    this.#points.push({ second: Number(second.toFixed(1)), bytes: Object.fromEntries([...bytes].slice(0, namesMax)) });
    if (this.#points.length <= pointsMax) return;
    const spanS = second - (this.#points[0]?.second ?? 0);
    this.#points = this.#points.filter((_, index) => index % 2 === 0);
    // A little less than the period, so that a sample that comes early is not left out.
    this.#everyS = (spanS / (this.#points.length - 1)) * 0.9;
  }
}

/** Follows what the generator itself uses: its workers, and the process that leads them. */
export interface GeneratorMeter {
  /** The workers are ready, and all that users take before they act is laid out. */
  ready(): void;
  /** Takes the workers' state of a second. */
  tick(view: Pick<LiveView, 'workers' | 'phase' | 'usersTotal' | 'ratePerS'>): void;
  /** @param workers their last state */
  usage(workers: readonly WorkerHealth[]): { readonly usage: ProcessUsage; readonly memory: MemorySeries };
  /** CPU time and memory of the hold; undefined where there was none. */
  use(): GeneratorUse | undefined;
}

export const generatorName = 'generator';

/** Begins to follow now. */
export function createGeneratorMeter(host: Pick<Host, 'clock' | 'process'>): GeneratorMeter {
  const memory = new MemorySeries(host.clock);
  const record = new GeneratorRecord();
  const ownAtStartUs = host.process.cpuUs();
  const ownAtStartBytes = host.process.rssBytes();
  const cpuUsOf = (workers: readonly WorkerHealth[]): number => workers.reduce((sum, worker) => sum + worker.cpuUs, host.process.cpuUs() - ownAtStartUs);
  let ownLaidOutBytes = 0;
  return {
    ready() {
      ownLaidOutBytes = Math.max(0, host.process.rssBytes() - ownAtStartBytes);
    },
    tick({ workers, phase, usersTotal, ratePerS }) {
      const sum = (pick: (worker: WorkerHealth) => number): number => workers.reduce((total, worker) => total + pick(worker), 0);
      const rssBytes = host.process.rssBytes() + sum((worker) => worker.rssBytes);
      memory.add(new Map([[generatorName, rssBytes]]));
      record.add({
        phase, usersTotal, rssBytes, operations: ratePerS, cpuUs: cpuUsOf(workers), usersStarted: sum((worker) => worker.usersStarted),
        laidOutBytes: ownLaidOutBytes + sum((worker) => worker.laidOutBytes ?? 0),
      });
    },
    use: () => record.use(),
    usage(workers) {
      const cpuUs = cpuUsOf(workers);
      return { memory, usage: { name: generatorName, cpuS: cpuUs / 1e6, gbS: memory.gbS(generatorName) } };
    },
  };
}
