import type { Registry } from 'prom-client';
import { z } from 'zod';
import type { Host } from '../../../ops/core/host.ts';
import { messageOf } from '../../../ops/core/error.ts';
import type { Database } from '../database.ts';
import { route, type Route } from '../route.ts';

/** How far the process is: `starting` until warm-up is done, `stopping` from SIGTERM on. */
export interface Lifecycle {
  phase: 'starting' | 'ready' | 'stopping';
}

const ping = { name: 'platform_ping', text: 'select 1 as ok' };
const pingTimeoutMs = 1_000;

/**
 * `/livez` says only that the event loop turns: a restart would mend nothing else. `/readyz` says
 * whether to send requests here: warm-up done, not stopping, database reachable. `/metrics` is for Prometheus.
 */
export function createProcessRoutes(host: Host, db: Database, metrics: Registry, lifecycle: Lifecycle): Route[] {
  const status = z.object({ status: z.string(), reason: z.string().optional() });
  return [
    route({
      method: 'get', path: '/livez', operationId: 'livez', summary: 'The process runs', auth: 'none', cost: 0,
      responses: { 200: status },
      handle: () => ({ status: 200, body: { status: 'live' } }),
    }),
    route({
      method: 'get', path: '/readyz', operationId: 'readyz', summary: 'The process can serve', auth: 'none', cost: 0,
      responses: { 200: status, 503: status },
      async handle() {
        const reason = lifecycle.phase === 'ready' ? await databaseProblem(host, db) : lifecycle.phase;
        return reason === undefined
          ? { status: 200, body: { status: 'ready' } }
          : { status: 503, body: { status: 'not ready', reason } };
      },
    }),
    route({
      method: 'get', path: '/metrics', operationId: 'metrics', summary: 'Metrics in Prometheus text format', auth: 'none', cost: 0,
      responses: { 200: null },
      handle: async () => ({ status: 200, headers: { 'content-type': metrics.contentType }, json: await metrics.metrics() }),
    }),
  ];
}

async function databaseProblem(host: Host, db: Database): Promise<string | undefined> {
  const limit = new AbortController();
  try {
    await Promise.race([
      db.query(ping),
      host.timers.sleep(pingTimeoutMs, limit.signal).then(() => {
        throw new Error(`the database did not answer within ${pingTimeoutMs} ms`);
      }),
    ]);
    return undefined;
  } catch (error) {
    return messageOf(error);
  } finally {
    limit.abort();
  }
}
