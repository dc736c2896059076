/**
 * Evaluates groups of rules at their intervals, keeps what became of their alerts, and tells routing at once. Groups
 * run one after the other in the order of their times, so that what one writes is there for the next, and so that the
 * same samples give the same history again (see replay.ts).
 */
import type { RoutedAlert } from '../alert.ts';
import { messageOf } from '../../core/error.ts';
import type { Host, Timer } from '../../core/host.ts';
import { waitAtMost } from '../../core/wait.ts';
import type { Labels, SampleSource } from '../../metricstore/series.ts';
import { resolvedRetentionMs } from '../lifecycle/advance.ts';
import type { EvaluationWorld } from './evaluate-rule.ts';
import { GroupRun } from './group-run.ts';
import type { AppendSamples } from './group-run.ts';
import type { QuerySettings } from './query.ts';
import type { RehearsalsNow } from './rehearsal.ts';
import type { RuleGroup } from './rule.ts';
import { offsetOf, slotBefore } from './schedule.ts';
import type { RuleStateStore, StateChange } from './state-store.ts';

export interface EvaluatorOptions {
  readonly host: Host;
  readonly groups: readonly RuleGroup[];
  readonly source: SampleSource;
  /** Takes what rules write: recorded series, `ALERTS`, `ALERTS_FOR_STATE`. */
  readonly append: AppendSamples;
  /** Where state outlives the process; undefined keeps it in memory. */
  readonly store?: RuleStateStore | undefined;
  /**
   * Hears after every evaluation of a group of all alerts that fire or were resolved in the last 15 min;
   * `isChanged` where one began to fire or was resolved just now.
   */
  readonly onTransitions: (alerts: readonly RoutedAlert[], isChanged: boolean) => void;
  /** Load runs and drills under way; see rehearsal.ts. */
  readonly rehearsals?: ((nowMs: number) => Promise<RehearsalsNow>) | undefined;
  /** Of groups that state none; default 15 s. */
  readonly intervalMs?: number;
  readonly externalLabels?: Labels;
  readonly externalUrl?: string;
  /** Settings of queries, such as their timeout. */
  readonly query?: QuerySettings;
  /** Hears of what went wrong beside the rules themselves. */
  readonly say?: (message: string) => void;
}

export interface EvaluatorCounts {
  readonly evaluations: number;
  readonly failures: number;
  readonly missed: number;
  /** Transitions that could not be written and were given up. */
  readonly lost: number;
}

/** Of one query of a rule: it holds up all others, and heartbeats, and 60 s without these is an outage to the watchdog. */
const queryLimits = { timeoutMs: 10_000, samplesMax: 20_000_000 };
/** Changes that wait for a database that is away; the oldest are given up first. */
const unsavedMax = 1_000;
/** How long an evaluation waits until what it changed is written: a database that hangs must not hold up the next. */
const saveWaitMs = 1_000;

interface Scheduled {
  readonly run: GroupRun;
  readonly offsetMs: number;
  dueAtMs: number;
}

export class RuleEvaluator {
  readonly #options: EvaluatorOptions;
  readonly #scheduled: Scheduled[];
  readonly #intervalMs: number;
  #unsaved: StateChange[] = [];
  #unsavedSinceMs: number | undefined;
  #saving: { readonly done: Promise<void>; readonly sinceMs: number } | undefined;
  #counts = { evaluations: 0, failures: 0, missed: 0, lost: 0 };
  #timer: Timer | undefined;
  #isStopped = false;
  #working: Promise<void> = Promise.resolve();

