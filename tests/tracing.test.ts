import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { attributeOf, startCollector, type Collector, type ExportedSpan } from './fixtures/collector.ts';

/**
 * The real processes with an OTLP endpoint: one write is followed from the front door to the worker. Spans
 * leave every minute here, so all that arrives was flushed at SIGTERM.
 */
const root = join(import.meta.dirname, '..');
const bun = join(root, 'node_modules/.bin/bun');
const runtimes = [...(existsSync(bun) ? [{ runtime: 'bun', path: bun }] : []), { runtime: 'node', path: process.execPath }];

interface Running {
  readonly child: ChildProcess;
  readonly exit: Promise<unknown[]>;
  stderr: string;
}

const folder = mkdtempSync(join(tmpdir(), 'sora-tracing-'));
const running: Running[] = [];
let database: TestDatabase;
let collector: Collector;

function start(path: string, entry: string, env: Record<string, string>): Running {
  const child = spawn(path, [join(root, 'services', entry)], {
    env: { PATH: process.env['PATH'], OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '60000', PORT: '0', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const started: Running = { child, exit: once(child, 'exit'), stderr: '' };
  child.stderr.on('data', (piece: Buffer) => (started.stderr += piece.toString()));
  running.push(started);
  return started;
}

beforeAll(async () => {
  [database, collector] = await Promise.all([createTestDatabase(), startCollector()]);
});
afterAll(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
  await Promise.all([database[Symbol.asyncDispose](), collector[Symbol.asyncDispose]()]);
});

interface Person {
  readonly userId: number;
  readonly accessToken: string;
}

/** What a user does through one gateway: two accounts, a follow, a post, a read. Resolves once the post has reached the follower. */
async function visit(url: string, name: string): Promise<void> {
  const call = async (method: string, path: string, who?: Person, body?: object): Promise<unknown> => {
    const reply = await fetch(url + path, {
      method,
      headers: {
        'content-type': 'application/json', 'idempotency-key': crypto.randomUUID(),
        ...(who === undefined ? {} : { authorization: `Bearer ${who.accessToken}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    expect(reply.ok, `${method} ${path}: ${text}`).toBe(true);
    return JSON.parse(text) as unknown;
  };
  const register = async (handle: string): Promise<Person> =>
    (await call('POST', '/accounts/register', undefined, { email: `${handle}@example.org`, password: 'correct horse', handle, displayName: handle })) as Person;
  const [author, reader] = [await register(`author_${name}`), await register(`reader_${name}`)];
  await call('PUT', `/profiles/${author.userId}/follow`, reader);
  const { id } = (await call('POST', '/posts', author, { body: 'hello' })) as { id: number };
  await call('GET', '/feed?limit=13', reader);
  const arrived = { name: 'test_arrived', text: 'select 1 as there from timelines where user_id = $1 and post_id = $2' };
  await expect.poll(() => database.db.query(arrived, [reader.userId, id]), { timeout: 8_000, interval: 50 }).toHaveLength(1);
}

describe('with an OTLP endpoint', () => {
  test('one write is one trace through gateway, api, PostgreSQL and workers', async () => {
    const socket = join(folder, 'api.sock');
    const common = { DATABASE_URL: database.url, PAYMENTS_WEBHOOK_SECRET: 'a webhook secret', SORA_LOG_LEVEL: 'warn' };
    start(process.execPath, 'api/main.ts', {
      ...common, SORA_SOCKET: socket, SORA_TOKEN_SECRET: 'a secret of at least thirty-two characters', SORA_TRUSTED_PEERS: 'unix', SORA_DRAIN_MS: '0',
    });
    start(process.execPath, 'workers/main.ts', common);
    for (const { runtime, path } of runtimes) {
      const gateway = start(path, 'gateway/main.ts', { SORA_UPSTREAMS: `unix:${socket}` });
      await expect.poll(() => gateway.stderr, { timeout: 8_000 }).toContain('"port":');
      expect(gateway.stderr).toContain(`"runtime":"${runtime}"`);
      const url = `http://127.0.0.1:${/"port":(\d+)/.exec(gateway.stderr)?.[1]}`;
      await expect.poll(async () => (await fetch(`${url}/gateway/readyz`)).status, { timeout: 8_000, interval: 50 }).toBe(200);
      await visit(url, runtime);
    }
    for (const { child } of running) child.kill('SIGTERM');
    const exits = await Promise.all(running.map(({ exit }) => exit));
    expect(exits, running.map(({ stderr }) => stderr).join('')).toEqual(running.map(() => [0, null]));

    const posts = collector.spans.filter((span) => span.service === 'gateway' && span.kind === 2 && span.name === 'POST' && attributeOf(span, 'url.path') === '/posts');
    expect(posts).toHaveLength(runtimes.length);
    for (const front of posts) checkWrite(front);
    checkTransaction();
    checkPrivacy();
  }, 30_000);
});

const childrenOf = (parent: ExportedSpan | undefined): ExportedSpan[] =>
  collector.spans.filter((span) => span.traceId === parent?.traceId && span.parentSpanId === parent.spanId);

/** The only child of that name. */
function child(parent: ExportedSpan | undefined, service: string, name: string, kind: number): ExportedSpan | undefined {
  const found = childrenOf(parent).filter((span) => span.name === name);
  expect(found, `${name} below ${parent?.name}`).toHaveLength(1);
  expect(found[0]).toMatchObject({ service, kind });
  return found[0];
}

function checkWrite(front: ExportedSpan): void {
  expect(front.parentSpanId ?? '').toBe('');
  expect(attributeOf(front, 'http.request.method')).toBe('POST');
  expect(attributeOf(front, 'http.response.status_code')).toBe(201);
  const upstream = child(front, 'gateway', 'upstream', 3);
  expect(String(attributeOf(upstream, 'server.address'))).toMatch(/^unix:/);
  const handler = child(upstream, 'api', 'POST /posts', 2);
  expect(attributeOf(handler, 'sora.correlation_id')).toBe(attributeOf(front, 'sora.correlation_id'));
  const batch = child(handler, 'api', 'feed create post', 1);
  expect(attributeOf(batch, 'sora.batch.size')).toBe(1);
  const statement = child(batch, 'api', 'feed_create_posts', 3);
  expect(attributeOf(statement, 'db.system.name')).toBe('postgresql');
  const job = child(batch, 'workers', 'feed.fan_out', 5);
  expect(attributeOf(job, 'messaging.batch.message_count')).toBe(1);
  // One step that inserts, one that finds the end.
  const steps = childrenOf(job);
  expect(steps.map(({ service, name, kind }) => ({ service, name, kind }))).toEqual(Array.from({ length: 2 }, () => ({ service: 'workers', name: 'feed_fan_out', kind: 3 })));
}

function checkTransaction(): void {
  const registers = collector.spans.filter((span) => span.service === 'api' && span.name === 'POST /accounts/register');
  expect(registers).toHaveLength(2 * runtimes.length);
  for (const register of registers) {
    const names = childrenOf(register).map(({ name }) => name);
    expect(names.indexOf('begin')).toBeGreaterThanOrEqual(0);
    expect(names.indexOf('commit')).toBeGreaterThan(names.indexOf('begin') + 1);
  }
}

/** Neither addresses of clients, nor queries, nor polls that no request asked for. */
function checkPrivacy(): void {
  expect(JSON.stringify(collector.spans)).not.toMatch(/client\.address|limit=13|example\.org|127\.0\.0\.1/);
  expect(collector.spans.filter(({ name, parentSpanId }) => name === 'outbox_take' || (name === 'begin' && (parentSpanId ?? '') === ''))).toEqual([]);
}
