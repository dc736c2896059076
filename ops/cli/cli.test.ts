import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createNodeHost } from '../core/node-host.ts';
import { findFreePorts } from '../supervisor/ports.ts';
import { isAlive } from '../supervisor/process-table.ts';
import type { StackState } from '../supervisor/stack-state.ts';

const host = createNodeHost();
const root = join(import.meta.dirname, '../..');
let home = '';
let environment: NodeJS.ProcessEnv = {};
let ports: number[] = [];

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `sora` as a user would; `until` resolves when its standard error holds a text. */
function start(...args: string[]) {
  const child = spawn(process.execPath, [join(root, 'ops/cli/bootstrap.mjs'), ...args], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  const looks = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    for (const look of looks) look();
  });
  const ended = new Promise<Ran>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  const until = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (stderr.includes(text)) resolve();
      };
      looks.add(look);
      look();
      void ended.then(() => reject(new Error(`it ended before it said ${text}: ${stderr}`)));
    });
  return { child, ended, until };
}

const sora = (...args: string[]): Promise<Ran> => start(...args).ended;

async function readStatus(): Promise<StackState> {
  return JSON.parse((await sora('status', '-o', 'json')).stdout) as StackState;
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'sora-cli-'));
  ports = await findFreePorts(2);
  const topology = join(home, 'topology.json');
  const server = { runtime: 'node', entry: 'ops/supervisor/fixture/server.ts', env: { PORT: '${port}' }, readiness: { kind: 'http', path: '/readyz', timeoutMs: 20_000 } };
  writeFileSync(topology, JSON.stringify({
    version: 1, ports: { gateway: ports[0], api: ports[1] }, env: { SORA_INSTANCE: '${instance}' },
    processes: [{ ...server, name: 'api', kind: 'api', port: 'api' }, { ...server, name: 'gateway', kind: 'gateway', port: 'gateway', dependsOn: ['api'] }],
  }));
  environment = { ...process.env, SORA_HOME: join(home, 'state'), SORA_TOPOLOGY: topology, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', NO_COLOR: '' };
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('up, status, down', () => {
  test('the stack comes up once, tells what runs, and goes down with its data kept', async () => {
    const up = start('up');
    await up.until('What next');
    const state = await readStatus();
    expect(state.processes.map(({ name, kind, port, state, restarts, url }) => ({ name, kind, port, state, restarts, url }))).toEqual([
      { name: 'api', kind: 'api', port: ports[1], state: 'ready', restarts: 0, url: `http://127.0.0.1:${ports[1]}` },
      { name: 'gateway', kind: 'gateway', port: ports[0], state: 'ready', restarts: 0, url: `http://127.0.0.1:${ports[0]}` },
    ]);
    const table = (await sora('status')).stdout.split('\n');
    expect(table[0]?.split(/\s+/)).toEqual(['NAME', 'KIND', 'PID', 'PORT', 'STATE', 'RESTARTS', 'URL', 'AGE']);
    const [api] = state.processes;
    expect(await sora('status', '--pid', 'api')).toEqual({ code: 0, stdout: `${api?.pid}\n`, stderr: '' });
    expect((await sora('status', '--url', 'api')).stdout).toBe(`${api?.url}\n`);
    expect(await sora('status', '--pid', 'apo')).toMatchObject({ code: 104, stdout: '', stderr: 'error: the stack has no process "apo"\n  did you mean api?\n' });

    const second = await sora('up');
    expect(second).toMatchObject({ code: 104, stdout: '' });
    expect(second.stderr).toContain(`supervisor pid ${state.supervisorPid}, http://127.0.0.1:${ports[0]}`);

    const secrets = readFileSync(join(home, 'state/stack/secrets.json'), 'utf8');
    expect(statSync(join(home, 'state/stack/secrets.json')).mode & 0o777).toBe(0o600);
    const down = await sora('down', '-o', 'json');
    expect(down).toMatchObject({ code: 0, stdout: `{"schema":"sora.down/v1","supervisorPid":${state.supervisorPid}}\n` });
    const ended = await up.ended;
    expect(ended.code).toBe(0);
    expect(ended.stdout.split('\n')[0]?.split(/\s+/)).toEqual(['NAME', 'KIND', 'PID', 'PORT', 'URL']);
    expect(state.processes.filter(({ pid }) => pid !== null && isAlive(host, pid))).toEqual([]);

    const again = start('up', '-o', 'json');
    await again.until('What next');
    expect(JSON.parse(readFileSync(join(home, 'state/stack/secrets.json'), 'utf8'))).toMatchObject({ token: (JSON.parse(secrets) as { token: string }).token });
    again.child.kill('SIGINT');
    const { code, stdout } = await again.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'sora.stack/v1', urls: { gateway: `http://127.0.0.1:${ports[0]}` } });
    expect((await readStatus()).processes).toEqual([]);
  });

  test('a port in use is named, with who has it, and nothing stays behind', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(ports[0], '127.0.0.1', resolve));
    const ran = await sora('up');
    server.close();
    expect(ran.code).toBe(104);
    expect(ran.stderr).toContain(`port ${ports[0]} (gateway) on 127.0.0.1 is in use by pid ${process.pid}`);
    expect(ran.stderr).toContain('--port gateway=');
    expect(ran.stderr).not.toMatch(/^\s+at /m);
    expect((await readStatus()).processes).toEqual([]);
  });
});

