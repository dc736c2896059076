/** How causes reach into the stack: its processes, its database, the controls of its mocks. */
import { request } from 'node:http';
import { Client } from 'pg';
import type { Host } from '../../../../ops/core/host.ts';
import type { StackProcess } from '../../../../ops/supervisor/stack-state.ts';
import { descendantsOf, listProcesses } from '../../process-tree.ts';
import type { Undo, World } from '../fault.ts';

const replyTimeoutMs = 10_000;

/** POSTs JSON and answers the reply's JSON. @throws Error for any status but 2xx */
export function post(url: string, value: object, headers: Readonly<Record<string, string>> = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(value);
    const sent = request(url, { method: 'POST', timeout: replyTimeoutMs, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers } }, (reply) => {
      let text = '';
      reply.setEncoding('utf8').on('data', (part: string) => (text += part));
      reply.on('end', () => {
        const status = reply.statusCode ?? 0;
        if (status >= 300) reject(new Error(`POST ${url} answered ${status}: ${text.slice(0, 200)}`));
        else resolve(text === '' ? undefined : JSON.parse(text));
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`POST ${url} got no reply`)));
    sent.once('error', reject);
    sent.end(body);
  });
}

/** Sets faults of a mock, and takes them back to `calm` at the end. */
export async function setFaults(world: World, mock: 'mock-ai' | 'mock-payments', faults: object, calm: object): Promise<Undo> {
  const url = `${world.stack().urls[mock] ?? ''}/control`;
  await post(url, faults);
  return async () => void (await post(url, calm));
}

/** A connection of its own to Avalo's database, as somebody with psql has. */
export async function connect({ databaseUrl }: Pick<World, 'databaseUrl'>): Promise<Client> {
  const client = new Client({ connectionString: databaseUrl, application_name: 'drill' });
  // A database that is stopped on purpose breaks it.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Runs statements in a connection of their own. */
export async function runSql(world: World, ...statements: readonly string[]): Promise<void> {
  const client = await connect(world);
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The first value that a statement answers, as a person reads it off; empty where it answers none. */
export async function askSql(world: World, statement: string): Promise<string> {
  const client = await connect(world);
  try {
    const { rows } = await client.query<(string | number)[]>({ text: statement, rowMode: 'array' });
    return String(rows[0]?.[0] ?? '');
  } finally {
    await client.end();
  }
}

/** A process of the stack that runs. @throws Error when it does not */
export function processOf(world: World, name: string): StackProcess & { readonly pid: number } {
  const found = world.stack().processes.find((row) => row.name === name);
  if (found === undefined || found.pid === null) throw new Error(`the stack has no process ${name} that runs`);
  return { ...found, pid: found.pid };
}

/** A process and all below it, as PostgreSQL and its backends. */
export function treeOf(host: Host, pid: number): number[] {
  return [pid, ...descendantsOf(listProcesses(host), pid).map((row) => row.pid)];
}

/** Stops processes where they stand; the answer lets them go on. The first is stopped first, so that it starts no more. */
export function freeze(world: World, pid: number): () => void {
  const { process } = world.host;
  process.kill(pid, 'SIGSTOP');
  const pids = treeOf(world.host, pid);
  for (const each of pids) process.kill(each, 'SIGSTOP');
  return () => {
    for (const each of pids.toReversed()) process.kill(each, 'SIGCONT');
  };
}

/** Ends a process by SIGKILL and waits for its successor to be ready. */
export async function killAndAwait(world: World, name: string, readyWithinMs = 60_000): Promise<void> {
  const { host, signal } = world;
  const before = processOf(world, name);
  host.process.kill(before.pid, 'SIGKILL');
  const endMs = host.clock.monotonicMs() + readyWithinMs;
  for (;;) {
    const now = world.stack().processes.find((row) => row.name === name);
    if (now !== undefined && now.pid !== null && now.pid !== before.pid && now.state === 'ready') return;
    if (host.clock.monotonicMs() > endMs) throw new Error(`${name} was not ready within ${readyWithinMs} ms`);
    await host.timers.sleep(100, signal);
  }
}
