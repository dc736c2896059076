/** A real Prometheus over given samples, for tests that hold SORA's PromQL to it. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SoraError } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import { findFreePorts } from '../../supervisor/ports.ts';
import type { SeriesSamples } from '../series.ts';
import { renderOpenMetrics } from './openmetrics.ts';

/** Paths of the programs. */
export interface ReferencePrograms {
  readonly prometheus: string;
  readonly promtool: string;
}

/** An answer of its HTTP API. */
export interface ApiAnswer {
  readonly status: string;
  readonly data?: unknown;
  readonly errorType?: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

/** A running one; disposing stops it and removes its data. */
export interface ReferencePrometheus extends AsyncDisposable {
  readonly url: string;
  /** Asks one path of `/api/v1/`, such as `query`. */
  ask(path: string, parameters: Readonly<Record<string, string>>): Promise<ApiAnswer>;
}

const startAttempts = 3;
const readyWithinMs = 20_000;
const askEveryMs = 50;
const logKept = 2_000;

/**
 * Starts one on a free port of 127.0.0.1, with the samples in its storage; it scrapes nothing. Staleness markers and
 * native histograms cannot be written this way.
 * @param config text of its configuration; default one that does nothing
 * @throws SoraError `reference_failed` with what the program said
 */
export async function startPrometheus(host: Host, programs: ReferencePrograms, series: readonly SeriesSamples[], flags: readonly string[] = [], config = 'scrape_configs: []\n'): Promise<ReferencePrometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'sora-prometheus-'));
  try {
    writeFileSync(join(folder, 'prometheus.yml'), config);
    writeBlocks(programs, folder, series);
    for (let attempt = 1; ; attempt += 1) {
      const [port = 0] = await findFreePorts(1);
      const started = await start(host, programs, folder, port, flags);
      if (typeof started !== 'string') return connect(started, folder, port);
      // Another program may have taken the free port in the meantime.
      if (attempt === startAttempts) throw new SoraError('reference_failed', `prometheus did not start: ${started}`);
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function writeBlocks({ promtool }: ReferencePrograms, folder: string, series: readonly SeriesSamples[]): void {
  const file = join(folder, 'samples.om');
  mkdirSync(join(folder, 'data'));
  writeFileSync(file, renderOpenMetrics(series));
  const made = spawnSync(promtool, ['tsdb', 'create-blocks-from', 'openmetrics', '--max-block-duration=30d', file, join(folder, 'data')], { encoding: 'utf8' });
  if (made.status !== 0) throw new SoraError('reference_failed', `promtool made no blocks: ${made.stdout}${made.stderr}`);
}

/** The process once it is ready, or what it said when it ended before. */
async function start(host: Host, { prometheus }: ReferencePrograms, folder: string, port: number, flags: readonly string[]): Promise<ChildProcess | string> {
  const child = spawn(prometheus, [
    `--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`, '--storage.tsdb.retention.time=100y',
    `--web.listen-address=127.0.0.1:${port}`, '--log.level=error', ...flags,
  ], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString('utf8')).slice(-logKept);
  });
  const startMs = host.clock.monotonicMs();
  while (child.exitCode === null && child.signalCode === null && host.clock.monotonicMs() - startMs < readyWithinMs) {
    if (await isReady(port)) return child;
    await host.timers.sleep(askEveryMs);
  }
  child.kill('SIGKILL');
  return log === '' ? `it was not ready within ${readyWithinMs} ms` : log;
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path: '/-/ready' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).once('error', () => resolve(false));
  });
}

function connect(child: ChildProcess, folder: string, port: number): ReferencePrometheus {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  return {
    url: `http://127.0.0.1:${port}`,
    ask: (path, parameters) => ask(agent, port, `/api/v1/${path}?${new URLSearchParams(parameters).toString()}`),
    async [Symbol.asyncDispose]() {
      agent.destroy();
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function ask(agent: Agent, port: number, path: string): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    get({ agent, host: '127.0.0.1', port, path }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        try {
          resolve(JSON.parse(text) as ApiAnswer);
        } catch (error) {
          reject(new SoraError('reference_failed', `prometheus answered ${response.statusCode ?? 0}: ${text.slice(0, logKept)}`, { cause: error }));
        }
      });
    }).once('error', reject);
  });
}
