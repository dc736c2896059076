import { exitCodes, invalidConfig } from '../core/error.ts';
import { readLiveStack } from '../supervisor/stack-state.ts';
import type { StackProcess } from '../supervisor/stack-state.ts';
import type { Command } from './command.ts';
import { parseFlags } from './command.ts';
import { stackDir } from './up.ts';

/** Longer than any process of the topology may take to be ready. */
const patienceMs = 60_000;

export const retry: Command = {
  name: 'retry',
  summary: 'Starts again the processes that were given up; the others go on meanwhile',
  usage: 'sora retry',
  flags: {},
  examples: ['sora retry', 'kill -TERM "$(npx sora status --pid api)"'],
  details: 'A process that ends five times within a minute is given up: its state is failed. Mend why first; npx sora logs --service NAME says it.\nA process that runs is started anew when it is ended, as in the second example.\n\nExit codes: 0 they are ready, 1 one is not, 104 nothing is up.',
  async run(context, args) {
    parseFlags(retry, args);
    const { host } = context;
    const read = (): readonly StackProcess[] => {
      const live = readLiveStack(host, stackDir(context));
      if (live === undefined) throw invalidConfig('nothing is up', 'start it with: npm start');
      return [...live.processes, ...live.tasks];
    };
    const before = read().filter(({ state }) => state === 'failed');
    if (before.length === 0) {
      host.stderr.write('no process was given up; npx sora status shows them\n');
      return exitCodes.pass;
    }
    const supervisorPid = readLiveStack(host, stackDir(context))?.supervisorPid;
    if (supervisorPid !== undefined) host.process.kill(supervisorPid, 'SIGUSR2');
    const startMs = host.clock.monotonicMs();
    // It is given up anew only with a number of restarts of its own.
    const isPending = ({ state, restarts }: StackProcess, { restarts: earlier }: StackProcess): boolean => state !== 'ready' && !(state === 'failed' && restarts > earlier);
    const now = (): StackProcess[] => before.map((process) => read().find(({ name }) => name === process.name) ?? process);
    while (now().some((process, index) => isPending(process, before[index] ?? process)) && host.clock.monotonicMs() - startMs < patienceMs) await host.timers.sleep(100);
    const after = now();
    for (const { name, state } of after) host.stderr.write(state === 'ready' ? `${name}: ready\n` : `${name}: ${state}; npx sora logs --service ${name} says why\n`);
    return after.every(({ state }) => state === 'ready') ? exitCodes.pass : exitCodes.generic;
  },
};
