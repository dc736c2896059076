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
  /** Such as `bun unix, 8000/s`: runtime, socket to the upstream, pace. */
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
/** Requests/s beside the unbounded pace: what one gateway carries in the reference run, where fewer events share a wake-up. */
const paces = [8_000, Number.POSITIVE_INFINITY] as const;
const warmUpMs = 1_500;
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
  const variants: { name: string; running: Running; pace: number; cpu: number[]; rate: number[] }[] = [];
  const gateways: Running[] = [];
  try {
    for (const runtime of existsSync(bun) ? ['bun', 'node'] : ['node']) {
      for (const kind of ['tcp', 'unix'] as const) {
        const upstream = kind === 'unix' ? `unix:${path}` : `http://127.0.0.1:${upstreams[0].port}`;
        const running = await startGateway(host, runtime === 'bun' ? bun : node, upstream);
        gateways.push(running);
        for (const pace of paces) variants.push({ name: `${runtime} ${kind}, ${Number.isFinite(pace) ? `${pace}/s` : 'unpaced'}`, running, pace, cpu: [], rate: [] });
      }
    }
    const roundMs = (options.seconds * 1_000) / rounds;
    for (const running of gateways) await drive(host, running.port, warmUpMs, Number.POSITIVE_INFINITY);
    for (let round = 0; round < rounds; round++) {
      for (const variant of variants) {
        const before = cpuUsOf(host, variant.running.child.pid ?? 0);
        const count = await drive(host, variant.running.port, roundMs, variant.pace);
        variant.cpu.push((cpuUsOf(host, variant.running.child.pid ?? 0) - before) / count);
        variant.rate.push((count / roundMs) * 1_000);
      }
    }
  } finally {
    for (const running of gateways) running.child.kill('SIGTERM');
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

/** Sends at `pace` requests/s, or as fast as replies come, over a fixed number of connections; answers the replies counted. */
async function drive(host: Host, port: number, durationMs: number, pace: number): Promise<number> {
  const sockets: Socket[] = [];
  const idle: Socket[] = [];
  let count = 0;
  let running = true;
  const open = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let expected = 0;
      let seen = 0;
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, resolve);
      socket.once('error', reject);
      socket.on('data', (bytes: Buffer) => {
        seen += bytes.length;
        // Every reply has the length of the first.
        if (expected === 0) expected = bytes.indexOf('\r\n\r\n') + 4 + 1_200;
        if (seen < expected) return;
        if (bytes[0] === 0x48 && bytes[9] !== 0x32) socket.destroy(new Error(`the gateway answered ${bytes.toString('latin1', 0, 40)}`));
        seen -= expected;
        count++;
        if (!running) return;
        if (Number.isFinite(pace)) idle.push(socket);
        else socket.write(request);
      });
      sockets.push(socket);
      idle.push(socket);
    });
  await Promise.all(Array.from({ length: connections }, open));
  const startMs = host.clock.monotonicMs();
  let sent = 0;
  const release = (): void => {
    const due = Number.isFinite(pace) ? ((host.clock.monotonicMs() - startMs) * pace) / 1_000 : connections;
    for (; sent < due && idle.length > 0; sent++) idle.pop()?.write(request);
  };
  release();
  const pacer = host.timers.every(1, release);
  await host.timers.sleep(durationMs);
  running = false;
  pacer.cancel();
  for (const socket of sockets) socket.destroy();
  return count;
}

/** The rows as a table of aligned columns. */
export function formatGatewayBench(rows: readonly GatewayBenchRow[]): string {
  const lines = rows.map((row) =>
    `${row.name.padEnd(22)}${row.cpuUsPerRequest.toFixed(1).padStart(8)}  ${row.cpuUsSpread.map((us) => us.toFixed(1)).join('..').padEnd(14)}${Math.round(row.requestsPerS).toString().padStart(8)}`);
  return `${'gateway'.padEnd(22)}${'µs/req'.padStart(8)}  ${'spread'.padEnd(14)}${'req/s'.padStart(8)}\n${lines.join('\n')}\n`;
}

if (import.meta.main) {
  const host = createNodeHost();
  const seconds = Number(host.process.argv[0] ?? 2);
  host.stdout.write(formatGatewayBench(await benchGateway(host, { seconds })));
}
