import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { Pool } from 'undici';
import type { Host } from '../../ops/core/host.ts';
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

/** One client's figures: medians over the rounds, and (highest - lowest) / median as spread. */
export interface TransportBenchRow {
  readonly client: string;
  readonly requestsPerS: number;
  readonly requestsPerSSpread: number;
  /** User and system time of the client's process. */
  readonly cpuUsPerRequest: number;
  readonly cpuUsSpread: number;
}

interface Measured {
  readonly requests: number;
  readonly elapsedMs: number;
  readonly cpuUs: number;
}

type Client = (port: number, connections: number, durationMs: number) => Promise<number>;

/** Compares our transport with others against the same bare server, closed loop, no think time. */
export async function benchTransport(host: Host, options: TransportBenchOptions = {}): Promise<TransportBenchRow[]> {
  const { seconds = 3, rounds = 3, connections = 50 } = options;
  const clients: Readonly<Record<string, Client>> = {
    'sora transport': (...args) => driveOurs(host, ...args),
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
    const measured = new Map<string, Measured[]>();
    // A short first round warms the compiler up and does not count.
    for (let round = 0; round <= rounds; round++) {
      for (const [name, client] of Object.entries(clients)) {
        const durationMs = round === 0 ? 500 : seconds * 1_000;
        const startMs = host.clock.monotonicMs();
        const startCpuUs = host.process.cpuUs();
        const requests = await client(port, connections, durationMs);
        const result = { requests, elapsedMs: host.clock.monotonicMs() - startMs, cpuUs: host.process.cpuUs() - startCpuUs };
        if (round > 0) measured.set(name, [...(measured.get(name) ?? []), result]);
      }
    }
    return [...measured].map(([client, results]) => toRow(client, results));
  } finally {
    server.kill();
  }
}

function toRow(client: string, results: readonly Measured[]): TransportBenchRow {
  const rate = summary(results.map(({ requests, elapsedMs }) => (requests / elapsedMs) * 1_000));
  const cpu = summary(results.map(({ requests, cpuUs }) => cpuUs / requests));
  return {
    client,
    requestsPerS: rate.median,
    requestsPerSSpread: rate.spread,
    cpuUsPerRequest: cpu.median,
    cpuUsSpread: cpu.spread,
  };
}

function summary(values: readonly number[]): { median: number; spread: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, spread: (sorted.at(-1)! - sorted[0]!) / median };
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
