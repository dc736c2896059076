import type { Tracing } from '../../ops/telemetry/tracing.ts';
import type { Waiter } from './admission.ts';
import type { GatewayFailure } from './failure-log.ts';
import type { TrustedPeers } from './forwarded.ts';
import type { Exchange, UpstreamConnection } from './upstream.ts';

/** What a session asks of the gateway it belongs to. */
export interface SessionPort<Session = unknown> {
  /** Monotonic ms, refreshed by the sweep; good enough for deadlines. */
  readonly coarseMs: number;
  readonly draining: boolean;
  readonly ready: boolean;
  readonly peers: TrustedPeers;
  readonly tracing: Tracing;
  nextCorrelationId(): string;
  enter(session: Waiter): 'go' | 'wait' | 'refused';
  leave(session: Waiter): void;
  finish(sinceMs: number | undefined): void;
  monotonicMs(): number;
  /** Picks an upstream and starts the exchange; undefined when none is up. */
  forward(exchange: Exchange, isRetry: boolean): UpstreamConnection | undefined;
  /** Takes one retry from the budget. */
  takeRetry(): boolean;
  countReply(status: number): void;
  /** Counts a failure of the gateway's own and logs it, within limits. */
  failed(failure: GatewayFailure): void;
  closed(session: Session): void;
}
