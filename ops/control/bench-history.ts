/** A day of what rules of objectives recorded, in the buckets that a control plane has which has run for long. */
import type { Host } from '../core/host.ts';
import { Catalogue } from '../metricstore/long-term/catalogue.ts';
import { LongTermStore } from '../metricstore/long-term/long-term-store.ts';
import { RawStore } from '../metricstore/raw-store/raw-store.ts';
import { badRateSeries, totalRateSeries } from '../slo/burn-rules.ts';
import type { Slo } from '../slo/slo.ts';
import { openControlDatabase } from './database.ts';

const dayMs = 86_400_000;
const evaluationMs = 15_000;
/** Rows are of 256 series: what lies beside the recorded ones is unpacked with them. */
const seriesOfRow = 256;
const writeEveryMs = 3_600_000;

/** Migrates the database and writes the day before `endMs` into it. */
export async function writeHistory(host: Host, url: string, slos: readonly Slo[], endMs: number): Promise<void> {
  await using database = openControlDatabase(host, url);
  await database.migrate();
  const raw = new RawStore();
  const catalogue = new Catalogue(database.pool, 1_000, () => Promise.resolve('gauge'));
  const longTerm = new LongTermStore({ host, pool: database.pool, transaction: database.transaction, raw, catalogue });
  const recorded = slos.flatMap(({ name: slo }) => [totalRateSeries, badRateSeries].map((__name__) => ({ __name__, slo })));
  const others = Array.from({ length: seriesOfRow - recorded.length }, (_, index) => ({ __name__: 'bench:level', part: String(index) }));
  let writtenMs = endMs - dayMs;
  for (let atMs = endMs - dayMs; atMs <= endMs; atMs += evaluationMs) {
    raw.append([...recorded, ...others].map((labels, index) => ({ labels, atMs, value: 40 + (index % 7) + Math.sin(atMs / writeEveryMs + index) })), 'rules');
    if (atMs - writtenMs < writeEveryMs) continue;
    writtenMs = atMs;
    await longTerm.maintain(atMs);
    raw.expire(atMs);
  }
  await longTerm.maintain(endMs);
}
