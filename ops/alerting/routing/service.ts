/**
 * Runs routing: hears of alerts, decides, and writes what was decided and what is to be sent in one transaction. One
 * thing happens at a time, in the order it was asked for, so that every decision is of the state before it.
 */
import type { ClientBase } from 'pg';
import type { NewEvent } from '../../core/event-log/event.ts';
import type { Host, Timer } from '../../core/host.ts';
import type { RoutedAlert } from '../alert.ts';
import type { Notification, RecentChange } from '../notification.ts';
import type { FindSettings } from '../notifiers/settings.ts';
import { createPolicies } from '../oncall/config.ts';
import type { Transaction } from '../../control/database.ts';
import { decide } from './decide.ts';
import type { LoadedRouting } from './load.ts';
import type { Held, Observed } from './state.ts';
import { changesBetween, saveChanges } from './store.ts';
import type { Remembered } from './store.ts';

export interface RoutingDeps {
  readonly host: Host;
  readonly loaded: LoadedRouting;
  /** What was remembered when the process last ran; see `loadState`. */
  readonly remembered: Remembered;
  readonly transaction: Transaction;
  /** The outbox's; runs in the transaction. */
  readonly enqueue: (client: ClientBase, notifications: readonly Notification[]) => Promise<unknown>;
  /** Tells receivers that show it that somebody has taken a group on. */
  readonly enqueueAcknowledgement: (client: ClientBase, acknowledgement: { readonly groupKey: string; readonly actor: string; readonly atMs: number }) => Promise<unknown>;
  readonly appendEvents: (client: ClientBase, events: readonly NewEvent[]) => Promise<void>;
  /** What changed lately, for notifications; without it they go out all the same. */
  readonly readChanges: (nowMs: number) => Promise<readonly RecentChange[]>;
  readonly ackUrlOf?: Observed['ackUrlOf'];
  /** Address of an outside Alertmanager that groups and silences instead; its messages come by alertmanagerWebhookRoutes. */
  readonly alertmanagerUrl?: string | undefined;
  /** Hears of what went wrong; routing tries again by itself. */
  readonly onError: (error: unknown) => void;
}

/** What a change makes of the state, and what it tells. */
export interface Mutation<Result> {
  readonly after: Remembered;
  readonly events: readonly NewEvent[];
  readonly notifications?: readonly Notification[];
  /** Groups that somebody took on. */
  readonly acknowledged?: readonly { readonly groupKey: string; readonly actor: string; readonly atMs: number }[];
  readonly result: Result;
}

export interface RoutingCounts {
  /** Notifications queued since the start. */
  readonly notifications: number;
  readonly held: Held;
  readonly refused: number;
  readonly failures: number;
  /** Messages of an outside Alertmanager that went round and were refused. */
  readonly loops: number;
}

export interface Routing {
  readonly loaded: LoadedRouting;
  readonly alertmanagerUrl: string | undefined;
  /** Takes the evaluator's news; what it makes of them is decided at once. */
  onAlerts(alerts: readonly RoutedAlert[]): void;
  /** What is known now. */
  observed(): Observed;
  remembered(): Remembered;
  /** Settings of an integration, with the address of whoever is on call now, overrides included. */
  readonly findSettings: FindSettings;
  /** Changes what is remembered; resolves once it is written. Decides again right after. */
  change<Result>(work: (before: Remembered, observed: Observed, nowMs: number) => Mutation<Result>): Promise<Result>;
  counts(): RoutingCounts;
  /** Since when a decision has been asked for that is not written yet; undefined while there is none. */
  undecidedSinceMs(): number | undefined;
  /** Counts a message that went round. */
  noteLoop(): void;
  /** Resolves once everything that was asked for so far is done. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/** Waits of a decision that could not be written. */
const retryMs = [1_000, 2_000, 5_000, 10_000, 30_000] as const;
/** What changed lately is not worth more of the two seconds from firing to message. */
const changesTimeoutMs = 300;
const wakeMaxMs = 3_600_000;

export function createRouting(deps: RoutingDeps): Routing {
  return new RoutingService(deps);
}

class RoutingService implements Routing {
  readonly #deps: RoutingDeps;
  #remembered: Remembered;
  #alerts: readonly RoutedAlert[] | undefined;
  #queue: Promise<void> = Promise.resolve();
  #isDue = false;
  #isStopped = false;
  #failuresInARow = 0;
  #askedAtMs: number | undefined;
  #undecidedSinceMs: number | undefined;
  #timer: Timer | undefined;
  #counts: RoutingCounts = { notifications: 0, held: { silenced: 0, inhibited: 0, muted: 0 }, refused: 0, failures: 0, loops: 0 };

  constructor(deps: RoutingDeps) {
    this.#deps = deps;
    this.#remembered = deps.remembered;
  }

  get loaded(): LoadedRouting {
    return this.#deps.loaded;
  }

  get alertmanagerUrl(): string | undefined {
    return this.#deps.alertmanagerUrl;
  }

