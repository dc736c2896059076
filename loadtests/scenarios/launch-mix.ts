import { scenario } from '../swarm/scenario.ts';
import { setUp, userHeaders, type LaunchShared } from './launch-mix/setup.ts';
import { newState, type LaunchState } from './launch-mix/state.ts';
import { askCompanion, buyTokens, chat, flood, likePost, logIn, readFeed, readProfile } from './launch-mix/steps.ts';

/** The first hour after a launch: people read, look around, like, chat, ask companions and buy tokens. */
export default scenario<LaunchState>({
  name: 'launch-mix',
  description: 'feed 40 %, profiles 20 %, likes 15 %, chat 15 %, AI 5 %, purchases 5 %; one login a second; one user over its limit',
  system: 'avalo',
  users: 10_000,
  rampMs: 30_000,
  holdMs: 60_000,
  thinkTimeMs: { kind: 'exponential', mean: 10_000 },
  pace: 'due',
  journeys: [
    { name: 'feed', weight: 40, steps: [{ op: 'feed', run: readFeed }] },
    { name: 'profile', weight: 20, steps: [{ op: 'profile', run: readProfile }] },
    { name: 'like', weight: 15, steps: [{ op: 'like', run: likePost }] },
    { name: 'chat', weight: 15, steps: [{ op: 'chat', run: chat }] },
    { name: 'ai', weight: 5, steps: [{ op: 'ai', run: askCompanion }] },
    { name: 'payment', weight: 5, steps: [{ op: 'payment', run: buyTokens }] },
    // Users 0 and 1 do nothing else: their rates are what they are for, whatever the number of users.
    { name: 'login', weight: 0, users: [0], steps: [{ op: 'login', run: logIn, thinkTimeMs: { kind: 'constant', value: 1_000 } }] },
    { name: 'flood', weight: 0, users: [1], steps: [{ op: 'flood', run: flood, thinkTimeMs: { kind: 'constant', value: 1_000 } }] },
  ],
  thresholds: {
    response_time: ['p(95)<500'],
    http_req_failed: ['rate<0.001'],
    audit_lost: ['count<1'],
    audit_duplicated: ['count<1'],
    // The flood alone is one operation a second, so fewer than 120 a second in all cannot meet this.
    operation_refused: ['rate<0.01'],
    'operation_refused{op:flood}': ['rate>0'],
  },
  setup: setUp,
  state: newState,
  headers: (userIndex, shared) => userHeaders(userIndex, (shared as LaunchShared).sessions),
});
