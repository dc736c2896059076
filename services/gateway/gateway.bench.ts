import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runBench } from '../../ops/core/bench-cli.ts';
import type { BenchRow } from '../../ops/core/bench-row.ts';
import { exitCodes, SoraError } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { interleave, spreadOf } from '../../ops/core/statistics.ts';
import type { Spread } from '../../ops/core/statistics.ts';

/** One gateway variant against a bare node:http upstream. */
export interface GatewayBenchRow {
  /** Such as `bun unix, 8000/s`: runtime, socket to the upstream, pace. */
  readonly name: string;
  /** CPU of the gateway's process a request, µs (user and system): what it adds to a direct call. */
  readonly cpuUsPerRequest: Spread;
  readonly requestsPerS: number;
}

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
}

const here = dirname(fileURLToPath(import.meta.url));
const connections = 64;
/** Runtime and socket that the topology gives the gateway. */
const shipped = 'bun unix';
/** Requests/s beside the unbounded pace: what one gateway carries in the reference run, where fewer events share a wake-up. */
const paces = [8_000, Number.POSITIVE_INFINITY] as const;
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

/** Measures each variant in turns, `rounds` times for `roundMs`, after one round of warm-up; host noise meets all alike. */
export async function benchGateway(host: Host, options: { roundMs: number; rounds: number }): Promise<GatewayBenchRow[]> {
  if (host.process.platform !== 'linux') {
    throw new SoraError('unsupported_platform', `the gateway's CPU time is read from /proc, which ${host.process.platform} has not`, { hint: 'measure it on Linux' });
  }
  const node = host.process.execPath;
  const bun = join(here, '../../node_modules/.bin/bun');
  const path = join(tmpdir(), `sora-gateway-bench-${host.process.pid}.sock`);
  // Who ends us this way ends our whole process group; only the socket's file would stay.
  const stopListening = host.process.onSignal('SIGTERM', () => {
    host.files.remove(path);
    host.process.exit(exitCodes.interrupted);
  });
  const upstreams: Running[] = [];
  const gateways: Running[] = [];
  const variants: { name: string; running: Running; pace: number }[] = [];
  try {
    const overTcp = await startUpstream(node, []);
    upstreams.push(overTcp, await startUpstream(node, [path]));
    for (const runtime of existsSync(bun) ? ['bun', 'node'] : ['node']) {
      for (const kind of ['unix', 'tcp'] as const) {
        const upstream = kind === 'unix' ? `unix:${path}` : `http://127.0.0.1:${overTcp.port}`;
        const running = await startGateway(host, runtime === 'bun' ? bun : node, upstream);
        gateways.push(running);
        for (const pace of paces) variants.push({ name: `${runtime} ${kind}, ${Number.isFinite(pace) ? `${pace}/s` : 'unpaced'}`, running, pace });
      }
    }
    const measured = await interleave(variants, options.rounds, async ({ running, pace }) => {
      const beforeUs = cpuUsOf(host, running.child.pid ?? 0);
      const count = await drive(host, running.port, options.roundMs, pace);
      return { cpuUs: (cpuUsOf(host, running.child.pid ?? 0) - beforeUs) / count, requestsPerS: (count / options.roundMs) * 1_000 };
    });
    return variants.map(({ name }, index) => ({
      name,
      cpuUsPerRequest: spreadOf((measured[index] ?? []).map(({ cpuUs }) => cpuUs)),
      requestsPerS: spreadOf((measured[index] ?? []).map(({ requestsPerS }) => requestsPerS)).median,
    }));
  } finally {
    for (const running of gateways) running.child.kill('SIGTERM');
    for (const upstream of upstreams) upstream.child.kill('SIGKILL');
    host.files.remove(path);
    stopListening();
  }
}

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

function toRow({ name, cpuUsPerRequest, requestsPerS }: GatewayBenchRow): BenchRow {
  return { group: 'gateway', name: `gateway on ${name}`, unit: 'µs CPU/request', ...cpuUsPerRequest, note: `more than a direct call, at ${Math.round(requestsPerS)}/s${name.startsWith(shipped) ? ', as shipped' : ''}` };
}

if (import.meta.main) {
  await runBench(createNodeHost(), async (host, { quick }) =>
    (await benchGateway(host, quick ? { roundMs: 500, rounds: 2 } : { roundMs: 1_500, rounds: 3 })).map(toRow));
}
