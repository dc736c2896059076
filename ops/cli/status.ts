import { exitCodes } from '../core/error.ts';
import { readLiveStack } from '../supervisor/stack-state.ts';
import type { Command } from './command.ts';
import { outputFlag, outputOf, parseFlags } from './command.ts';
import { formatAge, renderTable } from './table.ts';
import { stackDir } from './up.ts';

export const status: Command = {
  name: 'status',
  summary: 'Shows the processes of the stack',
  usage: 'sora status [-o json]',
  flags: outputFlag,
  examples: ['sora status', 'sora status -o json | jq -r \'.processes[] | select(.kind == "api") | .pid\''],
  details: 'With -o json: processes[] of name, kind, pid, port, state, restarts, url, startedAt. States are waiting,\nstarting, ready, unready, backoff, stopping, stopped and failed.',
  async run(context, args) {
    const output = outputOf(parseFlags(status, args));
    const { host } = context;
    const live = readLiveStack(host, stackDir(context));
    if (output === 'json') {
      const nothing = { schema: 'sora.stack/v1', phase: 'stopped', processes: [], tasks: [], urls: {} };
      host.stdout.write(`${JSON.stringify(live ?? nothing, null, 2)}\n`);
    } else if (live === undefined) {
      host.stderr.write('nothing is up; start it with: npm start\n');
    } else {
      const rows = live.processes.map((row) => [
        row.name, row.kind, row.pid, row.port, row.state, row.restarts, row.url, formatAge(host, row.startedAt),
      ]);
      host.stdout.write(renderTable(['NAME', 'KIND', 'PID', 'PORT', 'STATE', 'RESTARTS', 'URL', 'AGE'], rows));
    }
    return exitCodes.pass;
  },
};
