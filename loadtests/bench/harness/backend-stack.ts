import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { SoraError } from '../../../ops/core/error.ts';
import type { Host } from '../../../ops/core/host.ts';
import { freePort } from '../../k6/runner/process.ts';
import { root } from './clients.ts';

/** The whole backend, on ports and a database of its own, in processes that end with it. */
export interface BackendStack {
  readonly gatewayUrl: string;
  /** What a `sora` command needs in its environment to load this stack and no other. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const startMaxMs = 180_000;
const stopMaxMs = 60_000;
const wordsMax = 20_000;
const upSchema = z.object({ urls: z.object({ gateway: z.url() }) });
const topologySchema = z.object({ ports: z.record(z.string(), z.number()) });

/** The command as its users start it. */
export const soraCommand = (host: Host, ...args: readonly string[]): string[] => [host.process.execPath, join(root, 'ops/cli/bootstrap.mjs'), ...args];

/**
 * Starts the stack with the embedded PostgreSQL, whatever DATABASE_URL says, and fills it.
 * @param home folder for its state, which who calls removes
 * @throws SoraError `bench_failed` with what the stack said
 */
export async function startBackend(host: Host, home: string, users: number): Promise<BackendStack> {
  const env = { SORA_HOME: home, DATABASE_URL: '' };
  // Else `sora load k6` would build a k6 of its own there.
  const tools = resolve(host.process.env['SORA_HOME'] ?? join(root, '.sora'), 'tools');
  if (host.files.exists(tools)) host.files.link(tools, join(home, 'tools'));
  const { ports } = topologySchema.parse(JSON.parse(host.files.readText(join(root, 'topology.json'))));
  const places = await Promise.all(Object.keys(ports).map(async (name) => `${name}=${await freePort()}`));
  const up = begin(host, soraCommand(host, 'up', '-o', 'json', ...places.flatMap((place) => ['--port', place])), env);
  const stop = async (): Promise<void> => {
    up.child.kill('SIGTERM');
    const limit = host.timers.after(stopMaxMs, () => void up.child.kill('SIGKILL'));
    await up.ended;
    limit.cancel();
  };
  try {
    const { urls } = upSchema.parse(JSON.parse(await up.firstLine));
    await ended(begin(host, soraCommand(host, 'db', 'seed', '--users', String(users)), env));
    return { gatewayUrl: urls.gateway, env, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Begun {
  readonly child: ChildProcess;
  /** Its exit code and what it said. */
  readonly ended: Promise<{ code: number | null; words: string }>;
  readonly firstLine: Promise<string>;
}

function begin(host: Host, [program = '', ...args]: readonly string[], env: Readonly<Record<string, string>>): Begun {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...host.process.env, ...env } });
  const line = Promise.withResolvers<string>();
  let [words, out] = ['', ''];
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-wordsMax)));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out = (out + text).slice(0, 1_048_576);
    if (out.includes('\n')) line.resolve(out.slice(0, out.indexOf('\n')));
  });
  const fail = (why: string): void => line.reject(new SoraError('bench_failed', `${args.slice(1, 3).join(' ')} ${why}: ${words.slice(-1_000)}`));
  const limit = host.timers.after(startMaxMs, () => fail(`took longer than ${startMaxMs / 1_000} s`));
  const done = new Promise<{ code: number | null; words: string }>((resolve) => {
    child.once('error', (error) => fail(error.message));
    child.once('close', (code) => {
      limit.cancel();
      fail(`ended with ${code}`);
      resolve({ code, words });
    });
  });
  void line.promise.then(() => limit.cancel(), () => limit.cancel());
  return { child, ended: done, firstLine: line.promise };
}

async function ended({ ended: done, child }: Begun): Promise<void> {
  const { code, words } = await done;
  if (code !== 0) throw new SoraError('bench_failed', `${child.spawnargs.slice(2, 5).join(' ')} ended with ${code}: ${words.slice(-1_000)}`);
}
