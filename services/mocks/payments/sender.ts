import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Host } from '../../../ops/core/host.ts';
import { ProviderClient } from '../../platform/provider-client/client.ts';
import type { Ticks } from '../http/ticks.ts';
import type { OutgoingEvent } from './events.ts';

/** Posts at a time. */
const postsMax = 16;
/** Events waiting or being retried; beyond, new ones are lost and counted. */
export const eventsMax = 100_000;
/** Tries of one event: with the back-off below they span about three minutes. */
const triesMax = 18;
const backOffFirstMs = 200;
const backOffMaxMs = 15_000;
const replyTimeoutMs = 5_000;
/** Receivers whose connections are kept; beyond, those of the oldest end. */
const receiversMax = 16;

export interface SenderCounts {
  delivered: number;
  retried: number;
  gaveUp: number;
  overflowed: number;
  dropped: number;
}

interface Receiver {
  readonly client: ProviderClient;
  readonly path: string;
}

export interface SenderOptions {
  readonly secret: string;
  /** Asked when an event falls due: true loses it. */
  readonly isDropping: () => boolean;
  /** Called once an event needs no more sending: delivered, dropped or given up. */
  readonly onDone: (eventId: string) => void;
}

/** Posts signed events over kept connections and repeats each with back-off until the answer is 2xx. */
export class WebhookSender {
  readonly counts: SenderCounts = { delivered: 0, retried: 0, gaveUp: 0, overflowed: 0, dropped: 0 };
  readonly #host: Host;
  readonly #options: SenderOptions;
  readonly #key: KeyObject;
  readonly #ticks: Ticks;
  /** By URL of the event. */
  readonly #receivers = new Map<string, Receiver>();
  #ready: { event: OutgoingEvent; tries: number }[] = [];
  #waiting = 0;
  #posting = 0;
  #isStopped = false;

  /** @param ticks events due in one tick are posted together */
  constructor(host: Host, ticks: Ticks, options: SenderOptions) {
    this.#host = host;
    this.#ticks = ticks;
    this.#options = options;
    this.#key = createSecretKey(Buffer.from(options.secret, 'utf8'));
  }

  /** Events not yet done. */
  get pending(): number {
    return this.#waiting + this.#ready.length + this.#posting;
  }

  add(event: OutgoingEvent): void {
    if (this.pending >= eventsMax) {
      this.counts.overflowed++;
      return;
    }
    this.#wait(event, 0, event.dueMs - this.#host.clock.nowMs());
  }

  stop(): void {
    this.#isStopped = true;
    for (const { client } of this.#receivers.values()) client.close();
  }

  #wait(event: OutgoingEvent, tries: number, delayMs: number): void {
    this.#waiting++;
    this.#ticks.after(Math.max(0, delayMs), () => {
      this.#waiting--;
      if (tries === 0 && this.#options.isDropping()) {
        this.counts.dropped++;
        this.#options.onDone(event.id);
        return;
      }
      this.#ready.push({ event, tries });
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#posting < postsMax && !this.#isStopped) {
      const next = this.#ready.shift();
      if (next === undefined) return;
      this.#posting++;
      void this.#post(next.event).then((isTaken) => {
        this.#ticks.rest();
        this.#posting--;
        this.#settle(next.event, next.tries + 1, isTaken);
        this.#pump();
      });
    }
  }

  #settle(event: OutgoingEvent, tries: number, isTaken: boolean): void {
    if (!isTaken && tries < triesMax) {
      this.counts.retried++;
      return this.#wait(event, tries, Math.min(backOffMaxMs, backOffFirstMs * 2 ** (tries - 1)));
    }
    this.counts[isTaken ? 'delivered' : 'gaveUp']++;
    this.#options.onDone(event.id);
  }

  /** One try; false for any answer but 2xx. */
  async #post(event: OutgoingEvent): Promise<boolean> {
    const stampS = Math.floor(this.#host.clock.nowMs() / 1_000);
    const signature = createHmac('sha256', this.#key).update(`${stampS}.${event.body}`).digest('hex');
    const headers = { 'payment-signature': `t=${stampS},v1=${signature}` };
    try {
      const { client, path } = this.#receiverOf(event.url);
      const { status } = await client.request({ method: 'POST', path, headers, body: event.body });
      return status >= 200 && status < 300;
    } catch {
      return false;
    }
  }

  #receiverOf(url: string): Receiver {
    const known = this.#receivers.get(url);
    if (known !== undefined) return known;
    const { origin, pathname, search } = new URL(url);
    const receiver = {
      client: new ProviderClient(this.#host, { url: origin, timeoutMs: replyTimeoutMs, socketsMax: postsMax, replyBytesMax: 65_536 }),
      path: `${pathname}${search}`,
    };
    this.#receivers.set(url, receiver);
    const [oldest] = this.#receivers;
    if (this.#receivers.size > receiversMax && oldest !== undefined) {
      this.#receivers.delete(oldest[0]);
      oldest[1].client.close();
    }
    return receiver;
  }
}
