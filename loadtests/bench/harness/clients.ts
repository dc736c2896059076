import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Host } from '../../../ops/core/host.ts';

/** One generator of load as a command, so that all are measured alike: start-up included, by the shell's `time`. */
export interface Client {
  readonly name: string;
  /** Program and arguments. */
  readonly command: (load: Load) => readonly string[];
  readonly env?: (load: Load) => Readonly<Record<string, string>>;
  /** Requests answered, from what the tool printed. @throws Error when it is not there */
  readonly requests: (stdout: string) => number;
  /** Exit codes under which the count stands. Default 0 alone. */
  readonly accepts?: (exitCode: number | null) => boolean;
}

export interface Load {
  readonly target: string;
  readonly users: number;
  readonly seconds: number;
  readonly kind: 'bare' | 'pause' | 'journey' | 'memory';
}

const folder = import.meta.dirname;
const root = resolve(folder, '../../..');
const matched = (pattern: RegExp, text: string): number => {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`no count of requests in ${JSON.stringify(text.slice(-300))}`);
  return Number(found);
};

const summary = z.object({ operations: z.object({ total: z.number() }) });

/** The harness as its users start it. */
export const sora = (host: Host): Client => ({
  name: 'sora',
  command: ({ kind, target, users, seconds }) => [
    host.process.execPath, join(root, 'loadtests/main.ts'), 'run', join(folder, `${kind}.scenario.ts`), '--target', target, '--users', String(users),
    '--duration', `${seconds}s`, '--quiet', '-o', 'json', ...(kind === 'bare' ? ['--sockets', String(users), '--workers', '1'] : []),
  ],
  requests: (stdout) => summary.parse(JSON.parse(stdout)).operations.total,
  // Without a pause the one worker is busy all the time, which the run itself calls insufficient; the count stands.
  accepts: (exitCode) => exitCode === 0 || exitCode === 98,
});

/** Another tool, where it is installed. */
interface Peer {
  readonly name: string;
  /** Program on the PATH, or below `.sora/tools`. */
  readonly program: string;
  /** How to get it, for the note of the table. */
  readonly install: string;
  readonly client: (program: string) => Omit<Client, 'name'>;
}

export const peers: readonly Peer[] = [
  {
    name: 'wrk', program: 'wrk', install: 'apt-get install wrk',
    client: (program) => ({
      command: ({ target, users, seconds }) => [program, '-t1', `-c${users}`, `-d${seconds}s`, `${target}/`],
      requests: (stdout) => matched(/(\d+) requests in /, stdout),
    }),
  },
  {
    name: 'oha', program: 'oha', install: 'cargo install oha',
    client: (program) => ({
      command: ({ target, users, seconds }) => [program, '--no-tui', '--output-format', 'json', '-z', `${seconds}s`, '-c', String(users), `${target}/`],
      requests: (stdout) => sumOfCounts(stdout),
    }),
  },
  {
    name: 'autocannon', program: 'autocannon', install: 'npm ci',
    client: (program) => ({
      command: ({ target, users, seconds }) => [program, '-j', '-c', String(users), '-d', String(seconds), `${target}/`],
      requests: (stdout) => z.object({ requests: z.object({ total: z.number() }) }).parse(JSON.parse(stdout)).requests.total,
    }),
  },
  {
    name: 'k6', program: 'k6', install: 'npx sora load k6 smoke builds it once where Go is installed',
    client: (program) => ({
      command: ({ kind }) => [program, 'run', '--quiet', '--no-color', join(folder, `k6/${kind}.ts`)],
      env: ({ target, users, seconds }) => ({ TARGET: target, USERS: String(users), DURATION: `${seconds}s`, K6_NO_USAGE_REPORT: 'true' }),
      requests: (stdout) => matched(/"requests":(\d+)/, stdout),
    }),
  },
  {
    name: 'locust', program: 'locust', install: 'pip install locust',
    client: (program) => ({
      command: ({ target, users, seconds }) => [
        program, '--headless', '--only-summary', '--json', '-f', join(folder, 'locustfile.py'), '-H', target, '-u', String(users), '-r', String(users), '-t', `${seconds}s`,
      ],
      requests: (stdout) => z.array(z.object({ num_requests: z.number() })).parse(JSON.parse(stdout)).reduce((sum, row) => sum + row.num_requests, 0),
    }),
  },
];

/** oha counts replies by status. */
function sumOfCounts(stdout: string): number {
  const { statusCodeDistribution } = z.object({ statusCodeDistribution: z.record(z.string(), z.number()) }).parse(JSON.parse(stdout));
  return Object.values(statusCodeDistribution).reduce((sum, count) => sum + count, 0);
}

/** A peer where it is found: on the PATH, in node_modules/.bin or below `.sora/tools`. */
export function findPeer(host: Host, name: string): Client | undefined {
  const peer = peers.find((each) => each.name === name);
  if (peer === undefined) return undefined;
  const program = findProgram(host, peer.program);
  return program === undefined ? undefined : { name, ...peer.client(program) };
}

function findProgram(host: Host, name: string): string | undefined {
  const tools = join(host.process.env['SORA_HOME'] ?? join(root, '.sora'), 'tools');
  const own = host.files.list(tools).filter((file) => file === name || file.startsWith(`${name}-`)).toSorted().at(-1);
  const path = (host.process.env['PATH'] ?? '').split(':').filter((part) => part !== '');
  const places = [...(own === undefined ? [] : [join(tools, own)]), join(root, 'node_modules/.bin', name), ...path.map((part) => join(part, name))];
  return places.find((place) => host.files.exists(place));
}
