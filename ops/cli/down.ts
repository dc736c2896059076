import { SoraError, exitCodes } from '../core/error.ts';
import { isAlive } from '../supervisor/process-table.ts';
import { readLiveStack } from '../supervisor/stack-state.ts';
import type { Command } from './command.ts';
import { parseFlags } from './command.ts';
import { stackDir } from './up.ts';

/** Every process has 15 s or less to end, one after the other along the dependencies. */
const patienceMs = 60_000;

export const down: Command = {
  name: 'down',
  summary: 'Stops the stack that `sora up` started; its data stays',
  usage: 'sora down',
  flags: {},
  examples: ['sora down'],
  async run(context, args) {
    parseFlags(down, args);
    const { host } = context;
    const live = readLiveStack(host, stackDir(context));
    if (live === undefined) {
      host.stderr.write('nothing is up\n');
      return exitCodes.pass;
    }
    host.process.kill(live.supervisorPid, 'SIGTERM');
    const startMs = host.clock.monotonicMs();
    while (isAlive(host, live.supervisorPid)) {
      if (host.clock.monotonicMs() - startMs > patienceMs) {
        throw new SoraError('still_up', `supervisor pid ${live.supervisorPid} still runs after ${patienceMs} ms`, {
          hint: `kill -9 ${live.supervisorPid} ends it and, within 10 s, all it started`,
        });
      }
      await host.timers.sleep(50);
    }
    host.stderr.write('the stack is down\n');
    return exitCodes.pass;
  },
};
