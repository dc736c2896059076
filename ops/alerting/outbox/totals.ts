/** Counts of settled items, kept in the database so that no restart loses one. */
import type { ClientBase, Pool } from 'pg';
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import { integrationKinds } from '../notification.ts';
import { severities } from '../alert.ts';
import type { Severity } from '../alert.ts';
import type { Host } from '../../core/host.ts';
import { identify } from './item.ts';
import type { OutboxItem } from './item.ts';

const settledOutcomes = ['sent', 'dead', 'dropped'] as const;
export type SettledOutcome = (typeof settledOutcomes)[number];

export async function addTotals(client: ClientBase, outcome: SettledOutcome, items: readonly OutboxItem[]): Promise<void> {
  const counts = new Map<string, { kind: string; severity: Severity; items: number }>();
  for (const item of items) {
    const { integration, severity } = identify(item);
    const key = `${integration.kind} ${severity}`;
    counts.set(key, { kind: integration.kind, severity, items: (counts.get(key)?.items ?? 0) + 1 });
  }
  for (const { kind, severity, items: count } of counts.values()) {
    await client.query(
      `insert into alerting_outbox_total (outcome, integration, severity, items) values ($1, $2, $3, $4)
       on conflict (outcome, integration, severity) do update set items = alerting_outbox_total.items + excluded.items`,
      [outcome, kind, severity, count],
    );
  }
}

interface TotalRow { readonly outcome: string; readonly integration: string; readonly severity: string; readonly items: string }

/**
 * Declares the outbox's metrics, read from the database at each scrape, so that they are right after a restart:
 * `sora_notifications_total{outcome,integration,severity}`, `sora_notifications_waiting`,
 * `sora_notifications_failing` (waiting after at least one failed attempt) and `sora_notification_oldest_age_seconds`.
 * @param onError told of a scrape that could not read; it shows the last figures that were read
 */
export function watchOutbox(registry: Registry, pool: Pool, host: Host, onError: (error: unknown) => void): void {
  let reading: Promise<void> | undefined;
  // A registry collects all metrics at once: they share one look at the database.
  const collect = (): Promise<void> => (reading ??= read().catch(onError).finally(() => (reading = undefined)));
  const registers = [registry];
  const total = new Counter({ name: 'sora_notifications_total', help: 'Notifications settled, by outcome: sent, dead (every try failed) or dropped (too many waited)', labelNames: ['outcome', 'integration', 'severity'], registers, collect });
  const waiting = new Gauge({ name: 'sora_notifications_waiting', help: 'Notifications not yet sent', registers, collect });
  const failing = new Gauge({ name: 'sora_notifications_failing', help: 'Notifications that wait for another try', registers, collect });
  const age = new Gauge({ name: 'sora_notification_oldest_age_seconds', help: 'Time since the longest waiting notification was queued', registers, collect });
  const read = async (): Promise<void> => {
    const totals = await pool.query<TotalRow>('select outcome, integration, severity, items from alerting_outbox_total');
    const queue = await pool.query<{ waiting: string; failing: string; oldest_ms: string | null }>(
      `select count(*) as waiting, count(*) filter (where last_error is not null) as failing, min(queued_at_ms) as oldest_ms from alerting_outbox where state = 'waiting'`,
    );
    total.reset();
    for (const outcome of settledOutcomes) for (const integration of integrationKinds) for (const severity of severities) total.inc({ outcome, integration, severity }, 0);
    for (const row of totals.rows) total.inc({ outcome: row.outcome, integration: row.integration, severity: row.severity }, Number(row.items));
    const row = queue.rows[0];
    waiting.set(Number(row?.waiting ?? 0));
    failing.set(Number(row?.failing ?? 0));
    age.set(row === undefined || row.oldest_ms === null ? 0 : Math.max(0, host.clock.nowMs() - Number(row.oldest_ms)) / 1_000);
  };
}
