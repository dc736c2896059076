import { open, type FileHandle } from 'node:fs/promises';
import type { Files } from '../../../ops/core/host.ts';
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
 * lose the last ones. Appends of the same moment share one write.
 */
export class Journal {
  readonly #files: Files;
  readonly #path: string;
  #handle: FileHandle | undefined;
  #lines = 0;
  #buffer = '';
  #flush: Promise<void> | undefined;

  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /** Reads the file, writes it anew without what is over, and opens it for appending. */
  async open(): Promise<Recovered> {
    const recovered = parse(this.#files.exists(this.#path) ? this.#files.readText(this.#path) : '');
    await this.rewrite(recovered);
    return recovered;
  }

  /** Resolves once the payment's line is with the kernel. */
  payment(payment: Payment): Promise<void> {
    return this.#append({ payment });
  }

  done(eventId: string): Promise<void> {
    return this.#append({ done: eventId });
  }

  get isFull(): boolean {
    return this.#lines >= linesMax;
  }

  async rewrite(known: Recovered): Promise<void> {
    await this.close();
    const lines = known.payments.flatMap((payment): Line[] => {
      const eventId = endEventId(payment);
      return known.done.has(eventId) ? [{ payment }, { done: eventId }] : [{ payment }];
    });
    this.#files.writeText(this.#path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    this.#lines = lines.length;
    this.#handle = await open(this.#path, 'a');
  }

  async close(): Promise<void> {
    await this.#flush;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  #append(line: Line): Promise<void> {
    this.#buffer += `${JSON.stringify(line)}\n`;
    this.#lines++;
    // Lines added while a write is under way go with the next one.
    this.#flush = (this.#flush ?? Promise.resolve()).then(() => this.#write());
    return this.#flush;
  }

  async #write(): Promise<void> {
    const text = this.#buffer;
    if (text === '' || this.#handle === undefined) return;
    this.#buffer = '';
    await this.#handle.appendFile(text);
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
