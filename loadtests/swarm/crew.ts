import { SoraError, type ExitCode } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import type { RunPlan } from './engine.ts';
import { workerBlocked, workerLost } from './error-kinds.ts';
import type { LiveView, WorkerTick } from './measurement.ts';
import { Merge } from './merge.ts';
import { requireBun } from './transport/bun-runtime.ts';
import { startWorker, type WorkerLine, type WorkerRuntime } from './worker-channel.ts';
import type { FromWorker, ToWorker, WorkerJob, WorkerResult } from './worker-messages.ts';

export interface CrewOptions {
  readonly host: Host;
  readonly workerFile: string;
  readonly plan: RunPlan;
  /** Users of these workers together. */
  readonly users: number;
  readonly jobs: readonly WorkerJob[];
  readonly graceMs: number;
  readonly onTick: ((live: LiveView) => void) | undefined;
  readonly onWorkerTick?: ((tick: WorkerTick) => void) | undefined;
  readonly log: (message: string) => void;
}

export interface CrewOutcome {
  readonly merge: Merge;
  readonly results: readonly WorkerResult[];
  readonly interrupted: boolean;
  readonly aborted: string | undefined;
  readonly workersLost: readonly number[];
}

type State = 'starting' | 'ready' | 'running' | 'done' | 'lost';

/** A worker that has not reported this long after it should have ended is killed and counts as lost. */
const overdueMs = 15_000;
/** A second waits this many others for a worker's report. */
const secondsOpenMax = 10;
/** Workers load the scenario and lay out their users in this time. */
const prepareMs = 120_000;
/** A worker that runs says something each second; one that is silent for this long does nothing but compute. */
const silentMs = 5_000;
/** Workers that are to end at once report in this time or are lost. */
const hurriedMs = 500;

