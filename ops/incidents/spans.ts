/** What happened over a span of time, for budgets: who asks for several objectives asks at the same moment. */
import type { EventLog } from '../core/event-log/event.ts';
import type { Host } from '../core/host.ts';
import type { Gate } from '../metricstore/http-api/gate.ts';
import type { IncidentSpan } from '../slo/budget.ts';
import { incidentKinds, incidentsOf } from './fold.ts';
import { readHistory } from './history.ts';

export interface SpansParts {
  readonly host: Pick<Host, 'clock'>;
  readonly log: EventLog;
  /** See `IncidentRoutesDeps`. */
  readonly gate: Pick<Gate, 'run'>;
  /** Hears how many of the oldest events of a span were too many to read, where any were. */
  readonly onCut: (events: number) => void;
}

/** A reading answers whoever asks for no more than it within this time. */
const freshMs = 10_000;

interface Reading {
  readonly fromMs: number;
  readonly atMs: number;
  readonly spans: Promise<readonly IncidentSpan[]>;
}

/**
 * Gives the incidents that touch a span of time, those that are open until its end; they are up to 10 s old.
 * Rehearsals are none, though the bad events of a load run count in the budget, as those of no incident.
 */
export function createSpanReader({ host, log, gate, onCut }: SpansParts): (fromMs: number, toMs: number) => Promise<readonly IncidentSpan[]> {
  let last: Reading | undefined;
  const read = async (fromMs: number, toMs: number): Promise<IncidentSpan[]> =>
    incidentsOf(await readHistory(log, { kinds: incidentKinds, fromMs, toMs }, onCut), toMs)
      .filter(({ rehearsalId }) => rehearsalId === undefined)
      .map(({ id, title, startedAtMs, resolvedAtMs }) => ({ id, title, fromMs: startedAtMs, toMs: resolvedAtMs ?? toMs }));
  return async (fromMs, toMs) => {
    const nowMs = host.clock.nowMs();
    if (last === undefined || last.fromMs > fromMs || nowMs - last.atMs > freshMs) {
      const reading: Reading = { fromMs, atMs: nowMs, spans: gate.run(() => read(fromMs, toMs)) };
      last = reading;
      // What failed is asked again by the next.
      reading.spans.catch(() => {
        if (last === reading) last = undefined;
      });
    }
    return (await last.spans).filter((span) => span.toMs >= fromMs && span.fromMs <= toMs);
  };
}
