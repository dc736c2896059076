import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { Pool } from 'undici';
import { runBench } from '../../ops/core/bench-cli.ts';
import type { BenchRow } from '../../ops/core/bench-row.ts';
import type { Host } from '../../ops/core/host.ts';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { interleave, spreadOf } from '../../ops/core/statistics.ts';
import type { Spread } from '../../ops/core/statistics.ts';
import { Exchange } from '../swarm/exchange.ts';
import { Transport } from '../swarm/transport.ts';

export interface TransportBenchOptions {
  /** Length of each measurement. Default 3. */
  readonly seconds?: number;
  /** How often each client is measured, interleaved with the others. Default 3. */
  readonly rounds?: number;
  /** Connections of each client. Default 50. */
  readonly connections?: number;
}

/** One client's figures over the rounds. */
export interface TransportBenchRow {
  readonly client: string;
  readonly requestsPerS: Spread;
  /** User and system time of the client's process. */
  readonly cpuUsPerRequest: Spread;
}

interface Measured {
  readonly requests: number;
  readonly elapsedMs: number;
  readonly cpuUs: number;
}

/** Long enough for the compiler to know the hot code. */
const warmUpMs = 500;

const ours = 'sora transport';

type Client = (port: number, connections: number, durationMs: number) => Promise<number>;

/** Compares our transport with others against the same bare server, closed loop, no think time. */
export async function benchTransport(host: Host, options: TransportBenchOptions = {}): Promise<TransportBenchRow[]> {
  const { seconds = 3, rounds = 3, connections = 50 } = options;
  const clients: Readonly<Record<string, Client>> = {
    [ours]: (...args) => driveOurs(host, ...args),
    'undici dispatch': (...args) => driveUndici(host, false, ...args),
    'undici request': (...args) => driveUndici(host, true, ...args),
    autocannon: driveAutocannon,
  };
  const server = spawn(host.process.execPath, [fileURLToPath(new URL('./bare-server.ts', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(server.stdout, 'data')) as [Buffer];
    const port = Number(line.toString());
    const names = Object.keys(clients);
    const measured = await interleave(Object.values(clients), rounds, async (client, round): Promise<Measured> => {
      const durationMs = round === 0 ? warmUpMs : seconds * 1_000;
      const startMs = host.clock.monotonicMs();
      const startCpuUs = host.process.cpuUs();
      const requests = await client(port, connections, durationMs);
      return { requests, elapsedMs: host.clock.monotonicMs() - startMs, cpuUs: host.process.cpuUs() - startCpuUs };
    });
    return names.map((client, index) => toRow(client, measured[index] ?? []));
  } finally {
    server.kill();
  }
}

function toRow(client: string, results: readonly Measured[]): TransportBenchRow {
  return {
    client,
    requestsPerS: spreadOf(results.map(({ requests, elapsedMs }) => (requests / elapsedMs) * 1_000)),
    cpuUsPerRequest: spreadOf(results.map(({ requests, cpuUs }) => cpuUs / requests)),
  };
}

/** Keeps every connection busy until the time is up, then waits for the last replies. */
async function driveOurs(host: Host, port: number, connections: number, durationMs: number): Promise<number> {
  const now = (): number => host.clock.monotonicMs();
  const transport = new Transport({ target: new URL(`http://127.0.0.1:${port}`), sockets: connections, now });
  const timer = host.timers.every(10, () => transport.tick(now()));
  const endMs = now() + durationMs;
  let requests = 0;
  await Promise.all(
    Array.from(
      { length: connections },
      () =>
        new Promise<void>((resolve, reject) => {
          const next = (): void => transport.send(new Exchange('GET', '/', '', undefined, 30_000, done));
          const done = (exchange: Exchange): void => {
            if (exchange.reply?.status !== 200) return reject(exchange.error ?? new Error('an unexpected reply'));
            requests++;
            if (exchange.doneMs >= endMs) resolve();
            else next();
          };
          next();
        }),
    ),
  );
  timer.cancel();
  transport.close();
  return requests;
}

async function driveUndici(host: Host, request: boolean, port: number, connections: number, durationMs: number): Promise<number> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections, pipelining: 1 });
  const endMs = host.clock.monotonicMs() + durationMs;
  let requests = 0;
  const once = request ? () => viaRequest(pool) : () => viaDispatch(pool);
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (host.clock.monotonicMs() < endMs) {
        await once();
        requests++;
      }
    }),
  );
  await pool.close();
  return requests;
}

async function viaRequest(pool: Pool): Promise<void> {
  const { body } = await pool.request({ path: '/', method: 'GET' });
  await body.text();
}

function viaDispatch(pool: Pool): Promise<void> {
  return new Promise((resolve, reject) => {
    pool.dispatch(
      { path: '/', method: 'GET' },
      {
        onRequestStart: () => undefined,
        onResponseStart: () => undefined,
        onResponseData: () => undefined,
        onResponseEnd: () => resolve(),
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });
}

async function driveAutocannon(port: number, connections: number, durationMs: number): Promise<number> {
  const result = await autocannon({ url: `http://127.0.0.1:${port}`, connections, duration: durationMs / 1_000 });
  return result.requests.total;
}

/** Rates first, then costs, so that the clients stand below one another. */
function tableOf(rows: readonly TransportBenchRow[]): BenchRow[] {
  const note = (client: string): { note?: string } => (client === ours ? {} : { note: 'baseline' });
  return [
    ...rows.map(({ client, requestsPerS }) => ({ group: 'transport', name: client, unit: 'requests/s', ...requestsPerS, ...note(client) })),
    ...rows.map(({ client, cpuUsPerRequest }) => ({ group: 'transport', name: client, unit: 'µs CPU/request', ...cpuUsPerRequest, ...note(client) })),
  ];
}

if (import.meta.main) {
  await runBench(createNodeHost(), async (host, { quick }) => tableOf(await benchTransport(host, quick ? { seconds: 1, rounds: 2 } : {})));
}