/** The worker processes of a run: starts them, adds up what they report, notices those that die. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #merge: Merge;
  readonly #lines: WorkerLine<ToWorker>[] = [];
  readonly #states: State[] = [];
  readonly #results: WorkerResult[] = [];
  readonly #lost: number[] = [];
  #interrupted = false;
  #aborted: string | undefined;
  #failure: SoraError | undefined;
  /** Why workers ended before the run began. */
  readonly #endedBy: string[] = [];
  /** When each worker spoke last, and when the run began; by the monotonic clock. */
  readonly #heardMs: number[] = [];
  #beganMs = 0;
  #wake: () => void = () => undefined;

  constructor(options: CrewOptions) {
    this.#options = options;
    this.#merge = new Merge(options.plan.rampMs, options.plan.holdMs);
  }

  get pids(): number[] {
    return this.#lines.flatMap((line) => (line.pid === undefined ? [] : [line.pid]));
  }

  /** What was measured so far. */
  get merge(): Merge {
    return this.#merge;
  }

  /** Starts all workers and waits until each has loaded the scenario. @throws SoraError when one cannot */
  async prepare(): Promise<void> {
    if (this.#interrupted) return;
    for (const job of this.#options.jobs) {
      const { worker } = job;
      this.#states[worker] = 'starting';
      this.#lines[worker] = startWorker<FromWorker, ToWorker>(this.#options.workerFile, this.#runtimeOf(job), {
        onMessage: (message) => this.#onMessage(worker, message),
        onExit: (reason) => this.#onExit(worker, reason),
        onStderr: (text) => this.#options.log(text.trimEnd()),
      });
      this.#lines[worker].send({ kind: 'prepare', job });
    }
    await this.#until(() => this.#failure !== undefined || this.#states.every((state) => state !== 'starting'), prepareMs);
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#interrupted) return;
    const missing = this.#states.findIndex((state) => state !== 'ready');
    if (missing >= 0) {
      const how = this.#states[missing] === 'lost' ? `ended before it was ready (${this.#endedBy[missing] ?? 'it did not say why'})` : `was not ready within ${prepareMs / 1_000} s`;
      throw new SoraError('worker_failed', `worker ${missing} ${how}`, {
        hint: 'see its messages above',
      });
    }
  }

  /** Lets the run begin at a wall time, and waits for its end. */
  async run(startAtMs: number): Promise<CrewOutcome> {
    const { plan } = this.#options;
    if (!this.#interrupted) {
      this.#begin(startAtMs);
      const overAtMs = Math.max(0, startAtMs - this.#options.host.clock.nowMs()) + plan.rampMs + plan.holdMs + plan.drainMs + overdueMs;
      await this.#until(() => this.#over, overAtMs);
      for (const [worker, state] of this.#states.entries()) if (state === 'running') this.#loseOverdue(worker, 'no report in time');
    }
    this.#closeSeconds(true);
    return { merge: this.#merge, results: this.#results, interrupted: this.#interrupted, aborted: this.#aborted, workersLost: this.#lost };
  }

  /** Lets those begin that are ready. The agreed start may be hours away, and a worker may have ended meanwhile. */
  #begin(startAtMs: number): void {
    const { clock } = this.#options.host;
    this.#beganMs = clock.monotonicMs() + Math.max(0, startAtMs - clock.nowMs());
    for (const [worker, state] of this.#states.entries()) {
      if (state !== 'ready') this.#lose(worker, this.#endedBy[worker] ?? 'it was not ready');
      else {
        this.#states[worker] = 'running';
        this.#heardMs[worker] = this.#beganMs;
        this.#lines[worker]?.send({ kind: 'start', startAtMs });
      }
    }
  }

  /** Ends the run early. */
  stop(): void {
    if (this.#interrupted || this.#aborted !== undefined) return;
    this.#interrupted = true;
    this.#end();
  }

  /** After `stop`: ends at once, without waiting for what is under way. */
  hurry(): void {
    for (const line of this.#lines) line.send({ kind: 'stop', graceMs: 0 });
    this.#options.host.timers.after(hurriedMs, () => {
      for (const [worker, state] of this.#states.entries()) if (state === 'running') this.#lose(worker, 'did not stop at once');
    }).unref();
  }

  /** Ends the run early because it is judged already; what is over stays so. */
  abort(reason: string): void {
    if (this.#interrupted || this.#aborted !== undefined || this.#over) return;
    this.#aborted = reason;
    this.#options.log(`stopping: ${reason}`);
    this.#end();
  }

  #end(): void {
    const { graceMs, host } = this.#options;
    for (const line of this.#lines) line.send({ kind: 'stop', graceMs });
    host.timers.after(graceMs + 3_000, () => {
      for (const [worker, state] of this.#states.entries()) if (state === 'running') this.#loseOverdue(worker, 'did not stop');
    }).unref();
  }

  /** Ends what is left of the workers. */
  dismiss(): void {
    for (const [worker, line] of this.#lines.entries()) if (this.#states[worker] !== 'done') line.kill();
  }

  #runtimeOf(job: WorkerJob): WorkerRuntime {
    const { host } = this.#options;
    if (job.link?.runtime !== 'bun') return { name: 'node', execPath: host.process.execPath, nurseryMb: job.nurseryMb };
    return { name: 'bun', execPath: requireBun(host), nurseryMb: job.nurseryMb };
  }

  get #over(): boolean {
    return this.#states.every((state) => state === 'done' || state === 'lost');
  }

  #onMessage(worker: number, message: FromWorker): void {
    this.#heardMs[worker] = this.#options.host.clock.monotonicMs();
    switch (message.kind) {
      case 'ready':
        this.#states[worker] = 'ready';
        break;
      case 'tick':
        this.#merge.add(message.tick);
        this.#options.onWorkerTick?.(message.tick);
        this.#closeSeconds(false);
        break;
      case 'done':
        this.#states[worker] = 'done';
        this.#results.push(message.result);
        break;
      case 'failed':
        this.#failure ??= new SoraError(message.code, message.message, { exitCode: message.exitCode as ExitCode });
        break;
    }
    this.#wake();
  }

  #onExit(worker: number, reason: string): void {
    if (this.#states[worker] === 'running') this.#lose(worker, reason);
    else if (this.#states[worker] !== 'done') {
      this.#endedBy[worker] ??= reason;
      this.#states[worker] = 'lost';
    }
    this.#wake();
  }

  /** It still runs and did not end; where it is not even heard of, the scenario computes in it. */
  #loseOverdue(worker: number, what: string): void {
    const silentForMs = this.#options.host.clock.monotonicMs() - (this.#heardMs[worker] ?? this.#beganMs);
    if (silentForMs < silentMs) this.#lose(worker, what);
    else this.#lose(worker, `${what}, and silent for ${Math.round(silentForMs / 1_000)} s: the scenario's code blocks it, as a loop without end or a long computation without an await does`, workerBlocked);
  }

  #lose(worker: number, reason: string, kind = workerLost): void {
    this.#states[worker] = 'lost';
    this.#lost.push(worker);
    const firstAtMs = Math.max(0, this.#options.host.clock.monotonicMs() - this.#beganMs);
    this.#merge.noteError({ kind, op: `worker ${worker}`, count: 1, firstAtMs, firstMessage: `worker ${worker} is lost: ${reason}` });
    this.#lines[worker]?.kill();
    this.#options.log(`worker ${worker} is lost (${reason}); the run goes on without its users`);
    this.#wake();
  }

  /** Closes the seconds that every worker still there has reported, or that are long past, in order. */
  #closeSeconds(all: boolean): void {
    const reporting = [...this.#states.entries()].filter(([, state]) => state === 'running').map(([worker]) => worker);
    const seconds = this.#merge.openSeconds;
    const newest = seconds.at(-1) ?? 0;
    for (const second of seconds) {
      // A worker that hangs must not keep the others from being seen, nor their seconds in memory.
      if (!all && newest - second < secondsOpenMax && !this.#merge.isComplete(second, reporting)) return;
      this.#options.onTick?.(this.#merge.closeSecond(second, this.#options.users));
    }
  }

  /** Waits until `done` holds, looked at after each message, or until the time is up. */
  async #until(done: () => boolean, timeoutMs: number): Promise<void> {
    if (done()) return;
    await new Promise<void>((resolve) => {
      const timer = this.#options.host.timers.after(timeoutMs, resolve);
      this.#wake = () => {
        if (!done()) return;
        timer.cancel();
        resolve();
      };
    });
    this.#wake = () => undefined;
  }
}
