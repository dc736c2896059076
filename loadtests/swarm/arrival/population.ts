import { endOfLoadMs, type RunPlan } from '../plan.ts';
import { levelAt, presenceAfter, type Segment } from './levels.ts';

/** When the users of a population are there: from their place in the ramp to the end, or while the level of users exceeds their index. */
export class Population {
  readonly #plan: RunPlan;
  readonly #endMs: number;
  readonly #levels: readonly Segment[] | undefined;

  constructor(plan: RunPlan) {
    this.#plan = plan;
    this.#endMs = endOfLoadMs(plan);
    this.#levels = plan.arrival?.kind === 'users' ? plan.arrival.segments : undefined;
  }

  /** When a user arrives first; infinite when it never does. */
  arrivalMs(user: number): number {
    const { rampMs, users } = this.#plan;
    if (this.#levels === undefined) return (rampMs * (user + 0.5)) / users;
    return presenceAfter(this.#levels, user + 0.5, 0)?.fromMs ?? Number.POSITIVE_INFINITY;
  }

  /** When a user acts that is due then: later if it is away until then, infinite if it has left for good. */
  presentAt(user: number, dueMs: number, thinkMs: number): number {
    if (this.#levels === undefined || dueMs >= this.#endMs) return dueMs < this.#endMs ? dueMs : Number.POSITIVE_INFINITY;
    for (let atMs = dueMs; ; ) {
      const presence = presenceAfter(this.#levels, user + 0.5, atMs);
      if (presence === undefined) return Number.POSITIVE_INFINITY;
      if (presence.fromMs <= atMs) return atMs;
      // One that was away begins with a whole pause.
      atMs = presence.fromMs + thinkMs;
    }
  }

  /** Share of the users that is there, 0 to 1. */
  shareAt(nowMs: number): number {
    const { rampMs, users } = this.#plan;
    if (this.#levels !== undefined) return levelAt(this.#levels, nowMs) / users;
    return rampMs <= 0 ? 1 : Math.min(1, Math.max(0, nowMs / rampMs));
  }
}
