import { env } from 'node:process';
import { scenario } from '../../swarm/scenario.ts';

const path = env['BENCH_PATH'] ?? '/';

/** The least a user can do: one request after the other, without a pause. As many users as connections. */
export default scenario({
  name: 'bench-bare',
  description: 'one request after the other, without a pause',
  users: 50,
  rampMs: 0,
  holdMs: 10_000,
  thinkTimeMs: { kind: 'constant', value: 0 },
  pace: 'after-reply',
  journeys: [{ name: 'get', weight: 1, steps: [{ op: 'get', run: async ({ http }) => void (await http.request({ method: 'GET', path })) }] }],
  thresholds: {},
});
