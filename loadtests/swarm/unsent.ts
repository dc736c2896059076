import type { Itinerary } from './itinerary.ts';
import { toUs } from './books.ts';
import { neverEnded } from './error-kinds.ts';
import type { PlannedStep } from './journeys.ts';
import { endOfLoadMs, phaseOf, type RunPlan } from './plan.ts';
import type { Failure, StepUser } from './step-user.ts';
import type { Tally } from './tally.ts';
import type { UserTable } from './users.ts';

/** Why an operation had not ended when the drain did. */
export function whyUnfinished(user: StepUser, drainMs: number): Failure {
  const reason = (kind: string, what: string): Failure => ({ kind, message: `${what} when the drain of ${drainMs} ms ended` });
  // It waits for something else than a request.
  if (user.latest?.settled !== false) return user.frame === undefined ? reason(neverEnded, 'every request had its reply and the step had not ended') : reason('unfinished', 'the group had not ended');
  return user.written ? reason('timeout', 'no reply') : reason('unsent', 'still unsent');
}

export interface UnsentOptions {
  readonly plan: RunPlan;
  readonly itinerary: Itinerary;
  readonly users: UserTable;
  readonly tally: Tally;
  /** Work arrives: what a user would do after its journey is another arrival's. */
  readonly openly: boolean;
  /** When a user acts that is due then; infinite when it has left by then. */
  readonly presentAt: (place: number, dueMs: number) => number;
}

/** Counts what was due and never sent: failed, with a response time of at least the time since it was due. */
export class Unsent {
  readonly #options: UnsentOptions;
  /** Operations counted. */
  total = 0;

  constructor(options: UnsentOptions) {
    this.#options = options;
  }

  /** @param dueMs undefined for a shared iteration that nobody was free for by the end: nothing says how long it would have taken */
  count({ opIndex }: PlannedStep, dueMs: number | undefined, nowMs: number): void {
    const { tally, plan } = this.#options;
    this.total++;
    if (dueMs === undefined) {
      tally.unsent(opIndex, phaseOf(plan, endOfLoadMs(plan) - 1), undefined);
      tally.error(opIndex, 'unsent', () => ({ firstAtMs: nowMs, firstMessage: 'shared, and nobody was free for it before the end' }));
      return;
    }
    // Only the response time is known, and it is at least this long; the other times never began.
    tally.unsent(opIndex, phaseOf(plan, dueMs), toUs(nowMs - dueMs));
    tally.error(opIndex, 'unsent', () => ({
      firstAtMs: nowMs,
      firstMessage: `due ${Math.round(nowMs - dueMs)} ms ago and still unsent when the drain ended`,
    }));
  }

  /** Counts the steps that a user would have begun before the end, after the one it stands at. */
  skip(place: number, nowMs: number): void {
    const { plan, itinerary, users, openly, presentAt } = this.#options;
    // In the closed form the next step is due only after a reply, so nothing is owed.
    if (plan.pace !== 'due') return;
    let dueMs = users.dueMs[place]!;
    for (;;) {
      // Never less than a µs, so that steps without a pause come to an end too.
      dueMs = presentAt(place, dueMs + Math.max(itinerary.proceed(place), 0.001));
      const next = itinerary.stepAt(place);
      // What a function would have done nobody knows; what stands at its beginning is counted once.
      if (dueMs === Number.POSITIVE_INFINITY || next.whole !== undefined || (openly && itinerary.atBeginning(place))) return;
      this.count(next, dueMs, nowMs);
      users.steps[place]!++;
    }
  }
}
