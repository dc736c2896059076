import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../../ops/core/host.ts';
import { findFreePorts } from '../../ops/supervisor/ports.ts';
import { listPidsWithEnv } from '../../ops/supervisor/process-table.ts';
import { equals, holds, note } from './check.ts';
import type { Check } from './check.ts';
import type { Drill } from './drill.ts';

/** Something a user may get wrong. */
export interface BadInput {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The value found, the limit or what is known, and the next step: all stand in the message. */
  readonly says: readonly string[];
}

const run = (...flags: string[]): string[] => ['load', 'run', 'launch-mix', '--stack', 'own', ...flags];
const nowhere = 'postgres://nobody:secret@127.0.0.1:1/none';

/** @param ports free ports for `sora up`, the first of them taken by another program */
export function badInputs(ports: Readonly<Record<string, number>>): BadInput[] {
  const upPorts = Object.entries(ports).flatMap(([name, port]) => ['--port', `${name}=${port}`]);
  return [
    { name: 'unknown scenario', args: ['load', 'run', 'lanch-mix'], says: ['"lanch-mix"', 'did you mean launch-mix', './my-journey.ts'] },
    { name: 'missing scenario file', args: ['load', 'run', './no-such-journey.ts'], says: ['no-such-journey.ts', 'launch-mix'] },
    { name: 'unknown flag', args: run('--usres', '10'), says: ['--usres', 'did you mean --users', '--help'] },
    { name: 'malformed threshold', args: run('--threshold', 'response_time: p(95)<<500'), says: ['p(95)<<500', 'p(95)<500'] },
    { name: 'threshold on an unknown operation', args: run('--threshold', 'response_time{op:fed}: p(95)<500'), says: ['"fed"', 'feed, profile'] },
    { name: 'zero users', args: run('--users', '0'), says: ['--users 0', 'from 1 to 10000000', 'for example --users'] },
    { name: 'negative users', args: run('--users', '-5'), says: ['--users -5', 'from 1 to 10000000', 'for example --users'] },
    { name: 'absurd users', args: run('--users', '99999999999'), says: ['--users 99999999999', 'from 1 to 10000000', 'for example --users'] },
    { name: 'users that are no number', args: run('--users', 'many'), says: ['--users many', 'from 1 to 10000000', 'for example --users'] },
    { name: 'malformed duration', args: run('--duration', '10x'), says: ['--duration "10x"', 'ms, s, m, h or d', 'for example'] },
    { name: 'absurd duration', args: run('--duration', '9999d'), says: ['--duration 9999d', '7 days', 'for example'] },
    { name: 'foreign target', args: ['load', 'run', 'hello', '--target', 'http://example.com'], says: ['example.com', 'production', '--confirm-target=example.com'] },
    { name: 'foreign address', args: ['load', 'run', 'hello', '--target', 'http://192.0.2.1'], says: ['192.0.2.1', 'not this machine', 'staging'] },
    { name: 'port in use', args: ['up', ...upPorts], says: [`port ${ports['gateway']} (gateway)`, 'in use', '--port gateway='] },
    { name: 'unreachable database, sora up', args: ['up'], env: { DATABASE_URL: nowhere }, says: ['127.0.0.1:1', 'DATABASE_URL'] },
    { name: 'unreachable database, load run', args: run('--users', '10'), env: { DATABASE_URL: nowhere }, says: ['127.0.0.1:1', 'DATABASE_URL'] },
    { name: 'malformed DATABASE_URL', args: ['up'], env: { DATABASE_URL: 'not a url' }, says: ['DATABASE_URL', 'postgres://'] },
  ];
}

interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
  /** Processes that outlived the command. */
  readonly left: number;
}

const mark = 'SORA_DRILL_MARK';
const answerWithinMs = 30_000;
/** What ends with the command may need a moment to be gone. */
const goneWithinMs = 2_000;

/** Types one wrong command and looks at all that comes back. */
export async function checkBadInput(host: Host, root: string, home: string, input: BadInput): Promise<Check[]> {
  const { code, stdout, stderr, tookMs, left } = await answer(host, root, home, input);
  const messages = stderr.split('\n').filter((line) => /^(sora|error): /.test(line));
  const missing = input.says.filter((part) => !stderr.includes(part));
  return [
    equals('exit code', code, 104),
    equals('stdout', stdout, ''),
    equals('messages', messages.length, 1),
    holds('value, limit and next step', missing.length === 0, missing.length === 0 ? 'all there' : `missing ${missing.join(' | ')} in: ${stderr.trim()}`, 'in the message'),
    holds('no stack trace', !/^\s+at .*[:(]\d+/m.test(stderr), /^\s+at .*/m.exec(stderr)?.[0] ?? 'none', 'none'),
    equals('processes left', left, 0),
    note('took', `${Math.round(tookMs)} ms`),
  ];
}

async function answer(host: Host, root: string, home: string, input: BadInput): Promise<Answer> {
  const id = host.random.uuid();
  const startMs = host.clock.monotonicMs();
  const child = spawn(host.process.execPath, [join(root, 'ops/cli/bootstrap.mjs'), ...input.args], {
    cwd: root, stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...host.process.env, DATABASE_URL: '', SORA_HOME: home, NO_COLOR: '1', ...input.env, [mark]: id },
  });
  const overdue = host.timers.after(answerWithinMs, () => child.kill('SIGINT'));
  const [code, stdout, stderr] = await Promise.all([
    new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve)),
    textOf(child.stdout),
    textOf(child.stderr),
  ]);
  overdue.cancel();
  const endMs = host.clock.monotonicMs();
  let left = listPidsWithEnv(host, mark, id).length;
  while (left > 0 && host.clock.monotonicMs() - endMs < goneWithinMs) {
    await host.timers.sleep(20);
    left = listPidsWithEnv(host, mark, id).length;
  }
  return { code, stdout, stderr, left, tookMs: endMs - startMs };
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

export interface Places {
  /** Ports for `sora up`: the gateway's is taken by us, the others are free. */
  readonly ports: Readonly<Record<string, number>>;
  /** An empty folder for state. */
  readonly home: string;
  close(): Promise<void>;
}

/** Makes what the cases need to go wrong in; `close` gives it all back. */
export async function openPlaces(): Promise<Places> {
  const names = ['api', 'workers', 'gateway-admin', 'mock-payments', 'mock-ai', 'postgres'];
  const free = await findFreePorts(names.length);
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const gateway = (server.address() as AddressInfo).port;
  const home = mkdtempSync(join(tmpdir(), 'sora-bad-'));
  return {
    ports: { gateway, ...Object.fromEntries(names.map((name, index) => [name, free[index] ?? 0])) },
    home,
    async close() {
      rmSync(home, { recursive: true, force: true });
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const badInput: Drill = {
  name: 'bad-input',
  summary: 'wrong flags, ports, databases and targets: exit 104, one clear message, nothing left behind',
  async run({ host, root }) {
    const places = await openPlaces();
    try {
      const checks: Check[] = [];
      for (const input of badInputs(places.ports)) checks.push(sumUp(input, await checkBadInput(host, root, places.home, input)));
      return checks;
    } finally {
      await places.close();
    }
  },
};

function sumUp(input: BadInput, checks: readonly Check[]): Check {
  const wrong = checks.filter(({ ok }) => !ok).map(({ name, measured, limit }) => `${name} ${measured} ${limit}`);
  const took = checks.find(({ name }) => name === 'took')?.measured ?? '';
  return holds(input.name, wrong.length === 0, wrong.length === 0 ? `exit 104 in ${took}` : wrong.join('; '), 'exit 104, one message');
}
