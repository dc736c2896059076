import { scenario } from '../swarm/scenario.ts';
import { launchJourneys } from './launch-mix/journeys.ts';
import { setUp, userHeaders, type LaunchShared } from './launch-mix/setup.ts';
import { newState, type LaunchState } from './launch-mix/state.ts';
import { launchThresholds, leastPerS } from './launch-mix/thresholds.ts';

/** The first hour after a launch: people read, look around, like, chat, ask companions and buy tokens. */
export default scenario<LaunchState>({
  name: 'launch-mix',
  description: 'feed 40 %, profiles 20 %, likes 15 %, chat 15 %, AI 5 %, purchases 5 %; one login a second; one user over its limit',
  system: 'avalo',
  users: 10_000,
  rampMs: 30_000,
  holdMs: 60_000,
  // Bounded, unlike an exponential pause: however long a pause is made, everybody acts within one and a half of its mean.
  thinkTimeMs: { kind: 'uniform', from: 5_000, to: 15_000 },
  pace: 'due',
  journeys: launchJourneys,
  thresholds: launchThresholds,
  leastPerS,
  // Proven on 2 cores with everything on them, a million users among it, of whom no cache holds a part worth naming.
  ratePerSMax: 3_000,
  setup: setUp,
  state: newState,
  headers: (userIndex, shared) => userHeaders(userIndex, (shared as LaunchShared).sessions),
});
