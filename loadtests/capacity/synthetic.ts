/** Systems whose capacity is known, for the tests of search and fit. */
import { throughputAt } from './scalability.ts';
import type { Law, Point } from './scalability.ts';
import { decide } from './search.ts';
import type { Decision, Finding, Observation, Outcome, SearchPlan } from './search.ts';

/** Whether a system under a rate meets its thresholds. */
export type System = (ratePerS: number, attempt: number) => Outcome;

/** Meets every rate up to `capacityPerS` and none above. */
export const cliff = (capacityPerS: number): System => (ratePerS) => (ratePerS <= capacityPerS ? 'met' : 'missed');

/** 95th percentile of the wait in an M/M/c queue, ms: P(W > t) = C e^(−(cμ − λ)t) with Erlang's C. Infinity when overloaded. */
export function waitP95Ms(ratePerS: number, servers: number, serviceMs: number): number {
  const load = (ratePerS * serviceMs) / 1_000;
  if (load >= servers) return Number.POSITIVE_INFINITY;
  let blocking = 1;
  for (let server = 1; server <= servers; server += 1) blocking = (load * blocking) / (server + load * blocking);
  const waiting = (servers * blocking) / (servers - load * (1 - blocking));
  if (waiting <= 0.05) return 0;
  return Math.log(waiting / 0.05) / (servers / serviceMs - ratePerS / 1_000);
}

/** An M/M/c queue that must keep the 95th percentile of its wait below a limit. */
export const queue = (servers: number, serviceMs: number, limitMs: number): System => (ratePerS) => (waitP95Ms(ratePerS, servers, serviceMs) < limitMs ? 'met' : 'missed');

/** Points on a law, each off by a factor of 1 + noise. */
export const pointsOn = (law: Law, concurrencies: readonly number[], noise: (index: number) => number = () => 0): Point[] =>
  concurrencies.map((concurrency, index) => ({ concurrency, throughputPerS: throughputAt(law, concurrency) * (1 + noise(index)) }));

/** Runs the search against a system, each probe lasting its hold and `besidesMs`. */
export function searchSystem(plan: SearchPlan, system: System, besidesMs = 5_000): { finding: Finding; observed: Observation[] } {
  const observed: Observation[] = [];
  for (;;) {
    const decision: Decision = decide(plan, observed);
    if (decision.kind === 'done') return { finding: decision.finding, observed };
    const { probe } = decision;
    observed.push({ probe, outcome: system(probe.ratePerS, observed.length), tookMs: probe.holdMs + besidesMs });
  }
}
