/**
 * Sends what waits in the outbox. It is woken at once by the commit of the transaction that queued an item, and
 * looks once a second besides, for what is due again and for a wake-up that was lost.
 */
import type { ClientBase, Pool, PoolClient } from 'pg';
import type { NewEvent } from '../../core/event-log/event.ts';
import type { Host, Timer } from '../../core/host.ts';
import type { Outcome, SendContext, Thread } from '../notifiers/outcome.ts';
import { deliver } from '../notifiers/send.ts';
import type { FindSettings } from '../notifiers/settings.ts';
import { declareAlive, freeLeasesOfTheDead, leaseItem } from './lease.ts';
import { outboxLimits } from './item.ts';
import type { LeasedItem, OutboxLimits } from './item.ts';
import { outboxChannel } from './outbox.ts';
import { prune, readThread, recordFailed, recordSent, unforeseen } from './record.ts';
import { decideRetry } from './retry.ts';

export interface SenderDeps {
  readonly host: Host;
  readonly pool: Pool;
  /** Settings of an integration, read anew for each attempt. */
  readonly findSettings: FindSettings;
  readonly limitOf: SendContext['limitOf'];
  /** Where the integration `log` writes. */
  readonly writeLog: SendContext['writeLog'];
  /** What stands before a runbook's path in messages. */
  readonly runbookBaseUrl?: string | undefined;
  readonly appendEvents: (client: ClientBase, events: readonly NewEvent[]) => Promise<void>;
  /** Told what went wrong in the sender itself, such as a database that is away; the sender goes on. */
  readonly onError: (error: unknown) => void;
  readonly limits?: Partial<OutboxLimits> | undefined;
}

export interface Sender {
  start(): Promise<void>;
  wake(): void;
  /** When it last saw what waits in the outbox; undefined before the first time. */
  lookedAtMs(): number | undefined;
  /** Resolves once nothing is being sent and nothing more is due. */
  settled(): Promise<void>;
  /** Takes no more and waits for what is being sent. */
  stop(): Promise<void>;
}

const pollMs = 1_000;
const pruneEveryMs = 3_600_000;
/** Longer than any attempt may take. */
const leaseMs = 120_000;
const inFlightMax = 16;
const inFlightPerTargetMax = 4;
const ownerMax = 2_147_483_647;

export function createSender(deps: SenderDeps): Sender {
  return new OutboxSender(deps);
}

class OutboxSender implements Sender {
  readonly #deps: SenderDeps;
  readonly #owner: number;
  readonly #inFlight = new Map<number, { target: string; done: Promise<void> }>();
  /** When a target may be sent to again. */
  readonly #quietUntilMs = new Map<string, number>();
  readonly #timers: Timer[] = [];
  #listener: PoolClient | undefined;
  #pumping: Promise<void> | undefined;
  #polling: Promise<void> | undefined;
  #pruning: Promise<void> | undefined;
  #lookedAtMs: number | undefined;
  #isWoken = false;
  #isStopped = false;

  constructor(deps: SenderDeps) {
    this.#deps = deps;
    this.#owner = 1 + Math.floor(deps.host.random.float() * (ownerMax - 1));
  }

  async start(): Promise<void> {
    const { timers } = this.#deps.host;
    await this.#listen();
    this.#timers.push(timers.every(pollMs, () => this.#startPoll()), timers.every(pruneEveryMs, () => this.#startPrune()));
    this.wake();
  }

