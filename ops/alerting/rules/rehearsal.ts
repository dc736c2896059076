/**
 * Which load run or drill is under way, by the event log: its alerts are rehearsals and page nobody. Whoever mutes pages
 * must go on saying so: a run counts for as long as its lease lasts, and each renewal begins a new one.
 */
import type { EventLog, LoggedEvent, NewEvent } from '../../core/event-log/event.ts';
import type { Labels } from '../../metricstore/series.ts';

/** A load run that was renewed no later than this ago is under way; `sora load` renews every 30 s. */
export const leaseMs = 120_000;
/** A fault of a drill whose end is not told counts for that long. */
export const drillMaxMs = 30 * 60_000;
/** Nothing is a rehearsal for longer. */
const runMaxMs = 24 * 3_600_000;
/** The plan of a load run that states none. */
const planMs = 2 * 3_600_000;
const openMax = 100;
const pageSize = 10_000;

/** What an event says of a run or a drill. */
export interface RunMoment {
  readonly atMs: number;
  readonly id: string;
  readonly kind: 'load-run' | 'fault';
  readonly phase: 'started' | 'renewed' | 'ended';
  readonly plannedEndMs?: number | undefined;
}

export interface OpenRun {
  readonly id: string;
  readonly kind: 'load-run' | 'fault';
  readonly sinceMs: number;
  /** Over after this. */
  readonly untilMs: number;
  readonly plannedEndMs: number;
}

/** Runs that were begun and not ended, the last one last. */
export type OpenRuns = readonly OpenRun[];

/** Gives the rehearsal that alerts of a rule belong to which begin now; undefined for none. */
export type RehearsalOf = (rule: { readonly name: string; readonly labels: Labels }) => string | undefined;

/** What an event says of a run or a drill; undefined for others. */
export function momentOf({ atMs, details }: Pick<NewEvent, 'atMs' | 'details'>): RunMoment | undefined {
  if (details.kind === 'load-run') return { atMs, id: details.runId, kind: 'load-run', phase: details.phase, ...(details.plannedEndMs === undefined ? {} : { plannedEndMs: details.plannedEndMs }) };
  if (details.kind === 'fault' && details.drillId !== undefined) return { atMs, id: details.drillId, kind: 'fault', phase: details.phase };
  return undefined;
}

/** Takes one event into account; others than those of runs and faults change nothing. */
export function trackRun(open: OpenRuns, event: Pick<NewEvent, 'atMs' | 'details'>): OpenRuns {
  const moment = momentOf(event);
  return moment === undefined ? open : trackMoment(open, moment);
}

export function trackMoment(open: OpenRuns, { atMs, id, kind, phase, plannedEndMs }: RunMoment): OpenRuns {
  const known = open.findIndex((run) => run.id === id && run.kind === kind);
  const before = open[known];
  // A drill counts by its faults: it is over when as many ended as began.
  if (phase === 'ended') return before === undefined ? open : open.toSpliced(known, 1);
  const untilMs = atMs + (kind === 'fault' ? drillMaxMs : leaseMs);
  if (kind === 'load-run' && before !== undefined) return open.with(known, { ...before, untilMs: Math.max(before.untilMs, untilMs) });
  return bounded([...open, { id, kind, sinceMs: atMs, untilMs, plannedEndMs: plannedEndMs ?? atMs + planMs }]);
}

/** Of too many, the one goes that is over first. */
function bounded(open: OpenRuns): OpenRuns {
  if (open.length <= openMax) return open;
  const first = Math.min(...open.map(({ untilMs }) => untilMs));
  return open.toSpliced(open.findIndex(({ untilMs }) => untilMs === first), 1);
}

const isUnderWay = ({ sinceMs, untilMs }: OpenRun, nowMs: number): boolean => nowMs <= untilMs && nowMs - sinceMs <= runMaxMs;

/**
 * The rehearsal of each rule: the drill that names it (`…/RULE`), else the run or drill that was begun last. Rules on the
 * control plane itself (`service="control"`) are told to people unless a drill names them: what keeps messages from going
 * out, or mutes them for too long, must not be muted with them.
 */
export function rehearsalOf(open: OpenRuns, nowMs: number): RehearsalOf {
  const underWay = open.filter((run) => isUnderWay(run, nowMs));
  return ({ name, labels }) => {
    const own = underWay.findLast(({ id, kind }) => kind === 'fault' && (id === name || id.endsWith(`/${name}`)));
    if (own !== undefined || labels['service'] === 'control') return own?.id;
    return underWay.at(-1)?.id;
  };
}

export interface Rehearsals {
  /** Call it before each evaluation; a log that cannot be read leaves what was known. */
  refresh(nowMs: number): Promise<RehearsalOf>;
  /** How far the load run under way that is latest is past its plan; 0 for none. */
  overdueMs(nowMs: number): number;
  /** Load runs and drills under way. */
  count(nowMs: number): number;
}

/** Follows the event log. */
export function followRehearsals(log: Pick<EventLog, 'read'>, onError: (error: unknown) => void = () => undefined): Rehearsals {
  let open: OpenRuns = [];
  let sequence: number | undefined;
  const follow = async (nowMs: number): Promise<void> => {
    let events: readonly LoggedEvent[];
    do {
      events = await log.read({ kinds: ['load-run', 'fault'], ...(sequence === undefined ? { fromMs: nowMs - runMaxMs } : { afterSequence: sequence }) });
      open = events.reduce<OpenRuns>(trackRun, open);
      sequence = events.at(-1)?.sequence ?? sequence;
    } while (events.length >= pageSize);
  };
  return {
    async refresh(nowMs) {
      await follow(nowMs).catch(onError);
      return rehearsalOf(open, nowMs);
    },
    overdueMs: (nowMs) => Math.max(0, ...open.filter((run) => run.kind === 'load-run' && isUnderWay(run, nowMs)).map(({ plannedEndMs }) => nowMs - plannedEndMs)),
    count: (nowMs) => new Set(open.filter((run) => isUnderWay(run, nowMs)).map(({ id }) => id)).size,
  };
}
