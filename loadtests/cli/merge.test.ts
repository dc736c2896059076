import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { HistogramLogReader } from 'hdr-histogram-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../report/summary-schema.ts';
import { checksumOf } from '../swarm/write-id.ts';

const root = join(import.meta.dirname, '../..');
const home = mkdtempSync(join(tmpdir(), 'sora-merge-'));
const writes = new Map<number, { count: number; checksum: number }>();
let pushes = 0;

/** A shop that keeps its orders and shows them to an audit, and a receiver of metrics. */
const server = createServer((request, reply) => {
  request.resume().on('end', () => {
    const path = request.url?.split('?')[0] ?? '';
    if (path === '/orders') keepOrder(request);
    if (path === '/metrics') pushes++;
    const answers: Readonly<Record<string, unknown>> = {
      '/admin/sessions': { sessions: [{ accessToken: 'admin' }] },
      '/admin/audit/writes': { items: [...writes].map(([userId, { count, checksum }]) => ({ userId, kind: 'order', count, checksum })), nextAfterUser: null },
      '/ledger/audit': { balanced: true },
    };
    reply.setHeader('content-type', 'application/json').end(JSON.stringify(answers[path] ?? { id: 7 }));
  });
});

function keepOrder({ headers }: IncomingMessage): void {
  const userId = Number(/user-(\d+)/.exec(headers.authorization ?? '')?.[1]) + 1;
  const known = writes.get(userId) ?? { count: 0, checksum: 0 };
  writes.set(userId, { count: known.count + 1, checksum: known.checksum + checksumOf(String(headers['idempotency-key'])) });
}

let target = '';
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(home, { recursive: true });
});

interface Ended { readonly code: number | null; readonly stdout: string; readonly stderr: string }

