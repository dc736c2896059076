import type { Journey, Step } from '../../swarm/scenario.ts';
import type { LaunchState } from './state.ts';
import { askCompanion, buyTokens, chat, flood, likePost, logIn, readFeed, readProfile } from './steps.ts';

/** A journey that is a list of steps. */
export type SteppedJourney = Journey<LaunchState> & { readonly steps: readonly Step<LaunchState>[] };

/**
 * What people do in the first hour, and how often. k6 runs this file too, so neither it nor what it
 * imports may need more than the language itself.
 */
export const launchJourneys: readonly SteppedJourney[] = [
  { name: 'feed', weight: 40, steps: [{ op: 'feed', run: readFeed }] },
  { name: 'profile', weight: 20, steps: [{ op: 'profile', run: readProfile }] },
  { name: 'like', weight: 15, steps: [{ op: 'like', run: likePost }] },
  { name: 'chat', weight: 15, steps: [{ op: 'chat', run: chat }] },
  { name: 'ai', weight: 5, steps: [{ op: 'ai', run: askCompanion }] },
  { name: 'payment', weight: 5, steps: [{ op: 'payment', run: buyTokens }] },
  // Users 0 and 1 do nothing else: their rates are what they are for, whatever the number of users.
  { name: 'login', weight: 0, users: [0], steps: [{ op: 'login', run: logIn, thinkTimeMs: { kind: 'constant', value: 1_000 } }] },
  { name: 'flood', weight: 0, users: [1], steps: [{ op: 'flood', run: flood, thinkTimeMs: { kind: 'constant', value: 5_000 } }] },
];
