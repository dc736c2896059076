import type { Host } from '../../../ops/core/host.ts';
import { Ticks } from '../http/ticks.ts';
import { endEvent, endEventId, extraEvents } from './events.ts';
import { createDraw, noFaults, type Faults } from './faults.ts';
import { Journal } from './journal.ts';
import { paymentsMax, Processor, type Charge, type ChargeAnswer, type Payment } from './processor.ts';
import { WebhookSender } from './sender.ts';

export interface BooksOptions {
  /** Signs events. */
  readonly secret: string;
  /** Where events go for payments that name no URL of their own. */
  readonly webhookUrl: string | undefined;
  /** Decides every draw. */
  readonly seed: number;
  /** File of the journal; undefined keeps all in memory, and a restart forgets it. */
  readonly journalPath: string | undefined;
  /** Whether the process may sleep between ticks (Ticks). Default false. */
  readonly isResting?: boolean;
}

/** Payments and events wait this long at most for others, so that one wake of the process serves several. */
const tickMs = 20;

/** The processor with its memory and its events. */
export class Books {
  readonly processor: Processor;
  readonly sender: WebhookSender;
  readonly ticks: Ticks;
  faults: Faults = noFaults;
  readonly #options: BooksOptions;
  readonly #draw: (subject: string) => number;
  readonly #journal: Journal | undefined;
  /** Ids of end events that need no more sending. */
  readonly #done = new Set<string>();

  constructor(host: Host, options: BooksOptions) {
    this.#options = options;
    this.#draw = createDraw(options.seed);
    this.ticks = new Ticks(host, { tickMs, isResting: options.isResting ?? false });
    this.#journal = options.journalPath === undefined ? undefined : new Journal(host, options.journalPath, this.ticks);
    this.processor = new Processor(host.clock, this.#draw);
    this.sender = new WebhookSender(host, this.ticks, {
      secret: options.secret,
      isDropping: () => this.faults.dropWebhooks,
      onDone: (eventId) => this.#finish(eventId),
    });
  }

  /** Reads the journal and sends what was owed when the last process ended. Returns how many events that is. */
  open(): number {
    if (this.#journal === undefined) return 0;
    const { payments, done } = this.#journal.open();
    let owed = 0;
    for (const payment of payments) {
      this.processor.keep(payment);
      const eventId = endEventId(payment);
      if (done.has(eventId)) {
        this.#done.add(eventId);
        continue;
      }
      this.#send(payment, noFaults);
      owed++;
    }
    return owed;
  }

  /** Resolves once a payment made is in the journal, so that no answer promises what a crash forgets. */
  async charge(key: string, charge: Charge): Promise<ChargeAnswer> {
    const { faults } = this;
    const answer = this.processor.charge(key, charge, faults);
    if (!('payment' in answer) || answer.payment === undefined || answer.kind === 'repeated') return answer;
    await this.#journal?.payment(answer.payment);
    this.#send(answer.payment, faults);
    if (this.#journal?.isFull) this.#journal.rewrite({ payments: [...this.processor.payments()], done: this.#done });
    return answer;
  }

  close(): void {
    this.sender.stop();
    this.#journal?.close();
  }

  #send(payment: Payment, faults: Faults): void {
    const url = payment.webhookUrl ?? this.#options.webhookUrl;
    if (url === undefined) return;
    this.sender.add(endEvent(payment, url));
    for (const event of extraEvents(payment, url, faults, this.#draw)) this.sender.add(event);
  }

  #finish(eventId: string): void {
    if (this.#journal === undefined || eventId.endsWith('_late') || this.#done.has(eventId)) return;
    this.#done.add(eventId);
    // As many as payments: an id forgotten early is one event sent once more after a restart.
    if (this.#done.size > paymentsMax) {
      const [oldest] = this.#done;
      if (oldest !== undefined) this.#done.delete(oldest);
    }
    this.#journal.done(eventId).catch(() => undefined);
  }
}