  wake(): void {
    this.#isWoken = true;
    if (this.#isStopped || this.#pumping !== undefined) return;
    this.#pumping = this.#pump().catch(this.#deps.onError).finally(() => {
      this.#pumping = undefined;
    });
  }

  lookedAtMs(): number | undefined {
    return this.#lookedAtMs;
  }

  async settled(): Promise<void> {
    while (this.#polling !== undefined || this.#pruning !== undefined || this.#pumping !== undefined || this.#inFlight.size > 0) {
      await this.#polling;
      await this.#pruning;
      await this.#pumping;
      await Promise.all([...this.#inFlight.values()].map(({ done }) => done));
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) timer.cancel();
    await this.settled();
    this.#dropListener();
  }

  #startPoll(): void {
    this.#polling ??= this.#poll().finally(() => {
      this.#polling = undefined;
    });
  }

  async #poll(): Promise<void> {
    try {
      if (this.#listener === undefined) await this.#listen();
      else await freeLeasesOfTheDead(this.#listener, this.#owner);
    } catch (error) {
      this.#dropListener();
      this.#deps.onError(error);
    }
    this.wake();
  }

  /** One that fails or does not answer may hear nothing either: the next look makes another. */
  #dropListener(): void {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.release(true);
  }

  /** A connection of our own: it hears the wake-up calls, and its end tells others that we are gone. */
  async #listen(): Promise<void> {
    if (this.#isStopped) return;
    const client = await this.#deps.pool.connect();
    client.on('error', (error) => {
      if (this.#listener !== client) return;
      this.#dropListener();
      this.#deps.onError(error);
    });
    client.on('notification', () => this.wake());
    try {
      await declareAlive(client, this.#owner);
      await client.query(`listen ${outboxChannel}`);
      await freeLeasesOfTheDead(client, this.#owner);
    } catch (error) {
      client.release(true);
      throw error;
    }
    this.#listener = client;
  }

  async #pump(): Promise<void> {
    while (this.#isWoken && !this.#isStopped) {
      this.#isWoken = false;
      while (this.#inFlight.size < inFlightMax && !this.#isStopped) {
        const leased = await this.#lease();
        if (leased === undefined) break;
        const done = this.#send(leased).catch(this.#deps.onError).finally(() => {
          this.#inFlight.delete(leased.sequence);
          this.wake();
        });
        this.#inFlight.set(leased.sequence, { target: leased.target, done });
      }
      this.#lookedAtMs = this.#deps.host.clock.nowMs();
    }
  }

  #lease(): Promise<LeasedItem | undefined> {
    const nowMs = this.#deps.host.clock.nowMs();
    for (const [target, untilMs] of this.#quietUntilMs) if (untilMs <= nowMs) this.#quietUntilMs.delete(target);
    const blockedTargets = [...this.#quietUntilMs.keys(), ...this.#fullTargets()];
    return this.#withClient((client) => leaseItem(client, { owner: this.#owner, nowMs, leaseMs, blockedTargets, inFlight: [...this.#inFlight.keys()] }));
  }

  /**
   * One at a time where the receiver counts messages, so that its pace is kept, or does not know a message again that it
   * has, so that a crash repeats at most one; a few elsewhere.
   */
  #fullTargets(): string[] {
    const counts = new Map<string, number>();
    for (const { target } of this.#inFlight.values()) counts.set(target, (counts.get(target) ?? 0) + 1);
    return [...counts].filter(([target, count]) => count >= (/\/(slack|discord|sms|email)\[/.test(target) ? 1 : inFlightPerTargetMax)).map(([target]) => target);
  }

  async #send(leased: LeasedItem): Promise<void> {
    const { host, appendEvents } = this.#deps;
    const outcome = await this.#attempt(leased);
    const nowMs = host.clock.nowMs();
    const quietForMs = outcome.kind === 'sent' ? outcome.quietForMs : outcome.kind === 'retry' ? outcome.afterMs : undefined;
    if (quietForMs !== undefined && quietForMs > 0) this.#holdBack(leased.target, nowMs + quietForMs);
    const record = (client: ClientBase): Promise<void> => {
      if (outcome.kind === 'sent') return recordSent(client, appendEvents, leased, outcome, nowMs);
      const decision = decideRetry({ outcome, attempts: leased.attempts, nowMs, giveUpAtMs: leased.giveUpAtMs }, host.random.float());
      return recordFailed(client, appendEvents, leased, outcome.error, decision, nowMs);
    };
    await this.#recordUntilDone(record);
  }

  #holdBack(target: string, untilMs: number): void {
    const { timers, clock } = this.#deps.host;
    this.#quietUntilMs.set(target, Math.max(untilMs, this.#quietUntilMs.get(target) ?? 0));
    timers.after(untilMs - clock.nowMs(), () => this.wake()).unref();
  }

  async #attempt(leased: LeasedItem): Promise<Outcome> {
    const { findSettings, host, limitOf, writeLog, runbookBaseUrl } = this.#deps;
    try {
      const thread: Thread | undefined = leased.item.type === 'change' ? undefined : await this.#withClient((client) => readThread(client, leased));
      return await deliver({ host, limitOf, writeLog, runbookBaseUrl }, leased.item, findSettings, { episode: leased.episode, thread });
    } catch (error) {
      return unforeseen(error);
    }
  }

  /** A message that went out is not sent again because the database was away for a moment: it is recorded when it is back. */
  async #recordUntilDone(record: (client: ClientBase) => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await this.#withClient((client) => inTransaction(client, () => record(client)));
        return;
      } catch (error) {
        this.#deps.onError(error);
        if (this.#isStopped) return;
        await this.#deps.host.timers.sleep(pollMs);
      }
    }
  }

  #startPrune(): void {
    this.#pruning ??= this.#prune().finally(() => {
      this.#pruning = undefined;
    });
  }

  async #prune(): Promise<void> {
    try {
      await this.#withClient((client) => inTransaction(client, () => prune(client, { ...outboxLimits, ...this.#deps.limits }, this.#deps.host.clock.nowMs())));
    } catch (error) {
      this.#deps.onError(error);
    }
  }

  async #withClient<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    const client = await this.#deps.pool.connect();
    let failed = true;
    try {
      const result = await work(client);
      failed = false;
      return result;
    } finally {
      // One that failed may still wait for an answer, and whoever took it next with it.
      client.release(failed);
    }
  }
}

async function inTransaction(client: ClientBase, work: () => Promise<void>): Promise<void> {
  await client.query('begin');
  try {
    await work();
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}
