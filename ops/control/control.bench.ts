/**
 * What the whole control plane costs: `main.ts` as a process, its PostgreSQL, 50,000 series of another process scraped every 5 s, 200
 * rules every 15 s, among them the burn rules of as many objectives as ship with a day of buckets behind them, journal and buckets
 * written. Time cannot be moved in a real process, so this run is short: what two hours of samples take in memory is measured by
 * memory.bench.ts.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { runBench } from '../core/bench-cli.ts';
import type { BenchOptions } from '../core/bench-cli.ts';
import type { BenchRow } from '../core/bench-row.ts';
import { SoraError } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { createNodeHost } from '../core/node-host.ts';
import { spreadOf } from '../core/statistics.ts';
import { findFreePorts } from '../supervisor/ports.ts';
import { writeHistory } from './bench-history.ts';
import { benchRules, benchSlos } from './bench-rules.ts';
import { readUsage } from './process-usage.ts';

const targets = 10;
const seriesEach = 5_000;
const rules = 200;
const objectives = 11;
const shareMax = 20;
const rssMaxMb = 600;
const megabyte = 1_000_000;
/** Its first start makes its tables; a busy machine may take long. */
const readyWithinMs = 120_000;

interface Plan {
  readonly warmUpMs: number;
  readonly roundMs: number;
  readonly rounds: number;
}

/** Rounds of a minute, so that each has a write of the journal. */
const whole: Plan = { warmUpMs: 60_000, roundMs: 60_000, rounds: 3 };
const short: Plan = { warmUpMs: 15_000, roundMs: 20_000, rounds: 1 };

export async function benchControl(host: Host, { quick, say }: BenchOptions): Promise<BenchRow[]> {
  const started: ChildProcess[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'sora-control-bench-'));
  const start = (entry: string, env: Readonly<Record<string, string>>): ChildProcess => {
    // It writes where nobody else does, and its own log is not what is measured.
    const child = spawn(host.process.execPath, [fileURLToPath(new URL(entry, import.meta.url))], { env: { ...host.process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
    started.push(child);
    return child;
  };
  try {
    const database = await firstLine(start('../supervisor/lend-postgres.ts', {}));
    const ports = await findFreePorts(targets + 1);
    await writeHistory(host, database, benchSlos(objectives, []), host.clock.nowMs());
    await firstLine(start('../metricstore/scrape/bench-server.ts', { PORTS: ports.slice(1).join(','), SERIES: String(seriesEach) }));
    const control = start('main.ts', environmentOf(host, folder, database, ports));
    control.stdout?.resume();
    const url = `http://127.0.0.1:${ports[0]}`;
    await untilReady(host, url, control);
    return await measure(host, control, url, quick ? short : whole, say);
  } finally {
    for (const child of started.toReversed()) await end(child);
    host.files.remove(folder);
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new SoraError('bench_failed', 'a process has no output');
  const line = await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'exit').then(() => undefined)]);
  if (line === undefined) throw new SoraError('bench_failed', `${child.spawnargs.at(-1)} ended at once`);
  return String(line[0]);
}

function environmentOf(host: Host, folder: string, database: string, [port = 0, ...ports]: readonly number[]): Record<string, string> {
  const write = (name: string, text: string): string => {
    host.files.writeText(join(folder, name), text);
    return join(folder, name);
  };
  const jobs = ports.map((_, index) => `bench-${index}`);
  const secret = (): string => host.random.bytes(24).toString('hex');
  write('receivers.yaml', 'receivers: {}\n');
  return {
    PORT: String(port), PROMETHEUS_URL: '', ALERTMANAGER_URL: '', SORA_CONTROL_DATABASE_URL: database, SORA_SCRAPE_INTERVAL: '5s', SORA_EVALUATION_INTERVAL: '15s',
    SORA_VIEWER_TOKEN: secret(), SORA_OPERATOR_TOKEN: secret(), SORA_ADMIN_TOKEN: secret(), SORA_ALERTMANAGER_TOKEN: secret(), SORA_ACK_SECRET: secret(), SORA_HEARTBEAT_SECRET: secret(),
    SORA_TOPOLOGY: write('topology.json', JSON.stringify({
      version: 1, ports: Object.fromEntries(jobs.map((job, index) => [job, ports[index]])),
      processes: jobs.map((job) => ({ name: job, kind: 'api', runtime: 'node', entry: 'x.ts', port: job, readiness: { kind: 'http', path: '/', timeoutMs: 1_000 } })),
    })),
    SORA_ALERT_RULES: write('rules.yaml', benchRules(rules, jobs, benchSlos(objectives, jobs))),
    SORA_ALERT_ROUTING: write('routing.yaml', 'route: { receiver: none }\nreceivers: [{ name: none }]\n'),
    SORA_ALERT_ONCALL: write('oncall.yaml', 'people: {}\nschedules: {}\npolicies: {}\n'),
  };
}

