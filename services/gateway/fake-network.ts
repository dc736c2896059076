import { Accumulator } from './accumulator.ts';
import { BodyReader } from './body.ts';
import type { ConnectEvents, Network, Wire, WireEvents } from './contract.ts';
import { findHeadEnd } from './header-cursor.ts';
import { isRefusal, parseRequestHead } from './request-head.ts';

/** A wire in memory, for tests of the core: remembers what was written and reports nothing by itself. */
export class FakeWire implements Wire {
  readonly remoteAddress = '127.0.0.1';
  readonly written: Buffer[] = [];
  queuedBytes = 0;
  paused = false;
  ended = false;
  destroyed = false;
  events: WireEvents | undefined;
  onWrite: ((bytes: Buffer) => void) | undefined;

  get text(): string {
    return Buffer.concat(this.written).toString('latin1');
  }

  write(bytes: Buffer): void {
    if (this.destroyed || this.ended) return;
    // A copy: what is written must not change afterwards, and must not be seen if it does.
    this.written.push(Buffer.from(bytes));
    this.onWrite?.(bytes);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.events?.onClose();
  }
}

/** A network whose upstream answers whole requests with what `reply` says; `settle` delivers it. */
export class FakeNetwork implements Network {
  readonly runtime = 'node';
  readonly requests: string[] = [];
  readonly wires: FakeWire[] = [];
  readonly #reply: (request: string) => readonly string[];
  #pending: (() => void)[] = [];

  /** @param reply pieces of the answer to a request of this text */
  constructor(reply: (request: string) => readonly string[]) {
    this.#reply = reply;
  }

  connect(_address: unknown, events: ConnectEvents): void {
    const wire = new FakeWire();
    wire.events = events;
    this.wires.push(wire);
    const inbox = new Accumulator();
    wire.onWrite = (bytes) => {
      inbox.append(bytes);
      const length = requestLength(inbox.view());
      if (length === undefined) return;
      const request = inbox.take().toString('latin1');
      this.requests.push(request);
      for (const piece of this.#reply(request)) {
        this.#pending.push(() => {
          if (!wire.destroyed) events.onData(Buffer.from(piece, 'latin1'));
        });
      }
    };
    this.#pending.push(() => events.onOpen(wire));
  }

  listen(): Promise<never> {
    return Promise.reject(new Error('the fake network does not listen'));
  }

  /** Runs what is under way until nothing is. */
  settle(): void {
    for (let run = this.#pending.shift(); run !== undefined; run = this.#pending.shift()) run();
  }
}

/** Length of the request once it is complete. */
function requestLength(bytes: Buffer): number | undefined {
  const headEnd = findHeadEnd(bytes);
  if (headEnd < 0) return undefined;
  const head = parseRequestHead(bytes, headEnd);
  if (isRefusal(head)) throw new Error(`the gateway sent a bad request: ${head.code}`);
  const body = new BodyReader();
  body.start(head.bodyLength);
  const end = body.consume(bytes, head.bodyStart);
  return body.done ? end : undefined;
}
