import type { Reply } from './reply.ts';
import type { RequestLinks } from './transport/scenario-links.ts';
import type { TransportError } from './transport-error.ts';

/** One request on its way and what became of it. Times are on the transport's clock, in ms. */
export class Exchange {
  // The courier changes these while it follows redirects, and puts them back before `onDone`.
  method: string;
  path: string;
  /** Further header lines, each ended by CRLF. */
  headers: string;
  body: string | Buffer | undefined;
  /** 0 until it is sent stands for the transport's own. */
  timeoutMs: number;
  onDone: (exchange: Exchange) => void;

  reply: Reply | undefined = undefined;
  error: TransportError | undefined = undefined;
  enqueuedMs = 0;
  /** When the first byte was handed to a connected socket; -1 while none was. */
  writtenMs = -1;
  /** When the last byte was read, or the request failed; -1 while it runs. */
  doneMs = -1;
  bytesSent = 0;
  bytesReceived = 0;
  /** The user's place in its worker's share; 0 for requests of no user. */
  place = 0;
  /** Place of the user whose cookies it takes; default `place`. */
  keeper: number | undefined = undefined;
  /** What the request asks of the courier; undefined asks for nothing beyond the scenario's habits. */
  links: RequestLinks | undefined = undefined;
  /** An earlier try may have taken effect without an answer. */
  doubtful = false;
  /** Place in the transport's timeout wheel. */
  slot = -1;
  /** The connection it is on. */
  carrier: { destroy(error: TransportError): void } | undefined = undefined;

  constructor(
    method: string,
    path: string,
    headers: string,
    body: string | Buffer | undefined,
    timeoutMs: number,
    onDone: (exchange: Exchange) => void,
  ) {
    this.method = method;
    this.path = path;
    this.headers = headers;
    this.body = body;
    this.timeoutMs = timeoutMs;
    this.onDone = onDone;
  }

  get settled(): boolean {
    return this.doneMs >= 0;
  }
}

/** What can carry exchanges: the transport, or a recording that answers in its stead. */
export interface Carrier {
  send(exchange: Exchange): void;
  /** Another visitor takes a user's place: its cookies and its connection are the former's. */
  forget?(place: number): void;
}

/** A queue of exchanges in a ring that doubles when it is full of such as still wait. */
export class ExchangeQueue {
  #ring: (Exchange | undefined)[] = Array.from({ length: 64 });
  #first = 0;
  /** Places of the ring in use, those of exchanges that timed out meanwhile among them. */
  #used = 0;
  #length = 0;

  /** Exchanges that still wait. */
  get length(): number {
    return this.#length;
  }

  push(exchange: Exchange): void {
    if (this.#used === this.#ring.length) this.#makeRoom();
    this.#ring[(this.#first + this.#used) & (this.#ring.length - 1)] = exchange;
    this.#used++;
    this.#length++;
  }

  /** One of those in it waits no longer. It must be settled before the next push. */
  leave(): void {
    this.#length--;
  }

  /** The oldest that has not timed out meanwhile, without taking it. */
  peek(): Exchange | undefined {
    for (; this.#used > 0; this.#used--) {
      const exchange = this.#ring[this.#first];
      if (exchange !== undefined && !exchange.settled) return exchange;
      this.#ring[this.#first] = undefined;
      this.#first = (this.#first + 1) & (this.#ring.length - 1);
    }
    return undefined;
  }

  /** The oldest that has not timed out meanwhile. */
  shift(): Exchange | undefined {
    while (this.#used > 0) {
      const exchange = this.#ring[this.#first];
      this.#ring[this.#first] = undefined;
      this.#first = (this.#first + 1) & (this.#ring.length - 1);
      this.#used--;
      if (exchange === undefined || exchange.settled) continue;
      this.#length--;
      return exchange;
    }
    return undefined;
  }

  /** Leaves out what timed out, and doubles the ring where more than half of it waits. */
  #makeRoom(): void {
    const { length } = this.#ring;
    const next: (Exchange | undefined)[] = Array.from({ length: this.#length * 2 > length ? length * 2 : length });
    let used = 0;
    for (let n = 0; n < length; n++) {
      const exchange = this.#ring[(this.#first + n) & (length - 1)];
      if (exchange?.settled === false) next[used++] = exchange;
    }
    this.#ring = next;
    this.#first = 0;
    this.#used = used;
  }
}
