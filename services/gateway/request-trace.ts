import type { TraceSpan, Tracing } from '../../ops/telemetry/tracing.ts';
import type { RequestHead } from './request-head.ts';

/** Methods that may name a span; others come from strangers without bound and count as `_OTHER`. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Longer paths are cut in spans. */
const pathMaxLength = 512;

/**
 * The spans of one request, made only where tracing is on: the server span from its head to the end of
 * its reply, and below it the client span `upstream` from the place it gets to the end of the api's reply, retry
 * included. Neither holds the client's address or the query. Ending twice is harmless.
 */
export class RequestTrace {
  readonly #tracing: Tracing;
  readonly #server: TraceSpan;
  #upstream: TraceSpan | undefined;
  #status = 0;
  #ended = false;

  constructor(tracing: Tracing, head: RequestHead, correlationId: string) {
    const method = methods.has(head.method) ? head.method : '_OTHER';
    this.#tracing = tracing;
    this.#server = tracing.startServer(method === '_OTHER' ? 'HTTP' : method, { traceparent: head.traceparent }, {
      'http.request.method': method,
      'url.path': pathOf(head.target),
      'url.scheme': 'http',
      'sora.correlation_id': correlationId,
    });
  }

  /** The request goes upstream. Returns the head to send: its `traceparent` lines make room for ours. */
  startUpstream(head: RequestHead): RequestHead {
    this.#upstream = this.#tracing.startClient('upstream', {}, this.#server);
    return head.traceLines.length === 0 ? head : { ...head, cuts: mergePairs(head.cuts, head.traceLines) };
  }

  /** What the api's spans hang below. */
  get traceparent(): string {
    return this.#upstream?.traceparent ?? this.#server.traceparent;
  }

  /** A connection to this api process took the request. */
  sentTo(upstream: string, isRetry: boolean): void {
    this.#upstream?.setAttribute('server.address', upstream);
    if (isRetry) this.#upstream?.setAttribute('http.request.resend_count', 1);
  }

  /** The api's reply began. */
  replied(status: number): void {
    this.#status = status;
    this.#upstream?.setAttribute('http.response.status_code', status);
  }

  /** The reply is complete. @param status of the gateway's own answer; default the api's */
  end(status = this.#status): void {
    if (this.#ended) return;
    this.#server.setAttribute('http.response.status_code', status);
    if (status >= 500) this.#server.fail(String(status));
    if (this.#status === 0) this.#upstream?.fail('no_reply');
    else if (this.#status >= 500) this.#upstream?.fail(String(this.#status));
    this.#finish();
  }

  /** The client went, or the api's connection broke, before the reply was complete. */
  abort(): void {
    if (this.#ended) return;
    if (this.#status !== 0) this.#server.setAttribute('http.response.status_code', this.#status);
    this.#server.fail('connection_closed');
    this.#upstream?.fail('connection_closed');
    this.#finish();
  }

  #finish(): void {
    this.#ended = true;
    this.#upstream?.end();
    this.#server.end();
  }
}

function pathOf(target: string): string {
  const question = target.indexOf('?');
  return target.slice(0, Math.min(question === -1 ? target.length : question, pathMaxLength));
}

/** Pairs (start, end) of both lists, ascending; a pair in both stands once. */
function mergePairs(one: readonly number[], other: readonly number[]): number[] {
  const ends = new Map<number, number>();
  for (const pairs of [one, other]) for (let at = 0; at < pairs.length; at += 2) ends.set(pairs[at] as number, pairs[at + 1] as number);
  return [...ends].sort((a, b) => a[0] - b[0]).flat();
}
