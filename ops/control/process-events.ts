import type { NewEvent } from '../core/event-log/event.ts';
import type { StackProcess, StackState } from '../supervisor/stack-state.ts';

/** Passed through on the way to another, and told by it. */
const passing: ReadonlySet<StackProcess['state']> = new Set(['waiting', 'starting']);

/**
 * What happened to processes between two looks at the supervisor's state, as events. Each restart is told as
 * `restarted`, at the look that counts it, whatever has become of the process by then. Nothing is told of a stack that is seen for the first time, and of its planned end.
 */
export function processEvents(before: StackState | undefined, after: StackState | undefined, nowMs: number): NewEvent[] {
  if (before === undefined || after === undefined || before.instance !== after.instance || after.phase === 'stopping' || after.phase === 'stopped') return [];
  const known = new Map(before.processes.map((process) => [process.name, process]));
  return after.processes.flatMap((process): NewEvent[] => {
    const old = known.get(process.name);
    if (old === undefined) return [];
    const { name, restarts, startedAt } = process;
    const tell = (state: string, key: string): NewEvent => ({ atMs: nowMs, actor: 'supervisor', details: { kind: 'process', process: name, state }, key: `process:${after.instance}:${name}:${key}` });
    const state = changeOf(old, process);
    return [
      ...restartsBetween(old, process).map((number) => tell('restarted', `restart:${number}`)),
      ...(state === undefined ? [] : [tell(state, `${restarts}:${startedAt ?? ''}:${state}:${nowMs}`)]),
    ];
  });
}

/** Told of one look; the supervisor gives up after five crashes within a minute. */
const restartsMax = 20;

/** Their numbers, the latest where they are many. */
function restartsBetween(old: StackProcess, process: StackProcess): number[] {
  const added = Math.min(restartsMax, Math.max(0, process.restarts - old.restarts));
  return Array.from({ length: added }, (_, index) => process.restarts - added + index + 1);
}

function changeOf(old: StackProcess, process: StackProcess): string | undefined {
  return process.state === old.state || passing.has(process.state) ? undefined : process.state;
}