describe('messages', () => {
  test.concurrent.each([
    [['stauts'], 'there is no command "stauts"', 'did you mean sora status?'],
    [['status', '--otput', 'json'], 'sora status has no flag --otput', 'did you mean --output?'],
    [['status', '-o', 'yaml'], 'output "yaml" is unknown', '-o json'],
    [['up', '--replicas', 'api=0'], '--replicas "api=0" is not NAME=NUMBER with a number from 1 to 64', 'api=2'],
    [['up', 'extra'], 'sora up does not take "extra"', 'sora up --help'],
    [['load', 'rnu'], 'sora load has no verb rnu', 'did you mean run?'],
    [['load', 'run', 'launch-mix', '--stack', 'owm'], '--stack "owm" is unknown', 'did you mean own?'],
    [['load', 'run', 'hello', '--target', 'http://127.0.0.1:1', '--keep'], "--keep is about a stack of the run's own", 'leave --keep out'],
    [['load', 'run', 'launch-mix', '--kepp'], 'there is no flag --kepp', 'did you mean --keep?'],
    [['load', 'debug', 'launch-mix', '--user', '99', '--users', '9'], 'user 99 does not exist; the scenario has 9', 'from 0 to 8'],
    [['db'], 'sora db needs a verb', 'seed'],
    [['db', 'ls', '-o', 'yaml'], 'output "yaml" is unknown', '-o json'],
    [['db', 'seed', '--stack', 'load'], 'sora db seed does not take --stack load', 'of its own'],
    [['db', 'drop', 'sora'], 'sora db drop does not take "sora"', 'kept_'],
    [['db', 'open'], 'sora db open takes one name of a database', 'sora db ls --stack load'],
    [['status', '--pid', 'api'], 'nothing is up', 'npm start'],
    [['status', '--pid', 'api', '--url', 'api'], '--pid and --url exclude each other', 'one of them'],
    [['logs', '--since', '5x'], '--since "5x" is not a duration', '1m30s'],
    [['logs', '--level', 'loud'], 'log level "loud" is unknown', 'debug'],
  ])('sora %j says what is wrong and what to do', async (args, message, hint) => {
    const ran = await sora(...args);
    expect(ran).toMatchObject({ code: 104, stdout: '' });
    expect(ran.stderr).toContain(message);
    expect(ran.stderr).toContain(hint);
    expect(ran.stderr).not.toMatch(/^\s+at /m);
  });

  test.concurrent.each([
    ['load', 'run', 'npx sora load run', '--keep'],
    ['load', 'ls', 'npx sora load ls', '-o json'],
    ['load', 'rm', 'npx sora load rm', 'NAME'],
    ['db', 'seed', 'sora db seed --users', '--seed'],
    ['db', 'ls', 'sora db ls', 'DATABASE_URL'],
  ])('sora %s %s --help has an example and the flags', async (noun, verb, example, flag) => {
    const help = await sora(noun, verb, '--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(new RegExp(`Examples?:\\n  ${example}`));
    expect(help.stdout).toContain(flag);
  });

  test('help lists the nouns, and each has an example', async () => {
    const { code, stdout } = await sora('--help');
    expect(code).toBe(0);
    for (const noun of ['up', 'down', 'status', 'load', 'db', 'logs', 'query', 'watchdog']) {
      expect(stdout).toMatch(new RegExp(`^  ${noun} `, 'm'));
      const help = await sora(noun, '--help');
      expect(help).toMatchObject({ code: 0, stderr: '' });
      expect(help.stdout).toMatch(new RegExp(`Examples:\\n  .*sora ${noun}`));
    }
  });
});
