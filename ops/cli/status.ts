import { exitCodes, invalidConfig } from '../core/error.ts';
import { readLiveStack } from '../supervisor/stack-state.ts';
import type { StackProcess, StackState } from '../supervisor/stack-state.ts';
import type { Command } from './command.ts';
import { outputFlag, outputOf, parseFlags, suggest } from './command.ts';
import { formatAge, renderTable } from './table.ts';
import { stackDir } from './up.ts';
import { warningOf } from './watchdog-reach.ts';

export const status: Command = {
  name: 'status',
  summary: 'Shows the processes of the stack',
  usage: 'sora status [-o json] [--pid NAME|--url NAME]',
  flags: {
    pid: { type: 'string', value: 'NAME', help: 'prints the process id of this process alone, for kill' },
    url: { type: 'string', value: 'NAME', help: 'prints the URL of this process alone, for curl' },
    ...outputFlag,
  },
  examples: ['sora status', 'sora status -o json', 'kill -TERM "$(npx sora status --pid api)"'],
  details: 'With -o json: processes[] of name, kind, pid, port, state, restarts, url, startedAt. States are waiting,\nstarting, ready, unready, backoff, stopping, stopped and failed.',
  async run(context, args) {
    const parsed = parseFlags(status, args);
    const output = outputOf(parsed);
    const { host } = context;
    const live = readLiveStack(host, stackDir(context));
    const [pid, url] = [parsed.text('pid'), parsed.text('url')];
    if (pid !== undefined && url !== undefined) throw invalidConfig('--pid and --url exclude each other', 'ask for one of them');
    if (pid !== undefined) host.stdout.write(`${demand(pid, 'process', findProcess(live, pid).pid)}\n`);
    else if (url !== undefined) host.stdout.write(`${demand(url, 'URL', findProcess(live, url).url)}\n`);
    else if (output === 'json') {
      const nothing = { schema: 'sora.stack/v1', phase: 'stopped', processes: [], tasks: [], urls: {} };
      host.stdout.write(`${JSON.stringify(live ?? nothing, null, 2)}\n`);
    } else if (live === undefined) {
      host.stderr.write('nothing is up; start it with: npm start\n');
    } else {
      const rows = live.processes.map((row) => [
        row.name, row.kind, row.pid, row.port, row.state, row.restarts, row.url, formatAge(host, row.startedAt),
      ]);
      host.stdout.write(renderTable(['NAME', 'KIND', 'PID', 'PORT', 'STATE', 'RESTARTS', 'URL', 'AGE'], rows));
      const warning = await warningOf(live.urls['watchdog']);
      if (warning !== undefined) host.stderr.write(`warning: ${warning}\n`);
      host.stderr.write(adviseOn(live));
    }
    return exitCodes.pass;
  },
};

/** What to do about processes that were given up; empty where none was. */
export function adviseOn({ processes, tasks }: Pick<StackState, 'processes' | 'tasks'>): string {
  const failed = [...processes, ...tasks].filter(({ state }) => state === 'failed').map(({ name }) => name);
  const [first] = failed;
  if (first === undefined) return '';
  return `${failed.join(' and ')} ended too often and ${failed.length === 1 ? 'is' : 'are'} not started again: npx sora logs --service ${first} says why; once that is mended: npx sora retry\n`;
}

/** The one process of this name, or of this service where it has no replicas. @throws SoraError `invalid_config` when there is none, or more than one */
function findProcess(live: StackState | undefined, name: string): StackProcess {
  const rows = live?.processes ?? [];
  const named = rows.filter((row) => row.name === name);
  const found = named.length > 0 ? named : rows.filter((row) => row.service === name);
  const [first] = found;
  if (live === undefined) throw invalidConfig('nothing is up', 'start it with: npm start');
  if (first === undefined) throw invalidConfig(`the stack has no process "${name}"`, suggest(name, rows.map((row) => row.name)) ?? `it has ${rows.map((row) => row.name).join(', ')}`);
  if (found.length > 1) throw invalidConfig(`"${name}" has ${found.length} processes`, `name one of ${found.map((row) => row.name).join(', ')}`);
  return first;
}

function demand<Value>(name: string, what: string, value: Value | null): Value {
  if (value === null) throw invalidConfig(`${name} has no ${what} now`, 'npx sora status shows its state');
  return value;
}
