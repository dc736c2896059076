/** Reads what incidents and deploys are computed from. */
import type { EventKind, EventLog, LoggedEvent } from '../core/event-log/event.ts';
import type { Incident } from './incident.ts';
import { beforeMs, timelineKinds } from './timeline.ts';

/** Events read for one answer; of more, the oldest of the span are left out. */
export const historyMax = 200_000;
const pageSize = 10_000;
export const dayMs = 86_400_000;
/** Looked back at most. */
export const daysMax = 366;

/** All events of these kinds in a span of time, in order of sequence. @param onCut hears how many of the oldest were left out, where any were */
export async function readHistory(log: EventLog, span: { readonly kinds: readonly EventKind[]; readonly fromMs: number; readonly toMs?: number | undefined }, onCut: (events: number) => void = () => undefined): Promise<LoggedEvent[]> {
  let cut = 0;
  const events: LoggedEvent[] = [];
  let afterSequence: number | undefined;
  for (;;) {
    const page = await log.read({ ...span, afterSequence, limit: pageSize });
    for (const event of page) events.push(event);
    if (events.length > historyMax) cut += events.splice(0, events.length - historyMax).length;
    if (page.length < pageSize) break;
    afterSequence = page.at(-1)?.sequence;
  }
  if (cut > 0) onCut(cut);
  return events;
}

/**
 * What an incident's timeline is made of: everything from 30 min before its start to its end, and what people noted later.
 * So an old incident is as whole as a new one, however much has happened since.
 * @param onCut see `readHistory`
 */
export async function readAround(log: EventLog, { startedAtMs, resolvedAtMs }: Pick<Incident, 'startedAtMs' | 'resolvedAtMs'>, onCut: (events: number) => void): Promise<LoggedEvent[]> {
  const events = await readHistory(log, { kinds: timelineKinds, fromMs: startedAtMs - beforeMs, toMs: resolvedAtMs }, onCut);
  if (resolvedAtMs === undefined) return events;
  return [...events, ...(await readHistory(log, { kinds: ['incident'], fromMs: resolvedAtMs + 1 }, onCut))];
}
