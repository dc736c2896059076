import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { z } from 'zod';
import type { Host } from '../../ops/core/host.ts';
import type { Database } from './database.ts';
import type { Route } from './route.ts';

/** What the composition root (services/api, services/workers) hands to each domain. */
export interface Platform {
  readonly host: Host;
  readonly db: Database;
  readonly log: Logger;
  /** The process's metrics; declare bounded labels only. */
  readonly metrics: Registry;
}

/**
 * Background work for one outbox topic. Rows reach `platform_outbox(topic, payload)` in the same
 * transaction as the change they speak of; the relay moves them to the queue of that name; workers
 * deliver them at least once, so `handle` must be idempotent. A row's `traceparent` travels with the job
 * as the member `_traceparent` of its data, which payloads must not use themselves.
 */
export interface Job<Payload> {
  /** Topic and queue name, such as `feed.fan_out`. */
  readonly topic: string;
  readonly payload: z.ZodType<Payload>;
  /** Tries before the dead-letter queue. Default 5, with exponential back-off. */
  readonly retryLimit?: number;
  /** Jobs handed over in one call. Default 50. */
  readonly batchSize?: number;
  handle(payloads: readonly Payload[]): Promise<void>;
}

/** Where a domain's acknowledged writes lie, so that the audit can count them. */
export interface AuditedWrites {
  /** What the harness calls this kind of write, such as `message`. */
  readonly kind: string;
  readonly table: string;
  readonly userColumn: string;
  /** A uuid column. */
  readonly writeIdColumn: string;
}

/** One domain as the composition roots mount it: built by `create<Name>(platform, …ports)`. */
export interface Domain {
  readonly name: string;
  readonly routes: readonly Route[];
  readonly jobs?: readonly Job<unknown>[];
  readonly auditedWrites?: readonly AuditedWrites[];
  /** Fills caches before the process is ready. */
  warmUp?(): Promise<void>;
  close?(): Promise<void>;
}
