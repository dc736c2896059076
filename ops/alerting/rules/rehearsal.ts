/** Which load run or drill is under way, by the event log: its alerts are rehearsals and page nobody. */
import type { EventLog, LoggedEvent, NewEvent } from '../../core/event-log/event.ts';

/** A run whose end was never told is taken for over after that long. */
const runMaxMs = 24 * 3_600_000;
const openMax = 100;

/** Runs that were begun and not ended, the last one last. */
export type OpenRuns = readonly { readonly id: string; readonly sinceMs: number }[];

/** Takes one event into account; others than those of runs and faults change nothing. */
export function trackRun(open: OpenRuns, { atMs, details }: Pick<NewEvent, 'atMs' | 'details'>): OpenRuns {
  const id = details.kind === 'load-run' ? details.runId : details.kind === 'fault' ? details.drillId : undefined;
  if (id === undefined || (details.kind !== 'load-run' && details.kind !== 'fault')) return open;
  // A drill counts by its faults: it is over when as many ended as began.
  if (details.phase === 'started') return [...open, { id, sinceMs: atMs }].slice(-openMax);
  const ended = open.findIndex((run) => run.id === id);
  return ended === -1 ? open : open.filter((_, at) => at !== ended);
}

/** The run that was begun last of those under way. */
export function rehearsalAt(open: OpenRuns, nowMs: number): string | undefined {
  return open.findLast(({ sinceMs }) => nowMs - sinceMs <= runMaxMs)?.id;
}

/** Follows the event log. `refresh` before each evaluation; a log that cannot be read leaves what was known. */
export function followRehearsals(log: Pick<EventLog, 'read'>): { refresh(nowMs: number): Promise<string | undefined> } {
  let open: OpenRuns = [];
  let sequence: number | undefined;
  return {
    async refresh(nowMs) {
      let events: readonly LoggedEvent[];
      do {
        events = await log.read({ kinds: ['load-run', 'fault'], ...(sequence === undefined ? { fromMs: nowMs - runMaxMs } : { afterSequence: sequence }) });
        open = events.reduce<OpenRuns>(trackRun, open);
        sequence = events.at(-1)?.sequence ?? sequence;
      } while (events.length >= 10_000);
      return rehearsalAt(open, nowMs);
    },
  };
}
