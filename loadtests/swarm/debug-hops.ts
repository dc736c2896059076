import type { Exchange } from './exchange.ts';
import type { HttpReply } from './scenario.ts';
import type { Watcher } from './transport/courier.ts';

/** One request as it went out. */
export interface SentHop {
  readonly method: string;
  /** Below the target; of another origin the whole address. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a hop brought that was not the end: a redirect that was followed, or a try that was not the last. */
export interface HopOutcome {
  /** undefined where none came. */
  readonly reply: HttpReply | undefined;
  readonly error: string;
  readonly durationMs: number;
}

export interface HopListener {
  onSent(hop: SentHop): void;
  onFollowed(outcome: HopOutcome): void;
}

/** Tells of each hop as it goes out, and of the one before it. @param origin of the target */
export function watchHops(origin: string, now: () => number, listener: HopListener): Watcher {
  const outcomes = new WeakMap<Exchange, HopOutcome>();
  return (exchange, hopOrigin, headers) => {
    const before = outcomes.get(exchange);
    if (before !== undefined) listener.onFollowed(before);
    const { method, path, body = '', onDone } = exchange;
    listener.onSent({ method, path: hopOrigin === origin ? path : `${hopOrigin}${path}`, headers: namedLines(headers), body: body.toString('utf8') });
    const sentMs = now();
    // All hops are one exchange, which forgets the reply of one when it goes out as the next.
    exchange.onDone = (done) => {
      exchange.onDone = onDone;
      outcomes.set(exchange, { reply: done.reply, error: done.error?.message ?? '', durationMs: now() - sentMs });
      onDone(done);
    };
  };
}

function namedLines(lines: string): Record<string, string> {
  return Object.fromEntries(
    lines.split('\r\n').filter((line) => line !== '').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  );
}