async function load(args: readonly string[], env: Readonly<Record<string, string>> = {}, onStderr: (text: string, child: ChildProcess) => void = () => undefined): Promise<Ended> {
  const child = spawn(process.execPath, [join(root, 'loadtests/main.ts'), ...args], { env: { PATH: process.env['PATH'] ?? '', HOME: home, SORA_HOME: home, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
    onStderr(stderr, child);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** Nothing here is about the speed of the machine. */
const patient = ['lateness=60s', 'loop-delay=60s', 'cpu=1', 'users=0'].flatMap((limit) => ['--validity', limit]);
const shop = join(root, 'loadtests/swarm/fixtures/shopper.ts');
const alone = 'one share of 2: only all of them together have a verdict, by sora load merge';
const shareOf = (index: number): string => join(home, `runs/friday-1.share-${index}-of-2`);

describe('a run in two shares', () => {
  let ended: Ended[] = [];
  beforeAll(async () => {
    // Time enough for the slowest machine to get ready.
    const startAt = new Date(Date.now() + 15_000).toISOString();
    ended = await Promise.all([0, 1].map((index) => load([
      'run', shop, '--target', target, '--think', '200ms', '--ramp', '500ms', '--duration', '2s', '--workers', '1', ...patient, '--run-id', 'friday-1', '--partition', `${index}/2`,
      '--start-at', startAt, '--out', `csv=${join(home, `${index}.csv`)}`, '--out', `hdrlog=${join(home, `${index}.hlog`)}`, '--out', `otlp=${target.replace('//', '//anna:s3same@')}/?key=abc`,
      '--out', `prometheus-remote-write=${target}/metrics`, '-o', 'json',
    ])));
  }, 90_000);

  it('proves nothing by a share alone, which ends well all the same', () => {
    for (const [index, { code, stdout, stderr }] of ended.entries()) {
      expect([code, stderr]).toEqual([0, expect.stringContaining(`share ${index} of 2: `)]);
      const summary = JSON.parse(stdout) as Summary;
      expect(summary).toMatchObject({ runId: `friday-1.share-${index}-of-2`, verdict: 'insufficient', exitCode: 0, partition: { index, count: 2 }, users: index === 0 ? 11 : 10 });
      expect(summary.reasons[0]).toBe(alone);
      expect(readFileSync(join(shareOf(index), 'junit.xml'), 'utf8')).toContain('one share of 2');
      expect(statSync(join(shareOf(index), 'share.json')).size).toBeGreaterThan(1_000);
    }
  });

  it('begins at the agreed time', () => {
    const [one, two] = ended.map(({ stdout }) => (JSON.parse(stdout) as Summary).startedAt);
    expect(one).toBe(two);
  });

  it('sends its seconds to every output, and says so without secrets', () => {
    for (const [index, { stdout, stderr }] of ended.entries()) {
      const summary = JSON.parse(stdout) as Summary;
      const rows: Record<string, string>[] = parse(readFileSync(join(home, `${index}.csv`)), { columns: true });
      const total = summary.phases.reduce((sum, phase) => sum + phase.total, 0);
      expect(rows.reduce((sum, row) => sum + Number(row['total']), 0)).toBe(total);
      const reader = new HistogramLogReader(readFileSync(join(home, `${index}.hlog`), 'utf8'));
      let logged = 0;
      for (let next = reader.nextIntervalHistogram(); next !== null; next = reader.nextIntervalHistogram()) logged += next.totalCount;
      expect(logged).toBe(total);
      expect(summary.outputs?.map(({ kind, droppedSeconds }) => [kind, droppedSeconds])).toEqual([['csv', 0], ['hdrlog', 0], ['otlp', 0], ['prometheus-remote-write', 0]]);
      expect(`${stdout}${stderr}`).toContain('//***@127.0.0.1');
      expect(`${stdout}${stderr}`).not.toMatch(/s3same|abc/);
    }
    expect(pushes).toBeGreaterThan(3);
  });

  it('is merged, and with its audit proved', async () => {
    const { code, stdout } = await load(['merge', shareOf(0), join(shareOf(1), 'share.json'), '--audit', '-o', 'json'], { SORA_ADMIN_URL: target, SORA_ADMIN_SECRET: 'x' });
    const merged = JSON.parse(stdout) as Summary;
    expect([merged.reasons, code]).toEqual([[], 0]);
    const parts = ended.map((part) => JSON.parse(part.stdout) as Summary);
    const sum = (pick: (summary: Summary) => number): number => parts.reduce((all, part) => all + pick(part), 0);
    expect(merged).toMatchObject({
      runId: 'friday-1', verdict: 'pass', users: 21, shares: [{ index: 0, users: 11, offsetMs: 0 }, { index: 1, users: 10, offsetMs: 0 }],
      operations: { total: sum((part) => part.operations.total) }, requests: { bytesReceived: sum((part) => part.requests.bytesReceived) },
      audit: { lost: 0, acknowledgedWrites: [...writes.values()].reduce((all, { count }) => all + count, 0) },
    });
    expect(merged.audit?.acknowledgedWrites).toBeGreaterThan(5);
    expect(readFileSync(join(home, 'runs/friday-1/report.html'), 'utf8')).toContain('<h2>Shares</h2>');
  });

  it('cannot pass unaudited, because it made writes', async () => {
    const { code, stdout } = await load(['merge', shareOf(0), shareOf(1), '-o', 'json']);
    expect([code, (JSON.parse(stdout) as Summary).reasons]).toEqual([98, ['audit: not audited; add --audit while the stack is up']]);
  });

  it('is not merged from a part of it', async () => {
    const { code, stderr } = await load(['merge', shareOf(1)]);
    expect([code, stderr]).toEqual([104, expect.stringContaining('error: share 0 of 2 is missing')]);
  });
});

it('a share that is stopped while it waits for the others says so at once', async () => {
  let isStopped = false;
  const startAt = new Date(Date.now() + 3_600_000).toISOString();
  const { code, stdout } = await load(['run', shop, '--target', target, '--run-id', 'waits', '--partition', '0/2', '--start-at', startAt, '-o', 'json'], {}, (text, child) => {
    if (isStopped || !text.includes('ready; waiting')) return;
    isStopped = true;
    child.kill('SIGINT');
  });
  expect([code, (JSON.parse(stdout) as Summary).reasons.slice(0, 2)]).toEqual([105, ['interrupted', alone]]);
});

it.each([
  [['--partition', '0/2'], '--partition 0/2 needs --run-id'],
  [['--partition', '2/2', '--run-id', 'x'], 'partition 2 of 2 does not exist'],
  [['--start-at', '2020-01-01T00:00:00Z'], '--start-at 2020-01-01T00:00:00.000Z is past'],
  [['--out', 'otlp=http://192.0.2.1:4318'], '--out otlp: 192.0.2.1 resolves to 192.0.2.1, which is not this machine'],
  [['--out', 'csv=/nowhere/at/all.csv'], 'output file /nowhere/at/all.csv cannot be written'],
  [['--partition', '30/40', '--run-id', 'x'], 'share 30 of 40 has no user: the run has 21'],
])('a run with %s is refused before the first request', async (flags, message) => {
  const { code, stderr } = await load(['run', shop, '--target', target, ...flags]);
  expect([code, stderr]).toEqual([104, expect.stringContaining(`error: ${message}`)]);
});
