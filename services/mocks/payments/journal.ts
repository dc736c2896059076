import { closeSync, openSync, writeSync } from 'node:fs';
import type { Host } from '../../../ops/core/host.ts';
import type { Ticks } from '../http/ticks.ts';
import { endEventId } from './events.ts';
import { paymentsMax, type Payment } from './processor.ts';

type Line = { readonly payment: Payment } | { readonly done: string };

/** What was read back: payments, oldest first, and the events that need no more sending. */
export interface Recovered {
  readonly payments: readonly Payment[];
  readonly done: ReadonlySet<string>;
}

/** Lines after which the file is written anew with what is still known. */
const linesMax = 4 * paymentsMax;

/**
 * The processor's memory: an append-only file of payments made and events done, so that a killed
 * process sends what it owed. Lines reach the kernel, not the platter: a crash of the machine may
 * lose the last ones. Lines that come within one tick leave in one write. Writes are synchronous, as an append to the page cache takes less time than
 * handing it to another thread.
 */
export class Journal {
  readonly #host: Host;
  readonly #path: string;
  readonly #ticks: Ticks;
  #file: number | undefined;
  #lines = 0;
  #buffer = '';
  #flushing: Promise<void> | undefined;

  constructor(host: Host, path: string, ticks: Ticks) {
    this.#host = host;
    this.#ticks = ticks;
    this.#path = path;
  }

  /** Reads the file, writes it anew without what is over, and opens it for appending. */
  open(): Recovered {
    const { files } = this.#host;
    const recovered = parse(files.exists(this.#path) ? files.readText(this.#path) : '');
    this.rewrite(recovered);
    return recovered;
  }

  /** Resolves once the payment's line is with the kernel; rejects where it cannot be written. */
  payment(payment: Payment): Promise<void> {
    return this.#append({ payment });
  }

  /** As `payment`, for an event that needs no more sending. */
  done(eventId: string): Promise<void> {
    return this.#append({ done: eventId });
  }

  get isFull(): boolean {
    return this.#lines >= linesMax;
  }

  rewrite(known: Recovered): void {
    this.close();
    const lines = known.payments.flatMap((payment): Line[] => {
      const eventId = endEventId(payment);
      return known.done.has(eventId) ? [{ payment }, { done: eventId }] : [{ payment }];
    });
    this.#host.files.writeText(this.#path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    this.#lines = lines.length;
    this.#file = openSync(this.#path, 'a');
  }

  close(): void {
    if (this.#file === undefined) return;
    this.#write();
    closeSync(this.#file);
    this.#file = undefined;
  }

  #append(line: Line): Promise<void> {
    this.#buffer += `${JSON.stringify(line)}\n`;
    this.#lines++;
    this.#flushing ??= this.#ticks.wait(0).then(() => {
      this.#flushing = undefined;
      this.#write();
    });
    return this.#flushing;
  }

  #write(): void {
    if (this.#buffer === '' || this.#file === undefined) return;
    const text = this.#buffer;
    this.#buffer = '';
    writeSync(this.#file, text);
  }
}

function parse(text: string): Recovered {
  const payments: Payment[] = [];
  const done = new Set<string>();
  for (const row of text.split('\n')) {
    if (row === '') continue;
    let line: Line;
    try {
      line = JSON.parse(row) as Line;
    } catch {
      // Only the line being written when the process died can be torn.
      continue;
    }
    if ('payment' in line) payments.push(line.payment);
    else done.add(line.done);
  }
  return { payments: payments.slice(-paymentsMax), done };
}
