import { join } from 'node:path';
import { z } from 'zod';
import type { Host } from '../../../ops/core/host.ts';
import { folder, root } from './clients.ts';
import type { Client, Counts, Load } from './clients.ts';

/** Another tool, where it is installed. */
interface Peer {
  readonly name: string;
  /** Program on the PATH, or below `.sora/tools`. */
  readonly program: string;
  /** How to get it, for the note of the table. */
  readonly install: string;
  readonly client: (program: string) => Omit<Client, 'name'>;
}

const urlOf = ({ target, path = '/' }: Load): string => `${target}${path}`;
const installScript = 'bash loadtests/bench/harness/install-peers.sh';

export const peers: readonly Peer[] = [
  {
    name: 'wrk', program: 'wrk', install: installScript,
    client: (program) => ({ command: (load) => [program, '-t1', `-c${load.users}`, `-d${load.seconds}s`, urlOf(load)], count: countWrk }),
  },
  {
    name: 'oha', program: 'oha', install: installScript,
    client: (program) => ({
      command: (load) => [program, '--no-tui', '--output-format', 'json', '-z', `${load.seconds}s`, '-c', String(load.users), urlOf(load)],
      count: countOha,
    }),
  },
  {
    name: 'autocannon', program: 'autocannon', install: 'npm ci',
    client: (program) => ({ command: (load) => [program, '-j', '-c', String(load.users), '-d', String(load.seconds), urlOf(load)], count: countAutocannon }),
  },
  {
    name: 'k6', program: 'k6', install: 'npx sora load k6 smoke builds it once where Go is installed',
    client: (program) => ({
      command: ({ kind }) => [program, 'run', '--quiet', '--no-color', join(folder, `k6/${kind}.ts`)],
      env: (load) => ({ TARGET: load.target, URL: urlOf(load), USERS: String(load.users), DURATION: `${load.seconds}s`, K6_NO_USAGE_REPORT: 'true' }),
      count: countK6,
    }),
  },
  {
    name: 'locust', program: 'locust', install: installScript,
    client: (program) => ({
      command: ({ target, users, seconds }) => [
        program, '--headless', '--only-summary', '--json', '-f', join(folder, 'locustfile.py'), '-H', target, '-u', String(users), '-r', String(users), '-t', `${seconds}s`,
      ],
      env: ({ path = '/' }) => ({ BENCH_PATH: path }),
      count: countLocust,
    }),
  },
];

/** wrk tells failures only where there are some; a timeout of it is a late reply, which it counts when it comes. */
export function countWrk(stdout: string): Counts {
  const requests = /(\d+) requests in /.exec(stdout)?.[1];
  if (requests === undefined) throw new Error(`wrk printed no count of requests: ${JSON.stringify(stdout.slice(-300))}`);
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+)/.exec(stdout)?.slice(1) ?? [];
  const refused = /Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0;
  return { requests: Number(requests), failed: [...socketErrors, refused].reduce<number>((sum, count) => sum + Number(count), 0) };
}

const ohaSchema = z.object({ statusCodeDistribution: z.record(z.string(), z.number()), errorDistribution: z.record(z.string(), z.number()).default({}) });
/** What oha calls the requests that were out when its time was up. */
const ohaUnderWay = 'aborted due to deadline';

/** oha counts replies by status and errors by message. */
export function countOha(stdout: string): Counts {
  const { statusCodeDistribution, errorDistribution } = ohaSchema.parse(JSON.parse(stdout));
  const sum = (counts: Readonly<Record<string, number>>, isCounted: (name: string) => boolean): number =>
    Object.entries(counts).reduce((total, [name, count]) => (isCounted(name) ? total + count : total), 0);
  const errors = sum(errorDistribution, (message) => message !== ohaUnderWay);
  return { requests: sum(statusCodeDistribution, () => true) + errors, failed: errors + sum(statusCodeDistribution, (status) => !/^[23]/.test(status)) };
}

const autocannonSchema = z.object({ requests: z.object({ total: z.number() }), errors: z.number(), non2xx: z.number() });

/** Its `errors` hold the timeouts too; they are not in `requests`. */
export function countAutocannon(stdout: string): Counts {
  const { requests, errors, non2xx } = autocannonSchema.parse(JSON.parse(stdout));
  return { requests: requests.total + errors, failed: errors + non2xx };
}

const k6Schema = z.object({ requests: z.number(), failed: z.number() });

/** The line that `k6/summary.ts` writes. */
export function countK6(stdout: string): Counts {
  const line = /^\{"requests":.*\}$/m.exec(stdout)?.[0];
  if (line === undefined) throw new Error(`k6 printed no summary: ${JSON.stringify(stdout.slice(-300))}`);
  return k6Schema.parse(JSON.parse(line));
}

const locustSchema = z.array(z.object({ num_requests: z.number(), num_failures: z.number() }));

/** One row for each name of a request. */
export function countLocust(stdout: string): Counts {
  const rows = locustSchema.parse(JSON.parse(stdout));
  const sum = (name: 'num_requests' | 'num_failures'): number => rows.reduce((total, row) => total + row[name], 0);
  return { requests: sum('num_requests'), failed: sum('num_failures') };
}

/** A peer, or why there is none. */
export type FoundPeer = { readonly kind: 'found'; readonly client: Client } | { readonly kind: 'missing'; readonly name: string; readonly why: string };

/** Looks for a peer on the PATH, in node_modules/.bin and below `.sora/tools`. @throws Error for a name that is no peer's */
export function findPeer(host: Host, name: string): FoundPeer {
  const peer = peers.find((each) => each.name === name);
  if (peer === undefined) throw new Error(`there is no peer ${name}; there are ${peers.map((each) => each.name).join(', ')}`);
  const program = findProgram(host, peer.program);
  if (program === undefined) return { kind: 'missing', name, why: `${name} is not installed; ${peer.install}` };
  return { kind: 'found', client: { name, ...peer.client(program) } };
}

function findProgram(host: Host, name: string): string | undefined {
  const tools = join(host.process.env['SORA_HOME'] ?? join(root, '.sora'), 'tools');
  const own = host.files.list(tools).filter((file) => file === name || file.startsWith(`${name}-`)).toSorted().at(-1);
  const path = (host.process.env['PATH'] ?? '').split(':').filter((part) => part !== '');
  const places = [...(own === undefined ? [] : [join(tools, own)]), join(root, 'node_modules/.bin', name), ...path.map((part) => join(part, name))];
  return places.find((place) => host.files.exists(place));
}