  onAlerts(alerts: readonly RoutedAlert[]): void {
    this.#alerts = alerts;
    this.#wake();
  }

  observed(): Observed {
    const { loaded, ackUrlOf } = this.#deps;
    return { config: loaded.config, state: this.#remembered.state, alerts: this.#alerts, policies: createPolicies(loaded.oncall, this.#remembered.overrides), ackUrlOf, isGroupedElsewhere: this.#deps.alertmanagerUrl !== undefined };
  }

  remembered(): Remembered {
    return this.#remembered;
  }

  findSettings: FindSettings = (receiver, integration, to) => this.#deps.loaded.findSettings(receiver, integration, to, this.#remembered.overrides);

  counts(): RoutingCounts {
    return this.#counts;
  }

  undecidedSinceMs(): number | undefined {
    return this.#undecidedSinceMs ?? this.#askedAtMs;
  }

  noteLoop(): void {
    this.#counts = { ...this.#counts, loops: this.#counts.loops + 1 };
  }

  async settled(): Promise<void> {
    for (let seen: Promise<void> | undefined; seen !== this.#queue; ) {
      seen = this.#queue;
      await seen;
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.settled();
  }

  change<Result>(work: (before: Remembered, observed: Observed, nowMs: number) => Mutation<Result>): Promise<Result> {
    const done = this.#queue.then(async () => {
      const mutation = work(this.#remembered, this.observed(), this.#deps.host.clock.nowMs());
      await this.#commit(mutation.after, mutation.notifications ?? [], mutation.events, mutation.acknowledged ?? []);
      return mutation.result;
    });
    this.#queue = done.then(() => undefined, () => undefined);
    this.#wake();
    return done;
  }

  /** Decides as soon as what was asked for before is done; asked for twice it decides once. */
  #wake(): void {
    if (this.#isDue || this.#isStopped) return;
    this.#isDue = true;
    this.#askedAtMs = this.#deps.host.clock.nowMs();
    this.#queue = this.#queue.then(() => this.#run());
  }

  async #run(): Promise<void> {
    this.#isDue = false;
    if (this.#isStopped) return;
    const { host, onError } = this.#deps;
    const nowMs = host.clock.nowMs();
    this.#undecidedSinceMs ??= this.#askedAtMs;
    this.#askedAtMs = undefined;
    try {
      const decision = decide(this.observed(), nowMs);
      await this.#commit({ state: decision.state, overrides: this.#remembered.overrides }, decision.notifications, decision.events, []);
      this.#count(decision.notifications.length, decision.held, decision.refused);
      this.#failuresInARow = 0;
      this.#undecidedSinceMs = undefined;
      this.#schedule(decision.wakeAtMs === undefined ? wakeMaxMs : decision.wakeAtMs - host.clock.nowMs());
    } catch (error) {
      // What was decided is forgotten with the transaction; it is decided again, with the same ids.
      this.#counts = { ...this.#counts, failures: this.#counts.failures + 1 };
      onError(error);
      this.#schedule(retryMs[Math.min(this.#failuresInARow, retryMs.length - 1)] ?? wakeMaxMs);
      this.#failuresInARow += 1;
    }
  }

  async #commit(after: Remembered, decided: readonly Notification[], events: readonly NewEvent[], acknowledged: NonNullable<Mutation<unknown>['acknowledged']>): Promise<void> {
    const changes = changesBetween(this.#remembered, after);
    if (changes.length + decided.length + events.length + acknowledged.length > 0) {
      const recent = decided.length === 0 ? [] : await this.#recentChanges();
      const notifications = decided.map((notification) => ({ ...notification, changes: recent }));
      await this.#deps.transaction(async (client) => {
        await saveChanges(client, changes);
        if (notifications.length > 0) await this.#deps.enqueue(client, notifications);
        for (const one of acknowledged) await this.#deps.enqueueAcknowledgement(client, one);
        if (events.length > 0) await this.#deps.appendEvents(client, events);
      });
    }
    this.#remembered = after;
  }

  async #recentChanges(): Promise<readonly RecentChange[]> {
    const { host, readChanges } = this.#deps;
    const timeout = new AbortController();
    try {
      const late = host.timers.sleep(changesTimeoutMs, timeout.signal).then(() => [], () => []);
      return await Promise.race([readChanges(host.clock.nowMs()), late]);
    } catch (error) {
      this.#deps.onError(error);
      return [];
    } finally {
      timeout.abort();
    }
  }

  #count(notifications: number, held: Held, refused: number): void {
    const before = this.#counts;
    this.#counts = {
      ...before,
      notifications: before.notifications + notifications,
      held: { silenced: before.held.silenced + held.silenced, inhibited: before.held.inhibited + held.inhibited, muted: before.held.muted + held.muted },
      refused: before.refused + refused,
    };
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    if (this.#isStopped) return;
    this.#timer = this.#deps.host.timers.after(Math.min(wakeMaxMs, Math.max(0, delayMs)), () => this.#wake()).unref();
  }
}
