import type { Host } from '../../ops/core/host.ts';
import type { Check } from './check.ts';

/** How much load the drills put on; faults are the same whatever the size. */
export interface DrillSize {
  readonly users: number;
  /** Operations/s that the stack is known to carry on this machine. */
  readonly ratePerS: number;
  /** Length of the hold where a drill does not fix it. */
  readonly holdMs: number;
  /** Pairs of runs, of the drill that compares. */
  readonly pairs: number;
}

export interface DrillContext {
  readonly host: Host;
  /** Folder of the checkout. */
  readonly root: string;
  /** State folder of the drills: their runs, stack and database, apart from those of people. */
  readonly home: string;
  readonly size: DrillSize;
  /** Aborted when the drill is over or the user wants to stop; whatever runs is then ended. */
  readonly signal: AbortSignal;
  /** Takes what must have ended before the next drill may begin. */
  track(ended: Promise<unknown>): void;
  /** Says what happens, for people. */
  say(text: string): void;
}

export interface Drill {
  readonly name: string;
  /** What is done, and what must follow. */
  readonly summary: string;
  /** Takes so long that it is run only when it is named. Default not. */
  readonly onlyNamed?: true;
  run(context: DrillContext): Promise<Check[]>;
}

/** Mean time between two steps of a user so that all users together make the rate. */
export function thinkMsOf({ users, ratePerS }: DrillSize): number {
  return Math.max(1, Math.round((users / ratePerS) * 1_000));
}

/** Polls `look` every 50 ms until it answers something. @throws Error naming `what` after the time is up */
export async function until<Found>(context: DrillContext, what: string, timeoutMs: number, look: () => Found | undefined): Promise<Found> {
  const { clock, timers } = context.host;
  const endMs = clock.monotonicMs() + timeoutMs;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (clock.monotonicMs() > endMs) throw new Error(`${what} did not come about within ${timeoutMs} ms`);
    await timers.sleep(50, context.signal);
  }
}