async function untilReady(host: Host, url: string, control: ChildProcess): Promise<void> {
  const endMs = host.clock.monotonicMs() + readyWithinMs;
  while (host.clock.monotonicMs() < endMs && control.exitCode === null) {
    if ((await readPage(`${url}/readyz`)) !== undefined) return;
    await host.timers.sleep(100);
  }
  throw new SoraError('bench_failed', `the control plane was not ready within ${readyWithinMs / 1_000} s`);
}

/** Undefined where it is not answered with 200. */
function readPage(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    get(url, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve(response.statusCode === 200 ? body : undefined));
    }).on('error', () => resolve(undefined));
  });
}

async function measure(host: Host, control: ChildProcess, url: string, { warmUpMs, roundMs, rounds }: Plan, say: (line: string) => void): Promise<BenchRow[]> {
  let peakBytes = 0;
  const usage = (): { cpuS: number; residentBytes: number } => {
    const found = readUsage(host, [control.pid ?? 0]).get(control.pid ?? 0);
    if (found === undefined) throw new SoraError('bench_failed', 'the control plane has ended');
    peakBytes = Math.max(peakBytes, found.residentBytes);
    return found;
  };
  await host.timers.sleep(warmUpMs);
  const shares: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const [beforeS, startMs] = [usage().cpuS, host.clock.monotonicMs()];
    for (let passedMs = 0; passedMs < roundMs; passedMs += 1_000) {
      await host.timers.sleep(1_000);
      usage();
    }
    shares.push(((usage().cpuS - beforeS) * 100_000) / (host.clock.monotonicMs() - startMs));
    say(`${round + 1} of ${rounds} rounds: ${shares.at(-1)?.toFixed(1)} % of a core, at most ${Math.round(peakBytes / megabyte)} MB`);
  }
  const did = await readWork(url);
  const ranS = Math.round((warmUpMs + roundMs * rounds) / 1_000);
  const note = `${did.series} series, ${did.evaluations} evaluations of rules, ${did.failures} failed; ${objectives} objectives with their burn rates over a day`;
  const memory = peakBytes / megabyte;
  return [
    { group: 'control plane', name: 'scrape 50,000 series every 5 s, 200 rules every 15 s', unit: '% of a core', must: { atMost: shareMax }, note, ...spreadOf(shares) },
    { group: 'control plane', name: 'memory of the process', unit: 'MB RSS', must: { atMost: rssMaxMb }, median: memory, low: memory, high: memory, note: `the highest within ${ranS} s of its start; two hours of samples: see metric store, memory of the process` },
  ];
}

/** What it says that it did, so that idle figures are not taken for good ones. */
async function readWork(url: string): Promise<{ series: number; evaluations: number; failures: number }> {
  const lines = ((await readPage(`${url}/metrics`)) ?? '').split('\n');
  const sum = (name: string): number => lines.filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`)).reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  const work = { series: sum('sora_store_series'), evaluations: sum('sora_rule_evaluations_total'), failures: sum('sora_rule_evaluation_failures_total') };
  if (work.series < targets * seriesEach || work.evaluations < rules) throw new SoraError('bench_failed', `only ${work.series} series and ${work.evaluations} evaluations: what was measured is not the work`);
  return work;
}

/** The lent database ends with its input, all others by a signal. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.stdin?.end();
  if (!child.spawnargs.some((argument) => argument.endsWith('lend-postgres.ts'))) child.kill('SIGKILL');
  await exited;
}

if (import.meta.main) await runBench(createNodeHost(), benchControl);