  constructor(options: EvaluatorOptions) {
    this.#options = options;
    this.#intervalMs = options.intervalMs ?? 15_000;
    this.#scheduled = options.groups.map((group) => {
      const run = new GroupRun(group, group.intervalMs ?? this.#intervalMs);
      return { run, offsetMs: offsetOf(group, run.intervalMs), dueAtMs: 0 };
    });
  }

  get runs(): readonly GroupRun[] {
    return this.#scheduled.map(({ run }) => run);
  }

  get counts(): EvaluatorCounts {
    return this.#counts;
  }

  /** Since when changes wait for the database; undefined while none do. */
  get unsavedSinceMs(): number | undefined {
    return this.#unsavedSinceMs;
  }

  /** Restores what was saved, then evaluates each group when it is next due. */
  async start(): Promise<void> {
    const nowMs = this.#options.host.clock.nowMs();
    for (const each of this.#scheduled) each.dueAtMs = slotBefore(nowMs, each.run.intervalMs, each.offsetMs) + each.run.intervalMs;
    const saved = (await this.#options.store?.load()) ?? new Map<string, never>();
    for (const { run, dueAtMs } of this.#scheduled) await this.#save(run.restore(saved.get(run.key) ?? new Map(), dueAtMs));
    await this.#dropGroups(saved, nowMs);
    this.#tell(nowMs, false);
    this.#wait();
  }

  /** Ends after the evaluation under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.idle();
  }

  /** Resolves when no evaluation is under way, and nothing is being written. */
  async idle(): Promise<void> {
    await this.#working;
    await this.#saving?.done;
  }

  /** Alerts that fire or were resolved in the last 15 min, of all groups. */
  routedAlerts(nowMs: number = this.#options.host.clock.nowMs()): RoutedAlert[] {
    return this.runs.flatMap((run) => run.routed(nowMs, resolvedRetentionMs));
  }

  /** Rows of groups that are no longer loaded: as with rules that are gone, their alerts are resolved. */
  async #dropGroups(saved: Awaited<ReturnType<RuleStateStore['load']>>, nowMs: number): Promise<void> {
    const known = new Set(this.runs.map(({ key }) => key));
    for (const [key, rules] of saved) {
      if (known.has(key)) continue;
      const [file = '', name = ''] = key.split(';');
      const gone = new GroupRun({ place: { file, line: 0 }, name, intervalMs: undefined, queryOffsetMs: 0, limit: 0, labels: {}, rules: [] }, this.#intervalMs);
      await this.#save({ ...gone.restore(rules, nowMs), group: key });
      this.#scheduled.push({ run: gone, offsetMs: 0, dueAtMs: Infinity });
    }
  }

  #wait(): void {
    if (this.#isStopped) return;
    const dueAtMs = Math.min(...this.#scheduled.map((each) => each.dueAtMs));
    if (!Number.isFinite(dueAtMs)) return;
    const { clock, timers } = this.#options.host;
    // A millisecond later than due, so that whatever bears the time of the evaluation has been written.
    this.#timer = timers.after(Math.max(0, dueAtMs + 1 - clock.nowMs()), () => {
      this.#working = this.#evaluateDue().catch((error: unknown) => this.#options.say?.(`evaluating rules failed: ${messageOf(error)}`)).finally(() => this.#wait());
    });
  }

  async #evaluateDue(): Promise<void> {
    const nowMs = this.#options.host.clock.nowMs();
    // All times are taken before the first evaluation, so that one never lies before another that was done already.
    const due = this.#scheduled.filter(({ dueAtMs }) => dueAtMs < nowMs).map((each) => {
      const { run, offsetMs, dueAtMs } = each;
      const slotMs = Math.max(dueAtMs, slotBefore(nowMs - 1, run.intervalMs, offsetMs));
      this.#counts.missed += (slotMs - dueAtMs) / run.intervalMs;
      each.dueAtMs = slotMs + run.intervalMs;
      return { run, slotMs };
    });
    for (const { run, slotMs } of due.toSorted((a, b) => a.slotMs - b.slotMs)) {
      if (this.#isStopped) return;
      await this.#evaluate(run, slotMs);
    }
  }

  async #evaluate(run: GroupRun, slotMs: number): Promise<void> {
    const { append, host } = this.#options;
    const change = await run.evaluate(await this.#world(slotMs), slotMs, append, () => host.clock.monotonicMs());
    this.#counts.evaluations += run.rules.length;
    this.#counts.failures += run.rules.filter(({ state }) => state.health === 'error').length;
    await this.#save(change);
    this.#tell(slotMs, change.transitions.some(({ from, to }) => to === 'firing' || from === 'firing'));
  }

  async #world(nowMs: number): Promise<EvaluationWorld> {
    const { source, externalLabels = {}, externalUrl = '', query, say } = this.#options;
    const rehearsals = await this.#options.rehearsals?.(nowMs).catch((error: unknown) => {
      say?.(`whether a load run is under way is not known: ${messageOf(error)}`);
      return undefined;
    });
    // A subquery without a step takes the usual interval, as Prometheus takes its global one.
    const startedAtMs = this.#options.host.clock.nowMs();
    return { source, externalLabels, externalUrl, startedAtMs, query: { host: this.#options.host, subqueryStepMs: this.#intervalMs, ...queryLimits, ...query }, ...(rehearsals === undefined ? {} : { rehearsals }) };
  }

  /** Usually written before routing hears of it. While the database is away or hangs changes wait, in order, and are written before the next. */
  async #save(change: StateChange): Promise<void> {
    const { store, host: { clock, timers } } = this.#options;
    if (store === undefined) return;
    if (change.states.length + change.dropped.length + change.transitions.length + change.health.length === 0) return;
    this.#unsaved.push(change);
    this.#unsavedSinceMs ??= clock.nowMs();
    this.#saving ??= { sinceMs: clock.monotonicMs(), done: this.#writeUnsaved(store) };
    const leftMs = this.#saving.sinceMs + saveWaitMs - clock.monotonicMs();
    if (leftMs > 0) await waitAtMost(timers, leftMs, this.#saving.done);
  }

  async #writeUnsaved(store: RuleStateStore): Promise<void> {
    try {
      for (let next = this.#unsaved[0]; next !== undefined; next = this.#unsaved[0]) {
        await store.save(next);
        this.#unsaved.shift();
      }
      this.#unsavedSinceMs = undefined;
    } catch (error) {
      this.#options.say?.(`the state of alerts could not be saved, ${this.#unsaved.length} changes wait: ${messageOf(error)}`);
      const given = this.#unsaved.splice(0, Math.max(0, this.#unsaved.length - unsavedMax));
      this.#counts.lost += given.reduce((sum, { transitions }) => sum + transitions.length, 0);
    } finally {
      this.#saving = undefined;
    }
  }

  #tell(nowMs: number, isChanged: boolean): void {
    try {
      this.#options.onTransitions(this.routedAlerts(nowMs), isChanged);
    } catch (error) {
      this.#options.say?.(`routing refused alerts: ${messageOf(error)}`);
    }
  }
}
