/** What befalls the control plane itself. */
import { join } from 'node:path';
import { readStackState, writeStackState } from '../../../../ops/supervisor/stack-state.ts';
import type { Fault, World } from '../fault.ts';
import { freeze, processOf } from './reach.ts';

/** Two evaluations of each group, and less than the windows of a drill. */
const stallMs = 9_000;

export const stalledControl: Fault = {
  name: 'control-stalled', what: `the control plane stands still for ${stallMs / 1_000} s (SIGSTOP)`, target: 'control', conditionAfterMs: stallMs,
  alerts: ['EvaluationsMissed'],
  async begin(world) {
    const { host, signal } = world;
    const thaw = freeze(world, processOf(world, 'control').pid);
    try {
      await host.timers.sleep(stallMs, signal);
    } finally {
      thaw();
    }
    return () => Promise.resolve();
  },
};

const unlisted = 'workers';

/** The supervisor writes its state when something changes, so that it stays as we left it while all is well. */
export const unlistedTarget: Fault = {
  name: 'target-unlisted', what: `the state file of the stack no longer says where the metrics of the ${unlisted} are`, target: unlisted,
  alerts: ['TargetMissing'],
  begin(world) {
    const before = listed(world);
    list(world, null);
    return Promise.resolve(() => Promise.resolve(list(world, before)));
  },
};

const stateDir = ({ home }: World): string => join(home, 'stack');

function listed(world: World): string | null {
  return readStackState(world.host, stateDir(world))?.processes.find(({ name }) => name === unlisted)?.metricsUrl ?? null;
}

function list(world: World, metricsUrl: string | null): void {
  const state = readStackState(world.host, stateDir(world));
  if (state === undefined) throw new Error('the stack has no state');
  writeStackState(world.host, stateDir(world), { ...state, processes: state.processes.map((row) => (row.name === unlisted ? { ...row, metricsUrl } : row)) });
}
