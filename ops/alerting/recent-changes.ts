/** What changed shortly before an alert: most incidents follow a change. */
import type { EventLog, LoggedEvent } from '../core/event-log/event.ts';
import { readHistory } from '../incidents/history.ts';
import type { RecentChange } from './notification.ts';
import { drillMaxMs, leaseMs } from './rules/rehearsal.ts';

/** How far back a notification looks. */
export const recentChangesSpanMs = 30 * 60_000;
/** Changes a notification holds; the newest stay. */
export const recentChangesMax = 20;

/** Kinds of events that `recentChanges` understands. */
export const changeKinds = ['deploy', 'config', 'load-run', 'fault'] as const;

/**
 * The deploys, configuration changes, load runs and faults of the 30 min up to `nowMs`, newest first. A load run or
 * fault that began earlier and still lasts is named as well: it is the likeliest cause of all.
 * @param events in order of sequence, of the kinds `changeKinds`; others are skipped
 */
export function recentChanges(events: readonly LoggedEvent[], nowMs: number): RecentChange[] {
  const fromMs = nowMs - recentChangesSpanMs;
  const past = events.filter((event) => event.atMs <= nowMs);
  const ended = new Set(past.flatMap((event) => (isEnd(event) ? [idOf(event)] : [])));
  const started = new Set(past.flatMap((event) => (isStart(event) ? [idOf(event)] : [])));
  const lastOf = new Map<string, LoggedEvent>(past.flatMap((event) => (event.details.kind === 'load-run' ? [[idOf(event), event] as const] : [])));
  // A run that went without a word is taken for over, as for rehearsals.
  const isSilent = (event: LoggedEvent): boolean => {
    const { atMs, details } = event;
    if (details.kind === 'load-run') return nowMs - (lastOf.get(idOf(event))?.atMs ?? atMs) > leaseMs;
    return details.kind === 'fault' && details.drillId !== undefined && nowMs - atMs > drillMaxMs;
  };
  // One that began before all that was read is known by its last renewal.
  const stands = (event: LoggedEvent): boolean => isStart(event) || (!started.has(idOf(event)) && lastOf.get(idOf(event)) === event);
  const lasts = (event: LoggedEvent): boolean => stands(event) && !ended.has(idOf(event)) && !isSilent(event);
  return past
    .filter((event) => event.atMs > fromMs || lasts(event))
    .flatMap((event) => toChange(event, lasts(event)))
    .toSorted((one, other) => other.atMs - one.atMs)
    .slice(0, recentChangesMax);
}

function toChange({ atMs, details, actor }: LoggedEvent, lasts: boolean): RecentChange[] {
  const still = lasts ? ', still under way' : '';
  switch (details.kind) {
    case 'deploy': {
      const outcome = details.outcome === 'succeeded' ? '' : `, ${details.outcome}`;
      return [{ kind: 'deploy', atMs, text: `${details.service} ${details.version} (${details.commit.slice(0, 12)})${outcome}${details.rework ? ', rework' : ''} by ${actor}` }];
    }
    case 'config':
      return details.isFirst === true ? [] : [{ kind: 'config', atMs, text: `${details.subject}: ${details.summary} by ${actor}` }];
    case 'load-run':
      if (details.phase === 'renewed' && !lasts) return [];
      return [{ kind: 'load-run', atMs, text: `${details.scenario} ${details.runId} ${details.phase === 'renewed' ? 'started earlier' : details.phase}${still}${details.summary === '' ? '' : `: ${details.summary}`}` }];
    case 'fault':
      return [{ kind: 'fault', atMs, text: `${details.fault} on ${details.target} ${details.phase}${still}${details.drillId === undefined ? '' : ` (drill ${details.drillId})`}` }];
    default:
      return [];
  }
}

const isStart = ({ details }: LoggedEvent): boolean => (details.kind === 'load-run' || details.kind === 'fault') && details.phase === 'started';
const isEnd = ({ details }: LoggedEvent): boolean => (details.kind === 'load-run' || details.kind === 'fault') && details.phase === 'ended';

function idOf({ details }: LoggedEvent): string {
  if (details.kind === 'load-run') return `load-run ${details.runId}`;
  return details.kind === 'fault' ? `fault ${details.faultId}` : '';
}

/** How far back the log is read for load runs and faults that still last; runs that began earlier are known by their renewals. */
const lookBackMs = 6 * 3_600_000;

/** Reads the log and answers `recentChanges` of it. Of more than 200,000 events the newest count. */
export async function readRecentChanges(log: EventLog, nowMs: number): Promise<RecentChange[]> {
  const recentMs = nowMs - recentChangesSpanMs;
  const [earlier, recent] = await Promise.all([
    readHistory(log, { kinds: ['load-run', 'fault'], fromMs: nowMs - lookBackMs, toMs: recentMs - 1 }),
    readHistory(log, { kinds: changeKinds, fromMs: recentMs, toMs: nowMs }),
  ]);
  return recentChanges([...earlier, ...recent], nowMs);
}
