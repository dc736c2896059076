import { env } from 'node:process';
import { scenario } from '../../swarm/scenario.ts';
import journey from './journey.scenario.ts';

/**
 * The journey with a constant pause, so that every user has run a step once the pause is over. The bench says how
 * long it is: users / rate.
 */
export default scenario({ ...journey, name: 'bench-memory', pace: 'due', thinkTimeMs: { kind: 'constant', value: Number(env['BENCH_PAUSE_MS'] ?? 10_000) } });
