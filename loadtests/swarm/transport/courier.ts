import type { Carrier, Exchange } from '../exchange.ts';
import type { LinkCounts } from '../measurement.ts';
import { TransportError, transportErrorOf } from '../transport-error.ts';
import type { BaseTransport } from './base-transport.ts';
import type { CookieShelf } from './cookies.ts';
import { Errand, type ErrandHost } from './errand.ts';
import type { ScenarioLinks } from './scenario-links.ts';
import { type SocketErrand, SocketHub } from './ws/hub.ts';

export interface CourierOptions {
  readonly target: URL;
  /** Carries what goes to the target. */
  readonly transport: BaseTransport;
  /** Opens a transport to another origin. @throws SoraError when the guard refuses it */
  readonly openOther: (origin: string) => BaseTransport;
  readonly habits: Pick<ScenarioLinks, 'compression' | 'cookies' | 'redirects'>;
  /** Where users' cookies are kept; undefined keeps none. */
  readonly cookies: CookieShelf | undefined;
  /** Monotonic time in ms, the transport's. */
  readonly now: () => number;
  /** Strong random bytes, for WebSockets. */
  readonly randomBytes: (count: number) => Buffer;
}

/** Hears of each hop and each try before it goes out. @param headers all its header lines */
export type Watcher = (exchange: Exchange, origin: string, headers: string) => void;

/** Origins besides the target that redirects may lead to. */
const othersMax = 16;

/**
 * Does what clients are expected to do beside one request and one reply: inflates, follows redirects,
 * keeps cookies, tries again, opens WebSockets. A request that asks for none of it goes straight to the transport.
 */
export class Courier implements Carrier, ErrandHost {
  readonly target: URL;
  readonly redirects: number;
  readonly inflates: boolean;
  readonly cookies: CookieShelf | undefined;
  readonly now: () => number;
  readonly #transport: BaseTransport;
  readonly #openOther: (origin: string) => BaseTransport;
  readonly #others = new Map<string, BaseTransport>();
  #always: boolean;
  #watcher: Watcher | undefined;
  /** Errands whose reply is here and being inflated. */
  readonly #resting = new Set<Errand>();
  readonly #tried = { retries: 0, redirects: 0 };
  readonly sockets: SocketHub;
  #closed = false;

  constructor(options: CourierOptions) {
    const { habits } = options;
    this.target = options.target;
    this.redirects = habits.redirects ?? 0;
    this.inflates = habits.compression === true;
    this.cookies = options.cookies;
    this.now = options.now;
    this.#transport = options.transport;
    this.#openOther = options.openOther;
    this.sockets = new SocketHub(options.target, options.transport, options.now, options.randomBytes);
    this.#always = this.redirects > 0 || this.inflates || this.cookies !== undefined;
  }

  /** What it did so far. */
  get counts(): LinkCounts {
    const opened = [...this.#others.values()].reduce((sum, other) => sum + other.opened, this.#transport.opened + this.sockets.opened);
    return { opened, ...this.#tried };
  }

  /** Lets somebody see what goes out from here on, but for WebSockets. */
  watch(watcher: Watcher): void {
    this.#watcher = watcher;
    this.#always = true;
  }

  countRetry(): void {
    this.#tried.retries++;
  }

  countRedirect(): void {
    this.#tried.redirects++;
  }

  send(exchange: Exchange): void {
    const { links } = exchange;
    if (!this.#always && links === undefined) this.#transport.send(exchange);
    else if (links?.socket !== undefined) this.#openSocket(exchange, links.socket);
    else new Errand(this, exchange).begin();
  }

  #openSocket(exchange: Exchange, errand: SocketErrand): void {
    if (errand.kind === 'connect') exchange.headers += this.cookies?.headerLine(exchange.keeper ?? exchange.place, this.target) ?? '';
    this.sockets.take(exchange, errand);
  }

  forget(place: number): void {
    this.cookies?.forget(place);
    this.#transport.forget(place);
  }

  tick(nowMs: number): void {
    this.#transport.tick(nowMs);
    this.sockets.tick(nowMs);
    for (const other of this.#others.values()) other.tick(nowMs);
  }

  /** Fails what is in flight with `aborted` and drops all connections. */
  close(): void {
    this.#closed = true;
    this.sockets.close();
    this.#transport.close();
    for (const other of this.#others.values()) other.close();
    for (const errand of this.#resting) errand.end(new TransportError('aborted', 'the run ended'));
    this.#resting.clear();
  }

  /** Sends one hop of an errand. */
  forward(exchange: Exchange, origin: string): void {
    try {
      const transport = this.#transportTo(origin);
      this.#watcher?.(exchange, origin, transport.headersOf(exchange));
      transport.send(exchange);
    } catch (error) {
      const refused = new TransportError('refused_target', `redirected to ${origin}: ${transportErrorOf(error).message}`, error);
      queueMicrotask(() => {
        exchange.error = refused;
        exchange.doneMs = this.now();
        exchange.onDone(exchange);
      });
    }
  }

  #transportTo(origin: string): BaseTransport {
    if (origin === this.target.origin) return this.#transport;
    const known = this.#others.get(origin);
    if (known !== undefined) return known;
    if (this.#closed) throw new TransportError('aborted', 'the run ended');
    if (this.#others.size >= othersMax) throw new TransportError('refused_target', `more than ${othersMax} other origins`);
    const other = this.#openOther(origin);
    this.#others.set(origin, other);
    return other;
  }

  rest(errand: Errand): void {
    this.#resting.add(errand);
  }

  unrest(errand: Errand): void {
    this.#resting.delete(errand);
  }
}
