/** Entry point of the `sora` command: finds the noun, and maps what it throws to a message and an exit code. */
import { resolve } from 'node:path';
import { stderr, stdout } from 'node:process';
import { SoraError, exitCodes, invalidConfig, messageOf, renderError } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { createNodeHost } from '../core/node-host.ts';
import { alerts } from './alerts.ts';
import { renderHelp, suggest } from './command.ts';
import type { Command, Context } from './command.ts';
import { db } from './db.ts';
import { deploy } from './deploy.ts';
import { down } from './down.ts';
import { incident } from './incident.ts';
import { load } from './load.ts';
import { logs } from './logs.ts';
import { oncall } from './oncall.ts';
import { query } from './query.ts';
import { retry } from './retry.ts';
import { rules } from './rules.ts';
import { slo } from './slo.ts';
import { status } from './status.ts';
import { up } from './up.ts';
import { watchdog } from './watchdog.ts';

const commands: readonly Command[] = [up, down, status, retry, load, db, logs, rules, incident, deploy, slo, query, watchdog, alerts, oncall];

async function run(context: Context, args: readonly string[]): Promise<ExitCode> {
  const [noun, ...rest] = args;
  const { stdout } = context.host;
  if (noun === undefined || noun === '--help' || noun === '-h' || (noun === 'help' && rest.length === 0)) {
    stdout.write(renderNouns());
    return noun === undefined ? exitCodes.invalidConfig : exitCodes.pass;
  }
  if (noun === '--version') {
    const { version } = JSON.parse(context.host.files.readText(resolve(context.root, 'package.json'))) as { version: string };
    stdout.write(`${version}\n`);
    return exitCodes.pass;
  }
  const name = noun === 'help' ? rest[0] : noun;
  const command = commands.find((known) => known.name === name);
  if (command === undefined) {
    const names = commands.map((known) => known.name);
    throw invalidConfig(`there is no command "${name}"`, suggest(name ?? '', names, 'sora ') ?? `commands: ${names.join(', ')}`);
  }
  const passesThrough = command.passesThrough?.some((verb) => verb === rest[0]) ?? false;
  if (noun === 'help' || (!passesThrough && rest.some((argument) => argument === '--help' || argument === '-h'))) {
    stdout.write(renderHelp(command, noun === 'help' ? rest[1] : rest[0]));
    return exitCodes.pass;
  }
  return command.run(context, rest);
}

function renderNouns(): string {
  return [
    'SORA runs a backend, puts load on it and says whether it is fit.\n',
    'Usage: sora <command> [flags]\n',
    'Commands:',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`),
    '\nsora <command> --help has the flags and examples of one. Data goes to standard output, messages to',
    'standard error. Exit codes: 0 well, 98 insufficient, 99 thresholds failed, 104 wrong configuration,',
    '105 stopped by a signal, 107 scenario error, 1 anything else.',
    '\nExamples:',
    '  sora up',
    '  sora load run launch-mix --users 10000 --duration 60s',
    '',
  ].join('\n');
}

/** The one place where an error becomes words and an exit code. */
function fail(host: Host, error: unknown): ExitCode {
  const known = error instanceof SoraError ? error : new SoraError('defect', messageOf(error), { hint: 'this is a defect; SORA_DEBUG=1 shows where', cause: error });
  host.stderr.write(renderError(known));
  if (host.process.env['SORA_DEBUG'] === '1' && error instanceof Error) host.stderr.write(`${error.stack}\n`);
  return known.exitCode;
}

const host = createNodeHost();
const root = resolve(import.meta.dirname, '../..');
// A reader such as `head` may close the pipe early; that is no error.
stdout.on('error', () => host.process.exit(exitCodes.pass));
// A terminal that is closed takes no more messages; the SIGHUP that comes with it ends us in order.
stderr.on('error', () => undefined);
try {
  const home = resolve(host.process.env['SORA_HOME'] ?? resolve(root, '.sora'));
  const topology = resolve(host.process.env['SORA_TOPOLOGY'] ?? resolve(root, 'topology.json'));
  host.process.setExitCode(await run({ host, root, home, topology }, host.process.argv));
} catch (error) {
  host.process.setExitCode(fail(host, error));
}
