import { messageOf } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import type { Second } from './second.ts';

/** Where seconds go: how they are written, and the edge that takes them. */
export interface Sink {
  /** Writes one second down; called for every second, also where it will be dropped, so totals stay whole. */
  encode(second: Second): Buffer;
  /** What ends the output, when anything does. */
  ending?(): Buffer | undefined;
  /** Hands over what `encode` wrote. @throws TryLater when it may work later; any other error gives this second up */
  deliver(payload: Buffer, signal: AbortSignal): Promise<void>;
  /** Lets go of files and connections; never throws. */
  release(): Promise<void>;
}

/** A delivery that may work when tried again. */
export class TryLater extends Error {
  /** How long the receiver asks us to wait; undefined where it does not say. */
  readonly afterMs: number | undefined;
  constructor(message: string, afterMs?: number) {
    super(message);
    this.name = 'TryLater';
    this.afterMs = afterMs;
  }
}

/** How an output ended, for the report. */
export interface OutputReport {
  readonly kind: string;
  /** A file, or an address without its secrets. */
  readonly target: string;
  readonly writtenSeconds: number;
  readonly droppedSeconds: number;
  /** Why the last failed delivery failed. */
  readonly error?: string;
}

/** Seconds that wait at most; beyond, the oldest is dropped and counted. */
const waitingMax = 60;
/** How long the end of a run waits for an output to take the rest. */
const closeWithinMs = 5_000;
const firstPauseMs = 500;
const longestPauseMs = 10_000;

export interface OutboxOptions {
  readonly host: Host;
  readonly kind: string;
  readonly target: string;
  readonly sink: Sink;
  readonly log: (message: string) => void;
}

/** Stands between a run and one output, so that an output that is slow or down costs the run nothing but what it misses. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #giveUp = new AbortController();
  readonly #waiting: { readonly payload: Buffer; readonly seconds: number }[] = [];
  #written = 0;
  #dropped = 0;
  #error: string | undefined;
  #sending: Promise<void> | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Takes a second; never waits and never throws. */
  write(second: Second): void {
    try {
      this.#waiting.push({ payload: this.#options.sink.encode(second), seconds: 1 });
    } catch (error) {
      this.#drop(1, messageOf(error));
    }
    this.#trim();
    this.#wake();
  }

  /** Gives the output some time to take what waits, lets go of it, and says how it went. */
  async close(): Promise<OutputReport> {
    const { host, sink, kind, target } = this.#options;
    const ending = sink.ending?.();
    if (ending !== undefined) this.#waiting.push({ payload: ending, seconds: 0 });
    this.#wake();
    const timer = host.timers.after(closeWithinMs, () => this.#giveUp.abort());
    while (this.#sending !== undefined) await this.#sending;
    timer.cancel();
    this.#dropped += this.#waiting.splice(0).reduce((sum, { seconds }) => sum + seconds, 0);
    await sink.release();
    return { kind, target, writtenSeconds: this.#written, droppedSeconds: this.#dropped, ...(this.#error === undefined ? {} : { error: this.#error }) };
  }

  #wake(): void {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
      // What came in while the last delivery was ending.
      if (this.#waiting.length > 0 && !this.#giveUp.signal.aborted) this.#wake();
    });
  }

  async #send(): Promise<void> {
    let pauseMs = firstPauseMs;
    while (!this.#giveUp.signal.aborted) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      try {
        await this.#options.sink.deliver(next.payload, this.#giveUp.signal);
        this.#written += next.seconds;
        pauseMs = firstPauseMs;
      } catch (error) {
        if (!(error instanceof TryLater)) {
          this.#drop(next.seconds, messageOf(error));
          continue;
        }
        this.#note(error.message);
        this.#waiting.unshift(next);
        this.#trim();
        if (this.#giveUp.signal.aborted) return;
        await this.#options.host.timers.sleep(Math.min(longestPauseMs, error.afterMs ?? pauseMs), this.#giveUp.signal).catch(() => undefined);
        pauseMs = Math.min(longestPauseMs, pauseMs * 2);
      }
    }
  }

  #trim(): void {
    while (this.#waiting.length > waitingMax) this.#dropped += this.#waiting.shift()?.seconds ?? 0;
  }

  #drop(seconds: number, why: string): void {
    this.#dropped += seconds;
    this.#note(why);
  }

  /** Tells people once that an output fails; the count comes at the end. */
  #note(why: string): void {
    const { log, kind, target } = this.#options;
    if (this.#error === undefined) log(`output ${kind} to ${target}: ${why}; the run goes on, and what cannot be written is counted`);
    this.#error = why;
  }
}
