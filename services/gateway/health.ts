import type { ResponseHead } from './response-head.ts';
import type { Exchange, Upstream, UpstreamConnection } from './upstream.ts';

export const probePeriodMs = 500;
/**
 * A process silent for this many periods (10 s) is down. Not sooner: one that waits for a stalled database comes back
 * by itself, and until then its clients are better off waiting than refused.
 */
const silentPeriodsMax = 20;
/** Failed answers in a row that mean down; one may be a connection closed under the probe. */
const failuresMax = 2;
const request = Buffer.from('GET /readyz HTTP/1.1\r\nHost: gateway\r\nUser-Agent: sora-gateway\r\n\r\n');

/** Asks one upstream `GET /readyz` every period and marks it up or down. */
export class HealthProbe implements Exchange {
  readonly method = 'GET';
  readonly requestDone = true;
  readonly #upstream: Upstream;
  readonly #nowMs: () => number;
  #connection: UpstreamConnection | undefined;
  #pending = false;
  #sinceMs = 0;
  #failures = 0;

  constructor(upstream: Upstream, nowMs: () => number) {
    this.#upstream = upstream;
    this.#nowMs = nowMs;
  }

  /** Called once a period. */
  run(): void {
    if (this.#pending) {
      if (this.#nowMs() - this.#sinceMs < silentPeriodsMax * probePeriodMs) return;
      this.#connection?.abandon();
      this.#pending = false;
      this.#upstream.mark(false);
    }
    this.#pending = true;
    this.#sinceMs = this.#nowMs();
    this.#connection = undefined;
    this.#connection = this.#upstream.start(this, false);
  }

  onReady(connection: UpstreamConnection): void {
    connection.write(request);
  }

  onReplyHead(head: ResponseHead, _bytes: Buffer, _end: number, interim: boolean): void {
    if (interim) return;
    if (head.status === 200) {
      this.#failures = 0;
      this.#upstream.mark(true);
    } else this.#fail();
  }

  onReplyBody(): void {}

  onReplyDone(): void {
    this.#pending = false;
  }

  onUpstreamFailure(): void {
    this.#pending = false;
    this.#fail();
  }

  onUpstreamDrain(): void {}

  #fail(): void {
    this.#failures++;
    if (this.#failures >= failuresMax) this.#upstream.mark(false);
  }
}
