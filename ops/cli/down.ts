import { SoraError, exitCodes } from '../core/error.ts';
import { isAlive } from '../supervisor/process-table.ts';
import { readLiveStack } from '../supervisor/stack-state.ts';
import type { Command } from './command.ts';
import { outputFlag, outputOf, parseFlags } from './command.ts';
import { stackDir } from './up.ts';

/** Every process has 15 s or less to end, one after the other along the dependencies. */
const patienceMs = 60_000;

export const down: Command = {
  name: 'down',
  summary: 'Stops the stack that `sora up` started; its data stays',
  usage: 'sora down [-o json]',
  flags: outputFlag,
  examples: ['sora down', 'sora down -o json'],
  details: 'With -o json: supervisorPid, that of the stack which was stopped, or null where nothing was up.',
  async run(context, args) {
    const output = outputOf(parseFlags(down, args));
    const { host } = context;
    const tell = (message: string, supervisorPid: number | null): void => {
      host.stderr.write(`${message}\n`);
      if (output === 'json') host.stdout.write(`${JSON.stringify({ schema: 'sora.down/v1', supervisorPid })}\n`);
    };
    const live = readLiveStack(host, stackDir(context));
    if (live === undefined) {
      tell('nothing is up', null);
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
    tell('the stack is down', live.supervisorPid);
    return exitCodes.pass;
  },
};
