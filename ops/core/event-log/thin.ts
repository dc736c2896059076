/** Keeps the event log bounded: what comes all the time and tells nothing later goes first, everything after 400 days. */
import type { Pool } from 'pg';
import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Host } from '../host.ts';

const dayMs = 86_400_000;

/** What is kept for how long; `where` is SQL on `event_log`. */
interface Keep {
  readonly what: string;
  readonly days: number;
  readonly where: string;
}

/** Reports look back over a year, delivery metrics a month further. */
const keeps: readonly Keep[] = [
  { what: 'dead-mans-switch', days: 1, where: `kind = 'notification' and details->>'receiver' = 'dead-mans-switch'` },
  { what: 'renewal', days: 2, where: `kind = 'load-run' and details->>'phase' = 'renewed'` },
  { what: 'notification', days: 90, where: `kind = 'notification'` },
  { what: 'rule-health', days: 90, where: `kind = 'rule-health'` },
  { what: 'process', days: 90, where: `kind = 'process'` },
  { what: 'pending', days: 90, where: `kind = 'alert' and details->>'to' in ('pending', 'inactive')` },
  { what: 'old', days: 400, where: 'true' },
];

export interface ThinLimits {
  /** Above, the oldest go, whatever they are. */
  readonly rowsMax: number;
  /** Deleted by one statement, so that nobody waits for it. */
  readonly batchSize: number;
  /** Statements of one pass for each kind; the next pass goes on. */
  readonly batchesMax: number;
}

/** 2 million events take about 1 GB. */
const defaultLimits: ThinLimits = { rowsMax: 2_000_000, batchSize: 5_000, batchesMax: 40 };

/**
 * One pass.
 * @returns how many events of each sort were deleted; `surplus` are those above the most that is kept
 */
export async function thinEventLog(pool: Pick<Pool, 'connect'>, nowMs: number, limits: ThinLimits = defaultLimits): Promise<Readonly<Record<string, number>>> {
  const cut: Record<string, number> = {};
  for (const { what, days, where } of keeps) cut[what] = await deleteBatches(pool, `at_ms < $1 and ${where}`, nowMs - days * dayMs, limits);
  cut['surplus'] = await deleteBatches(pool, 'sequence <= (select sequence from event_log order by sequence desc offset $1 limit 1)', limits.rowsMax, limits);
  return cut;
}

async function deleteBatches(pool: Pick<Pool, 'connect'>, where: string, value: number, { batchSize, batchesMax }: ThinLimits): Promise<number> {
  let total = 0;
  for (let batch = 0; batch < batchesMax; batch++) {
    const count = await deleteBatch(pool, where, value, batchSize);
    total += count;
    if (count < batchSize) break;
  }
  return total;
}

/** The setting that the table's trigger asks for lasts for the transaction. */
async function deleteBatch(pool: Pick<Pool, 'connect'>, where: string, value: number, size: number): Promise<number> {
  const client = await pool.connect();
  let isBroken = false;
  try {
    await client.query(`begin; set local sora.thinning = 'on'`);
    const { rowCount } = await client.query(`delete from event_log where sequence in (select sequence from event_log where ${where} order by sequence limit $2)`, [value, size]);
    await client.query('commit');
    return rowCount ?? 0;
  } catch (error) {
    await client.query('rollback').catch(() => (isBroken = true));
    throw error;
  } finally {
    client.release(isBroken);
  }
}

export interface ThinningParts {
  readonly host: Host;
  readonly pool: Pick<Pool, 'connect'>;
  readonly metrics: Registry;
  readonly onError: (error: unknown) => void;
  /** Between passes; default 1 h. */
  readonly everyMs?: number;
}

/** Thins now and every hour, one pass at a time, and counts in `sora_event_log_thinned_total{what}`. The answer stops it. */
export function startThinning({ host, pool, metrics, onError, everyMs = 3_600_000 }: ThinningParts): () => Promise<void> {
  const thinned = new Counter({ name: 'sora_event_log_thinned_total', help: 'Events deleted as too old or too many, by what they were', labelNames: ['what'], registers: [metrics] });
  for (const { what } of keeps) thinned.inc({ what }, 0);
  thinned.inc({ what: 'surplus' }, 0);
  let pass: Promise<void> | undefined;
  const begin = (): void => {
    pass ??= thinEventLog(pool, host.clock.nowMs())
      .then((cut) => Object.entries(cut).forEach(([what, count]) => thinned.inc({ what }, count)), onError)
      .finally(() => (pass = undefined));
  };
  begin();
  const timer = host.timers.every(everyMs, begin);
  return async () => {
    timer.cancel();
    await pass;
  };
}
