import { scenario } from '../swarm/scenario.ts';
import { setUp, userHeaders, type LaunchShared } from './launch-mix/setup.ts';
import { newPaidState, sendPaid, type PaidState } from './paid-chat/steps.ts';

/** Chat that costs tokens and nothing else: 100,000 paid actions a minute, 1,667 a second. */
export default scenario<PaidState>({
  name: 'paid-chat',
  description: 'paid messages alone, 1,667 a second: each moves tokens between two wallets',
  system: 'avalo',
  users: 16_670,
  rampMs: 30_000,
  holdMs: 300_000,
  thinkTimeMs: { kind: 'exponential', mean: 10_000 },
  pace: 'due',
  journeys: [{ name: 'paid-chat', weight: 1, steps: [{ op: 'paid_chat', run: sendPaid }] }],
  thresholds: {
    response_time: ['p(95)<250'],
    http_req_failed: ['rate<0.01'],
    // Who has no tokens left pays for nothing, and the rate would not be one of paid actions.
    operation_refused: ['rate<0.01'],
    audit_lost: ['count<1'],
    audit_duplicated: ['count<1'],
  },
  setup: setUp,
  state: newPaidState,
  headers: (userIndex, shared) => userHeaders(userIndex, (shared as LaunchShared).sessions),
});
