import type { Host } from '../../ops/core/host.ts';
import { LoopDelay } from './loop-delay.ts';

const windowMs = 5_000;

/** Shares of a core are taken over windows of 5 s, so that one busy second does not condemn a run. */
export class CoreShare {
  readonly #samples: { readonly atMs: number; readonly cpuUs: number }[] = [];
  #max = 0;

  get max(): number {
    return this.#max;
  }

  sample(atMs: number, cpuUs: number): void {
    this.#samples.push({ atMs, cpuUs });
    // The oldest sample kept is the youngest that still spans a whole window.
    while (this.#samples.length > 2 && atMs - this.#samples[1]!.atMs >= windowMs) this.#samples.shift();
    const first = this.#samples[0]!;
    const spanMs = atMs - first.atMs;
    if (spanMs >= windowMs) this.#max = Math.max(this.#max, (cpuUs - first.cpuUs) / (spanMs * 1_000));
  }

  /** For a hold shorter than a window: the share over all of it. */
  finish(): void {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (this.#max > 0 || first === undefined || last === undefined || last.atMs <= first.atMs) return;
    this.#max = (last.cpuUs - first.cpuUs) / ((last.atMs - first.atMs) * 1_000);
  }
}

/** Watches how the generator's own process fares during the hold. */
export class HealthMonitor {
  readonly #host: Host;
  readonly #delay: LoopDelay;
  readonly #share = new CoreShare();
  readonly #startCpuUs: number;
  readonly rssAtStartBytes: number;
  #holding = false;

  /**
   * @param rssAtStartBytes memory before the job, see `WorkerHealth`
   * @param turnMs how often `turn` is called
   */
  constructor(host: Host, rssAtStartBytes: number, turnMs: number) {
    this.#host = host;
    this.#startCpuUs = host.process.cpuUs();
    this.rssAtStartBytes = rssAtStartBytes;
    this.#delay = new LoopDelay(turnMs);
  }

  /** The loop's timer has come. */
  turn(nowMs: number): void {
    this.#delay.came(nowMs);
  }

  /** Takes the second's sample. @param inHold whether the hold is under way */
  sample(nowMs: number, inHold: boolean): void {
    if (inHold && !this.#holding) this.#delay.reset();
    if (!inHold && this.#holding) this.#share.finish();
    this.#holding = inHold;
    if (inHold) this.#share.sample(nowMs, this.#host.process.cpuUs());
  }

  get cpuUs(): number {
    return this.#host.process.cpuUs() - this.#startCpuUs;
  }

  get coreShareMax(): number {
    return this.#share.max;
  }

  /** By how much the loop's timer came late, 99th percentile. */
  get loopDelayP99Ms(): number {
    return this.#delay.p99Ms;
  }

  get rssBytes(): number {
    return this.#host.process.rssBytes();
  }
}
