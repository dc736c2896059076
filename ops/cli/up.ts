import { join } from 'node:path';
import { exitCodes } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import { readStackState } from '../supervisor/stack-state.ts';
import type { Command, Context } from './command.ts';
import { outputFlag, outputOf, parseFlags, readPairs } from './command.ts';
import { onInterrupt } from './interrupt.ts';
import { startSupervisor, takeFolder } from './supervisor-link.ts';
import type { SupervisorConfig } from './supervisor-link.ts';
import { renderTable } from './table.ts';
import { checkAlerting } from './up-check.ts';

/** State folder of the stack that `sora up` runs. */
export function stackDir(context: Context): string {
  return join(context.home, 'stack');
}

/** The part of a supervisor's configuration that is about the control plane; `folder` is its cluster's, below that of all state. */
export function controlPart(context: Context, folder: string, control: boolean, rehearsal = ''): Pick<SupervisorConfig, 'control' | 'controlDatabaseUrl' | 'controlDatabaseFolder' | 'rehearsal'> {
  const controlDatabaseUrl = context.host.process.env['SORA_CONTROL_DATABASE_URL'] || undefined;
  return { control, controlDatabaseFolder: join(context.home, folder), rehearsal, ...(controlDatabaseUrl === undefined ? {} : { controlDatabaseUrl }) };
}

export const up: Command = {
  name: 'up',
  summary: 'Starts the whole stack and keeps it up until Ctrl-C',
  usage: 'sora up [flags]',
  flags: {
    port: { type: 'string', multiple: true, value: '[NAME=]PORT', help: 'a port other than in topology.json; without a name, the gateway’s' },
    replicas: { type: 'string', multiple: true, value: 'NAME=COUNT', help: 'number of processes, such as api=2' },
    'no-alerts': { type: 'boolean', help: 'leaves out the control plane: nothing is scraped, no alert is evaluated' },
    ...outputFlag,
  },
  examples: ['sora up', 'sora up --port 9000 --replicas api=2', 'DATABASE_URL=postgres://me:secret@127.0.0.1:5432/avalo sora up'],
  details: 'Data stays in .sora/ and is found again at the next start. DATABASE_URL uses another\nPostgreSQL instead of the embedded one, SORA_CONTROL_DATABASE_URL for the state of the control plane. Everything listens on 127.0.0.1.\nWith -o json, one line once all is ready: what sora status -o json shows.',
  async run(context, args) {
    const parsed = parseFlags(up, args);
    const output = outputOf(parsed);
    const { host } = context;
    const reach = parsed.has('no-alerts') ? undefined : await checkAlerting(context);
    const stateDir = stackDir(context);
    const giveBack = takeFolder(context, stateDir, 'the stack', 'use it as it is, or stop it first with: npx sora down');
    try {
      const databaseUrl = host.process.env['DATABASE_URL'];
      return await runStack(context, {
        stateDir,
        ports: 'fixed',
        portOverrides: readPairs('port', parsed.list('port'), 65_535, 'gateway'),
        replicas: readPairs('replicas', parsed.list('replicas'), 64),
        databaseFolder: join(context.home, 'pg/main'),
        ...(databaseUrl === undefined || databaseUrl === '' ? {} : { databaseUrl }),
        ...controlPart(context, 'pg/control', !parsed.has('no-alerts')),
      }, output, reach);
    } finally {
      giveBack();
    }
  },
};

async function runStack(context: Context, config: Parameters<typeof startSupervisor>[1], output: 'table' | 'json', reach: string | undefined): Promise<ExitCode> {
  const { host } = context;
  const supervisor = startSupervisor(context, config);
  let interrupted = false;
  const stopListening = onInterrupt(host, (count) => {
    interrupted = true;
    if (count > 1) host.process.exit(exitCodes.interrupted);
    host.stderr.write('\nstopping; press Ctrl-C again to force\n');
    void supervisor.stop();
  });
  supervisor.onProcess(({ name, state, restarts }) => {
    if (state === 'starting' || state === 'waiting' || state === 'stopped') return;
    const again = restarts > 0 ? ` (restart ${restarts})` : '';
    host.stderr.write(`${name}: ${state}${again}\n`);
    if (state === 'failed') host.stderr.write(`${name} ended too often and is not started again; the others go on without it.\n  npx sora logs --service ${name} and ${join(config.stateDir, 'logs', `${name}.out`)} say why; once that is mended: npx sora retry\n`);
  });
  try {
    await supervisor.until('up');
    showReady(context, config.stateDir, output, reach);
    // Also when `sora down` asked for it. A supervisor that dies without stopping rejects this.
    await supervisor.until('stopped');
    host.stderr.write('the stack is down\n');
  } catch (error) {
    if (!interrupted) throw error;
  } finally {
    await supervisor.ended;
    stopListening();
  }
  return exitCodes.pass;
}

/** `reach` says whom alerts are told to, undefined where there are none. */
function showReady(context: Context, stateDir: string, output: 'table' | 'json', reach: string | undefined): void {
  const { host } = context;
  const state = readStackState(host, stateDir);
  if (state === undefined) return;
  if (output === 'json') host.stdout.write(`${JSON.stringify(state)}\n`);
  else host.stdout.write(renderTable(['NAME', 'KIND', 'PID', 'PORT', 'URL'], state.processes.map((row) => [row.name, row.kind, row.pid, row.port, row.url])));
  const lines = nextSteps(state.urls).map(([command, effect]) => `  ${command.padEnd(42)}${effect}\n`);
  host.stderr.write(`\nThe stack is up. What next, from another terminal:\n${lines.join('')}${reach === undefined ? '' : `Alerts are told to: ${reach}.\n  npx sora alerts route says what is off and what would switch it on (docs/alerting.md)\n`}Ctrl-C stops it; its data stays.\n`);
}

/** Commands worth trying, with what each does; those on alerts where a control plane runs. */
export function nextSteps(urls: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  const alerting: readonly (readonly [string, string])[] = [
    ['npx sora alerts ls', 'what fires, and who is told (docs/alerting.md)'],
    ["npx sora query 'sum by (job) (up)'", 'asks the metrics, with PromQL'],
  ];
  return [
    [`${urls['gateway'] ?? ''}/docs`, 'the API'],
    ['npx sora db seed --users 10000', 'first: makes the users that load runs play'],
    ['npx sora load run launch-mix', 'then: puts load on it'],
    ['npx sora load debug launch-mix --user 7', 'or: plays one user and shows each request'],
    ['npx sora status', 'what runs'],
    ['npx sora logs -f', 'what it says'],
    ...(urls['control'] === undefined ? [] : alerting),
  ];
}
