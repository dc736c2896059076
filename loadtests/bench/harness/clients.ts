import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Host } from '../../../ops/core/host.ts';

/** One generator of load as a command, so that all are measured alike: start-up included, by the shell's `time`. */
export interface Client {
  readonly name: string;
  /** Program and arguments. */
  readonly command: (load: Load) => readonly string[];
  readonly env?: (load: Load) => Readonly<Record<string, string>>;
  /** @throws Error when what the tool printed has no counts */
  readonly count: (stdout: string) => Counts;
  /** Exit codes under which the counts stand. Default 0 alone. */
  readonly accepts?: (exitCode: number | null) => boolean;
}

/** What became of the requests of a run. */
export interface Counts {
  /** All that ended. */
  readonly requests: number;
  /** Without a reply, with an error status, or with a reply that a check refused. */
  readonly failed: number;
}

export interface Load {
  /** The server, such as `http://127.0.0.1:4000`. */
  readonly target: string;
  /** What the bare load asks for. Default `/`. */
  readonly path?: string;
  readonly users: number;
  readonly seconds: number;
  readonly kind: 'bare' | 'pause' | 'journey' | 'memory';
}

export const folder = import.meta.dirname;
export const root = resolve(folder, '../../..');

const summary = z.object({ operations: z.object({ total: z.number(), failed: z.number() }) });

/**
 * The harness as its users start it.
 * @param home where it keeps its runs: not among the user's own, of which a bench would push the oldest out
 */
export const sora = (host: Host, home: string): Client => ({
  name: 'sora',
  command: ({ kind, target, users, seconds }) => [
    host.process.execPath, join(root, 'loadtests/main.ts'), 'run', join(folder, `${kind}.scenario.ts`), '--target', target, '--users', String(users),
    '--duration', `${seconds}s`, '--quiet', '-o', 'json', ...(kind === 'bare' ? ['--sockets', String(users), '--workers', '1'] : []),
  ],
  env: ({ path }) => ({ SORA_HOME: home, ...(path === undefined ? {} : { BENCH_PATH: path }) }),
  count: (stdout) => {
    const { total, failed } = summary.parse(JSON.parse(stdout)).operations;
    return { requests: total, failed };
  },
  // Without a pause the one worker is busy all the time, which the run itself calls insufficient; the count stands.
  accepts: (exitCode) => exitCode === 0 || exitCode === 98,
});
