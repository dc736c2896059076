import type { NewEvent } from '../core/event-log/event.ts';
import type { StackProcess, StackState } from '../supervisor/stack-state.ts';

/** Passed through on the way to another, and told by it. */
const passing: ReadonlySet<StackProcess['state']> = new Set(['waiting', 'starting']);

/**
 * What happened to processes between two looks at the supervisor's state, as events. A process that ended and came
 * back between them was `restarted`. Nothing is told of a stack that is seen for the first time, and of its planned end.
 */
export function processEvents(before: StackState | undefined, after: StackState | undefined, nowMs: number): NewEvent[] {
  if (before === undefined || after === undefined || before.instance !== after.instance || after.phase === 'stopping' || after.phase === 'stopped') return [];
  const known = new Map(before.processes.map((process) => [process.name, process]));
  return after.processes.flatMap((process): NewEvent[] => {
    const old = known.get(process.name);
    const state = old === undefined ? undefined : changeOf(old, process);
    if (state === undefined) return [];
    const { name, restarts, startedAt } = process;
    return [{ atMs: nowMs, actor: 'supervisor', details: { kind: 'process', process: name, state }, key: `process:${after.instance}:${name}:${restarts}:${startedAt ?? ''}:${state}:${nowMs}` }];
  });
}

function changeOf(old: StackProcess, process: StackProcess): string | undefined {
  if (process.restarts > old.restarts && process.state === 'ready') return 'restarted';
  return process.state === old.state || passing.has(process.state) ? undefined : process.state;
}
