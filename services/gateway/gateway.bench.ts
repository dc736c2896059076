import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Host } from '../../ops/core/host.ts';
import { createNodeHost } from '../../ops/core/node-host.ts';

/** One gateway variant against a bare node:http upstream. */
export interface GatewayBenchRow {
  /** Such as `bun unix`. */
  readonly name: string;
  /** Median CPU of the gateway process a request, µs (user and system). */
  readonly cpuUsPerRequest: number;
  readonly cpuUsSpread: readonly [number, number];
  readonly requestsPerS: number;
}

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
}

const here = dirname(fileURLToPath(import.meta.url));
const rounds = 3;
const connections = 64;
const request = Buffer.from(
  'GET /feed?limit=20 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjQyLCJleHAiOjE3OTUyNjI0MDB9.c2lnbmF0dXJlLW9mLXRoaXJ0eS10d28tYnl0ZXM\r\n' +
    'Accept: application/json\r\nX-Forwarded-For: 10.1.2.3\r\nX-Correlation-Id: 0123456789abcdef01234567\r\n\r\n',
);
/** A reply of 1,200 bytes, about what a page of the feed weighs. */
const upstreamSource = `
const http = require('node:http');
const body = Buffer.alloc(1200, 97);
const head = { 'content-type': 'application/json', 'content-length': 1200 };
http.createServer((q, r) => { r.writeHead(200, head); r.end(body); }).listen(process.argv[1] || 0, '127.0.0.1', function () {
  const a = this.address(); process.stdout.write((typeof a === 'string' ? a : a.port) + '\\n');
});`;

/** Measures each variant in turns, `seconds` a variant over all rounds; host noise meets all alike. */
export async function benchGateway(host: Host, options: { seconds: number }): Promise<GatewayBenchRow[]> {
  const node = host.process.execPath;
  const bun = join(here, '../../node_modules/.bin/bun');
  const path = join(tmpdir(), `sora-gateway-bench-${host.process.pid}.sock`);
  const upstreams = [await startUpstream(node, []), await startUpstream(node, [path])] as const;
  const variants: { name: string; running: Running; cpu: number[]; rate: number[] }[] = [];
  try {
    for (const runtime of existsSync(bun) ? ['bun', 'node'] : ['node']) {
      for (const kind of ['tcp', 'unix'] as const) {
        const upstream = kind === 'unix' ? `unix:${path}` : `http://127.0.0.1:${upstreams[0].port}`;
        const running = await startGateway(host, runtime === 'bun' ? bun : node, upstream);
        variants.push({ name: `${runtime} ${kind}`, running, cpu: [], rate: [] });
      }
    }
    const roundMs = (options.seconds * 1_000) / rounds;
    for (const variant of variants) await drive(host, variant.running.port, 300);
    for (let round = 0; round < rounds; round++) {
      for (const variant of variants) {
        const before = cpuUsOf(host, variant.running.child.pid ?? 0);
        const count = await drive(host, variant.running.port, roundMs);
        variant.cpu.push((cpuUsOf(host, variant.running.child.pid ?? 0) - before) / count);
        variant.rate.push((count / roundMs) * 1_000);
      }
    }
  } finally {
    for (const { running } of variants) running.child.kill('SIGTERM');
    for (const upstream of upstreams) upstream.child.kill('SIGKILL');
    host.files.remove(path);
  }
  return variants.map(({ name, cpu, rate }) => ({
    name,
    cpuUsPerRequest: median(cpu),
    cpuUsSpread: [Math.min(...cpu), Math.max(...cpu)],
    requestsPerS: median(rate),
  }));
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** CPU time of another process from /proc, in ticks of 10 ms. Linux only. */
function cpuUsOf(host: Host, pid: number): number {
  const fields = host.files.readText(`/proc/${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function startUpstream(node: string, args: readonly string[]): Promise<Running> {
  const child = spawn(node, ['-e', upstreamSource, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  return firstLine(child, child.stdout).then((line) => ({ child, port: Number(line) }));
}

async function startGateway(host: Host, runtime: string, upstream: string): Promise<Running> {
  const child = spawn(runtime, [join(here, 'main.ts')], {
    env: { ...host.process.env, PORT: '0', SORA_UPSTREAMS: upstream, SORA_TRUSTED_PEERS: '127.0.0.1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const { port } = JSON.parse(await firstLine(child, child.stderr)) as { port: number };
  await host.timers.sleep(700);
  return { child, port };
}

function firstLine(child: ChildProcess, stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    stream.on('data', (piece: Buffer) => {
      text += piece.toString();
      if (text.includes('\n')) resolve(text.split('\n', 1)[0] as string);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`a process of the bench ended with ${code}: ${text}`)));
  });
}

/** Sends as fast as replies come over a fixed number of connections; returns the replies counted. */
async function drive(host: Host, port: number, durationMs: number): Promise<number> {
  let count = 0;
  let running = true;
  const sockets: Socket[] = [];
  const open = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let expected = 0;
      let seen = 0;
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => {
        socket.write(request);
        resolve();
      });
      socket.once('error', reject);
      socket.on('data', (bytes: Buffer) => {
        seen += bytes.length;
        // Every reply has the length of the first.
        if (expected === 0) expected = bytes.indexOf('\r\n\r\n') + 4 + 1_200;
        if (seen < expected) return;
        if (bytes[0] === 0x48 && bytes[9] !== 0x32) reject(new Error(`the gateway answered ${bytes.toString('latin1', 0, 40)}`));
        seen -= expected;
        count++;
        if (running) socket.write(request);
      });
      sockets.push(socket);
    });
  await Promise.all(Array.from({ length: connections }, open));
  await host.timers.sleep(durationMs);
  running = false;
  for (const socket of sockets) socket.destroy();
  return count;
}

/** The rows as a table of aligned columns. */
export function formatGatewayBench(rows: readonly GatewayBenchRow[]): string {
  const lines = rows.map((row) =>
    `${row.name.padEnd(12)}${row.cpuUsPerRequest.toFixed(1).padStart(8)}  ${row.cpuUsSpread.map((us) => us.toFixed(1)).join('..').padEnd(14)}${Math.round(row.requestsPerS).toString().padStart(8)}`);
  return `${'gateway'.padEnd(12)}${'µs/req'.padStart(8)}  ${'spread'.padEnd(14)}${'req/s'.padStart(8)}\n${lines.join('\n')}\n`;
}

if (import.meta.main) {
  const host = createNodeHost();
  const seconds = Number(host.process.argv[0] ?? 3);
  host.stdout.write(formatGatewayBench(await benchGateway(host, { seconds })));
}
