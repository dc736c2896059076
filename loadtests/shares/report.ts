import { z } from 'zod';
import { formatMs, formatNumber } from '../report/format.ts';
import { holdOf } from '../report/hold.ts';
import { table } from '../report/html-parts.ts';
import { markup } from '../report/markup.ts';
import type { Markup } from '../report/markup.ts';
import type { Share } from './share.ts';

export const partitionSchema = z
  .object({ index: z.int().min(0), count: z.int().min(1) })
  .describe('Of a run that was one share of another: which of how many.');

/** The shares of a merged run, as summary.json says it. */
export const sharesSchema = z
  .array(
    z.object({
      index: z.int().min(0),
      host: z.string(),
      users: z.int().min(0),
      workers: z.int().min(0),
      startedAt: z.iso.datetime().describe('By the clock of its own machine.'),
      offsetMs: z.number().min(0).describe('How much later than the first share it began, as the clocks tell.'),
      latenessP99Ms: z.number().min(0),
    }),
  )
  .describe('What a merged run was merged from.');

type Shares = z.infer<typeof sharesSchema>;

/** Shares that began further apart did not load the target together. */
export const offsetMaxMs = 1_000;

/** What the report says of each share. */
export function describeShares(shares: readonly Share[]): Shares {
  const firstMs = Math.min(...shares.map(({ measurement }) => measurement.startedAtMs));
  return shares.map(({ partition, facts, measurement }) => ({
    index: partition.index, host: facts.host, users: measurement.users, workers: measurement.workers.length,
    startedAt: new Date(measurement.startedAtMs).toISOString(), offsetMs: measurement.startedAtMs - firstMs,
    latenessP99Ms: holdOf(measurement).all.times.lateness.quantile(0.99) / 1_000,
  }));
}

/** Why merged shares prove nothing, where they began too far apart. */
export function offsetDoubts(shares: Shares): string[] {
  const last = shares.reduce((latest, share) => (share.offsetMs > latest.offsetMs ? share : latest));
  if (last.offsetMs <= offsetMaxMs) return [];
  return [`share ${last.index} began ${formatMs(last.offsetMs)} after the first, limit ${formatMs(offsetMaxMs)}: give all shares the same --start-at`];
}

/** One line a share, said after a merge. */
export function shareLines(shares: Shares | undefined): string[] {
  return (shares ?? []).map(({ index, host, users, workers, offsetMs, latenessP99Ms }) =>
    `share ${index} on ${host}: ${formatNumber(users)} users, ${workers} workers, began ${formatMs(offsetMs)} after the first, lateness p99 ${formatMs(latenessP99Ms)}`);
}

/** The shares of a merged run in its report; nothing in any other. */
export function shareSection(shares: Shares | undefined): Markup {
  if (shares === undefined) return markup``;
  return markup`<section><h2>Shares</h2><div class="card">${table('What this run was merged from. Validity takes the worst share’s lateness.', [
    { title: 'Share', cell: (row: Shares[number]) => row.index },
    { title: 'Host', cell: (row) => row.host },
    { title: 'Users', number: true, cell: (row) => formatNumber(row.users) },
    { title: 'Workers', number: true, cell: (row) => row.workers },
    { title: 'Began after the first', number: true, cell: (row) => formatMs(row.offsetMs) },
    { title: 'Lateness p99', number: true, cell: (row) => formatMs(row.latenessP99Ms) },
  ], shares)}</div></section>`;
}
