import type { Connection } from './connection.ts';
import type { ReplySink } from './reply-parser.ts';

/** A reply did not come in time. */
export class ProviderTimeout extends Error {
  constructor(timeoutMs: number) {
    super(`no reply within ${timeoutMs} ms`);
    this.name = 'ProviderTimeout';
  }
}

export interface ProviderReply {
  readonly status: number;
  /** The body as UTF-8 text. */
  readonly body: string;
}

/** One request and what comes back; over once it ended, failed or was given up. */
export abstract class Exchange implements ReplySink {
  /** The request as it goes over the wire, head and body. */
  readonly text: string;
  readonly signal: AbortSignal | undefined;
  readonly #bytesMax: number;
  #sizeBytes = 0;
  deadlineMs: number;
  connection: Connection | undefined;
  isOver = false;

  constructor(text: string, bytesMax: number, deadlineMs: number, signal: AbortSignal | undefined) {
    this.text = text;
    this.#bytesMax = bytesMax;
    this.deadlineMs = deadlineMs;
    this.signal = signal;
  }

  abstract onHead(status: number): void;
  abstract onPiece(bytes: Buffer, isWhole: boolean): void;
  abstract onEnd(): void;
  abstract fail(error: Error): void;

  /** @throws Error when the reply is larger than allowed */
  protected count(sizeBytes: number): void {
    this.#sizeBytes += sizeBytes;
    if (this.#sizeBytes > this.#bytesMax) throw new Error(`reply larger than ${this.#bytesMax} bytes`);
  }
}

/** Collects a reply. */
export class WholeExchange extends Exchange {
  readonly #ended = Promise.withResolvers<ProviderReply>();
  #status = 0;
  #body = '';
  #pieces: Buffer[] | undefined;

  get reply(): Promise<ProviderReply> {
    return this.#ended.promise;
  }

  onHead(status: number): void {
    this.#status = status;
  }

  onPiece(bytes: Buffer, isWhole: boolean): void {
    this.count(bytes.length);
    if (isWhole) this.#body = bytes.toString('utf8');
    else (this.#pieces ??= []).push(Buffer.from(bytes));
  }

  onEnd(): void {
    this.isOver = true;
    if (this.#pieces !== undefined) this.#body = Buffer.concat(this.#pieces).toString('utf8');
    this.#ended.resolve({ status: this.#status, body: this.#body });
  }

  fail(error: Error): void {
    this.isOver = true;
    this.#ended.reject(error);
  }
}

/** A reply handed over while it arrives. */
export interface ProviderStream {
  readonly status: number;
  /** The body; can be read once. Throws what ended the exchange early. */
  readonly pieces: AsyncIterable<Buffer>;
  /** The reader is alive: the time starts again. */
  extend(): void;
  /** Ends the exchange early. */
  cancel(): void;
}

/** Hands a reply over piece by piece. Its time runs on until the reader has seen the end. */
export class StreamedExchange extends Exchange implements ProviderStream {
  readonly #opened = Promise.withResolvers<ProviderStream>();
  readonly #renew: (exchange: Exchange) => void;
  readonly #onFailure: (error: Error) => void;
  readonly #queue: Buffer[] = [];
  #wake: (() => void) | undefined;
  #error: Error | undefined;
  #isEnded = false;
  status = 0;

  constructor(
    text: string, bytesMax: number, deadlineMs: number, signal: AbortSignal | undefined,
    renew: (exchange: Exchange) => void, onFailure: (error: Error) => void,
  ) {
    super(text, bytesMax, deadlineMs, signal);
    this.#renew = renew;
    this.#onFailure = onFailure;
  }

  get opened(): Promise<ProviderStream> {
    return this.#opened.promise;
  }

  get pieces(): AsyncIterable<Buffer> {
    return this.#read();
  }

  extend(): void {
    this.#renew(this);
  }

  cancel(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.connection?.destroy();
    this.#wake?.();
  }

  onHead(status: number): void {
    this.status = status;
    this.#opened.resolve(this);
  }

  onPiece(bytes: Buffer): void {
    this.count(bytes.length);
    this.#queue.push(Buffer.from(bytes));
    this.#wake?.();
  }

  onEnd(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  fail(error: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#error = error;
    this.#opened.reject(error);
    this.#wake?.();
    this.#onFailure(error);
  }

  async *#read(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        if (this.#error !== undefined) throw this.#error;
        const piece = this.#queue.shift();
        if (piece !== undefined) {
          yield piece;
          continue;
        }
        if (this.#isEnded || this.isOver) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      // Also where the reader stops early.
      if (this.#isEnded) this.isOver = true;
      else this.cancel();
    }
  }
}
