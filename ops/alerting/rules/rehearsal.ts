/**
 * Which load run or drill is under way, by the event log: its alerts are rehearsals and page nobody. Whoever mutes pages
 * must go on saying so: a run counts for as long as its lease lasts, and each renewal begins a new one.
 */
import type { EventLog, LoggedEvent, NewEvent } from '../../core/event-log/event.ts';
import type { Host } from '../../core/host.ts';
import { waitAtMost } from '../../core/wait.ts';
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
/** How long an evaluation waits for the log: one that hangs must not keep rules from being evaluated. */
const refreshMaxMs = 1_000;

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
  /** Over after this, or at this where its end was told. */
  readonly untilMs: number;
  readonly hasEnded: boolean;
  readonly plannedEndMs: number;
}

/** Runs that were begun, the last one last; those that are over stay for as long as there is room. */
export type OpenRuns = readonly OpenRun[];

/** What load runs and drills mean for alerts at one moment. */
export interface RehearsalsNow {
  /** To which one alerts of a rule belong that begin now; undefined for none. */
  readonly idOf: (rule: { readonly name: string; readonly labels: Labels }) => string | undefined;
  /** For how long one has been over; 0 while it is under way, and Infinity for one of which nothing is known. */
  readonly overForMs: (id: string) => number;
}

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
  const known = open.findIndex((run) => run.id === id && run.kind === kind && !run.hasEnded);
  const before = open[known];
  // A drill counts by its faults: it is over when as many ended as began.
  if (phase === 'ended') return before === undefined ? open : open.with(known, { ...before, untilMs: Math.min(before.untilMs, atMs), hasEnded: true });
  const untilMs = atMs + (kind === 'fault' ? drillMaxMs : leaseMs);
  if (kind === 'load-run' && before !== undefined) return open.with(known, { ...before, untilMs: Math.max(before.untilMs, untilMs) });
  return bounded([...open, { id, kind, sinceMs: atMs, untilMs, hasEnded: false, plannedEndMs: plannedEndMs ?? atMs + planMs }]);
}

/** Of too many, the one goes that is over first. */
function bounded(open: OpenRuns): OpenRuns {
  if (open.length <= openMax) return open;
  const first = Math.min(...open.map(({ untilMs }) => untilMs));
  return open.toSpliced(open.findIndex(({ untilMs }) => untilMs === first), 1);
}

const endOf = ({ sinceMs, untilMs }: OpenRun): number => Math.min(untilMs, sinceMs + runMaxMs);
const isUnderWay = (run: OpenRun, nowMs: number): boolean => !run.hasEnded && nowMs <= endOf(run);

/**
 * The rehearsal of each rule: the drill that names it (`…/RULE`), else the run or drill that was begun last. Rules on the
 * control plane itself (`service="control"`) are told to people unless a drill names them: what keeps messages from going
 * out, or mutes them for too long, must not be muted with them.
 */
export function rehearsalsAt(open: OpenRuns, nowMs: number): RehearsalsNow {
  const underWay = open.filter((run) => isUnderWay(run, nowMs));
  return {
    idOf({ name, labels }) {
      const own = underWay.findLast(({ id, kind }) => kind === 'fault' && (id === name || id.endsWith(`/${name}`)));
      if (own !== undefined || labels['service'] === 'control') return own?.id;
      return underWay.at(-1)?.id;
    },
    overForMs(id) {
      if (underWay.some((run) => run.id === id)) return 0;
      return Math.min(Infinity, ...open.filter((run) => run.id === id).map((run) => Math.max(0, nowMs - endOf(run))));
    },
  };
}

/** One that never ends, and beside which there is no other: of a stack that is there to rehearse. */
export const alwaysRehearsing = (own: string): RehearsalsNow => ({ idOf: () => own, overForMs: (id) => (id === own ? 0 : Infinity) });

export interface Rehearsals {
  /** Call it before each evaluation; a log that cannot be read, or not within 1 s, leaves what was known. */
  refresh(nowMs: number): Promise<RehearsalsNow>;
  /** How far the load run under way that is latest is past its plan; 0 for none. */
  overdueMs(nowMs: number): number;
  /** Load runs and drills under way. */
  count(nowMs: number): number;
}

/** Follows the event log. */
export function followRehearsals({ clock, timers }: Pick<Host, 'clock' | 'timers'>, log: Pick<EventLog, 'read'>, onError: (error: unknown) => void = () => undefined): Rehearsals {
  let open: OpenRuns = [];
  let sequence: number | undefined;
  let hasRead = false;
  let following: { readonly done: Promise<void>; readonly sinceMs: number } | undefined;
  const follow = async (nowMs: number): Promise<void> => {
    let events: readonly LoggedEvent[];
    do {
      events = await log.read({ kinds: ['load-run', 'fault'], ...(sequence === undefined ? { fromMs: nowMs - runMaxMs } : { afterSequence: sequence }) });
      open = events.reduce<OpenRuns>(trackRun, open);
      sequence = events.at(-1)?.sequence ?? sequence;
    } while (events.length >= pageSize);
    hasRead = true;
  };
  /** One read at a time; those who come while one hangs do not wait for it anew. */
  const wait = async (nowMs: number): Promise<void> => {
    following ??= { sinceMs: clock.monotonicMs(), done: follow(nowMs).catch(onError).finally(() => (following = undefined)) };
    const leftMs = following.sinceMs + refreshMaxMs - clock.monotonicMs();
    if (leftMs > 0 && !(await waitAtMost(timers, leftMs, following.done))) onError(new Error(`no answer within ${refreshMaxMs} ms`));
  };
  return {
    async refresh(nowMs) {
      await wait(nowMs);
      const { idOf, overForMs } = rehearsalsAt(open, nowMs);
      // Before anything was read nothing is known to be over.
      return { idOf, overForMs: hasRead ? overForMs : () => 0 };
    },
    overdueMs: (nowMs) => Math.max(0, ...open.filter((run) => run.kind === 'load-run' && isUnderWay(run, nowMs)).map(({ plannedEndMs }) => nowMs - plannedEndMs)),
    count: (nowMs) => new Set(open.filter((run) => isUnderWay(run, nowMs)).map(({ id }) => id)).size,
  };
}
