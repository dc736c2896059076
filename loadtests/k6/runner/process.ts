import { spawn } from 'node:child_process';
import { get } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { SoraError, messageOf } from '../../../ops/core/error.ts';
import type { Host } from '../../../ops/core/host.ts';
import { createTreeSampler } from '../../report/processes.ts';
import { generatorName } from '../../report/resources-meter.ts';
import type { MemoryPoint, ProcessUsage } from '../../report/resources-meter.ts';
import type { Summary } from '../../report/summary-schema.ts';

/** Counts of a run at one moment, as k6 tells them while it runs. */
export interface K6Sample {
  readonly atMs: number;
  readonly total: number;
  readonly failed: number;
  readonly refused: number;
}

export interface K6Run {
  readonly k6Path: string;
  readonly scriptPath: string;
  readonly env: Readonly<Record<string, string>>;
  /** Flags before the script. */
  readonly flags: readonly string[];
  /** Asks k6 to end when aborted; it then writes its summary. */
  readonly signal: AbortSignal;
  /** Ends k6 at once when aborted; there is then no summary. */
  readonly force: AbortSignal;
  /** Called about once a second while it runs. */
  readonly onTick: () => void;
}

export interface K6Usage {
  readonly usage: ProcessUsage;
  readonly rssMaxBytes: number;
  readonly memory: readonly MemoryPoint[];
}

export interface K6Ended {
  readonly exitCode: number;
  readonly samples: readonly K6Sample[];
  /** Of k6 and the browsers it starts, to the last second; undefined where the machine does not tell. */
  readonly generator: K6Usage | undefined;
}

const tickMs = 1_000;
const askTimeoutMs = 900;
const answerMaxBytes = 65_536;
/** A day in seconds, the longest a suite lasts; later samples are left out. */
const samplesMax = 90_000;

/** Runs k6 and waits for its end. Its progress and messages go to standard error, as ours do. */
export async function runK6(host: Host, run: K6Run): Promise<K6Ended> {
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(run.k6Path, ['run', '--address', address, ...run.flags, run.scriptPath], {
    // k6 writes progress on its standard output, which for us is for data.
    stdio: ['ignore', 2, 2],
    env: { ...ownEnvironment(host), K6_NO_USAGE_REPORT: 'true', ...run.env },
  });
  const samples: K6Sample[] = [];
  const tree = createTreeSampler(host, () => [{ name: generatorName, pid: child.pid ?? null }]);
  tree.sample();
  let isAsking = false;
  const tick = async (): Promise<void> => {
    tree.sample();
    run.onTick();
    if (isAsking || samples.length >= samplesMax) return;
    isAsking = true;
    const sample = await askCounts(address, host.clock.nowMs());
    if (sample !== undefined) samples.push(sample);
    isAsking = false;
  };
  const timer = host.timers.every(tickMs, () => void tick());
  const stop = (): void => void child.kill('SIGINT');
  run.signal.addEventListener('abort', stop, { once: true });
  if (run.signal.aborted) stop();
  const kill = (): void => void child.kill('SIGKILL');
  run.force.addEventListener('abort', kill, { once: true });
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once('error', (error) => reject(new SoraError('k6_failed', `${run.k6Path} cannot be started: ${messageOf(error)}`, { cause: error })));
      child.once('close', (code) => resolve(code ?? 1));
    });
    const [[usage], [most]] = [tree.usage().processes, tree.result(0)];
    return { exitCode, samples, generator: usage === undefined || most === undefined ? undefined : { usage, rssMaxBytes: most.rssMaxBytes, memory: tree.usage().memory.points() } };
  } finally {
    timer.cancel();
    run.signal.removeEventListener('abort', stop);
    run.force.removeEventListener('abort', kill);
  }
}

/** Nothing of our environment may change what a suite does or name a secret; what programs need to run stays. */
function ownEnvironment(host: Host): Record<string, string> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'TERM', 'LANG', 'NO_COLOR', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME'];
  return Object.fromEntries(kept.flatMap((name): [string, string][] => {
    const value = host.process.env[name];
    return value === undefined ? [] : [[name, value]];
  }));
}

/** What k6 did in each second since its scenarios began; k6 tells no percentiles of a second. */
export function seriesOf(samples: readonly K6Sample[], run: { startedAtMs: number; rampMs: number; holdMs: number; users: number }): Summary['series'] {
  let before = { total: 0, failed: 0, refused: 0 };
  const points = new Map<number, Summary['series'][number]>();
  for (const sample of samples) {
    const second = Math.max(0, Math.ceil((sample.atMs - run.startedAtMs) / 1_000) - 1);
    const phase = second * 1_000 < run.rampMs ? 'ramp' : second * 1_000 < run.rampMs + run.holdMs ? 'hold' : 'drain';
    const known = points.get(second);
    points.set(second, {
      second, phase, users: run.users, p50Ms: null, p95Ms: null, p99Ms: null,
      total: (known?.total ?? 0) + sample.total - before.total,
      failed: (known?.failed ?? 0) + sample.failed - before.failed,
      refused: (known?.refused ?? 0) + sample.refused - before.refused,
    });
    before = sample;
  }
  return [...points.values()];
}

async function askCounts(address: string, atMs: number): Promise<K6Sample | undefined> {
  const [total, failed, refused] = await Promise.all(['operations', 'operations_failed', 'operations_refused'].map((name) => askCount(address, name)));
  return total === undefined ? undefined : { atMs, total, failed: failed ?? 0, refused: refused ?? 0 };
}

/** A counter of the run under way; undefined while there is none, or k6 does not answer. */
function askCount(address: string, name: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get(`http://${address}/v1/metrics/${name}`, { timeout: askTimeoutMs }, (reply) => {
      let text = '';
      reply.setEncoding('utf8');
      reply.on('data', (chunk: string) => {
        if (text.length < answerMaxBytes) text += chunk;
      });
      reply.on('end', () => resolve(readCount(text)));
      reply.on('error', () => resolve(undefined));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });
}

function readCount(text: string): number | undefined {
  try {
    return (JSON.parse(text) as { data?: { attributes?: { sample?: { count?: number } } } }).data?.attributes?.sample?.count;
  } catch {
    return undefined;
  }
}

/** A port of this machine that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
