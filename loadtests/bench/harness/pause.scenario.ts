import { scenario } from '../../swarm/scenario.ts';

/** Many users who mostly think: 1 to 3 s between requests, as in the suites they are compared with. */
export default scenario({
  name: 'bench-pause',
  description: 'a request, then 1 to 3 s of thought',
  users: 10_000,
  rampMs: 0,
  holdMs: 20_000,
  thinkTimeMs: { kind: 'uniform', from: 1_000, to: 3_000 },
  pace: 'after-reply',
  journeys: [{ name: 'get', weight: 1, steps: [{ op: 'get', run: async ({ http }) => void (await http.request({ method: 'GET', path: '/' })) }] }],
  thresholds: {},
});
