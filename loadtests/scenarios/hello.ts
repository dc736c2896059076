import { scenario, type VirtualUser } from 'sora';

/** The smallest useful journey: works against any HTTP server. */
export default scenario({
  name: 'hello',
  description: 'visitors open the front page',
  users: 100,
  rampMs: 2_000,
  holdMs: 10_000,
  thinkTimeMs: { kind: 'exponential', mean: 1_000 },
  journeys: [{ name: 'visit', weight: 1, steps: [{ op: 'home', run: openHome }] }],
  thresholds: { response_time: ['p(95)<500'], http_req_failed: ['rate<0.01'] },
});

async function openHome(user: VirtualUser<undefined>): Promise<void> {
  const reply = await user.http.request({ method: 'GET', path: '/' });
  user.check(reply.status === 200, 'the front page answers');
}
