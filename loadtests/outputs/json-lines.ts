import type { Host } from '../../ops/core/host.ts';
import { Histogram } from '../swarm/histogram.ts';
import type { Quantiles, SparseHistogram } from '../swarm/measurement.ts';
import { openOutputFile } from './file.ts';
import type { Sink } from './outbox.ts';
import { endOf } from './second.ts';
import type { Second } from './second.ts';

/** Writes one JSON object a line and second; names stay, new ones may be added. */
export async function openJsonLines(host: Host, path: string): Promise<Sink> {
  const file = await openOutputFile(host, path);
  return {
    encode: (second) => Buffer.from(`${JSON.stringify(describe(second))}\n`),
    deliver: (payload) => file.append(payload),
    release: () => file.close().catch(() => undefined),
  };
}

function describe(second: Second): object {
  return {
    schema: 'sora.second/v1',
    at: new Date(endOf(second)).toISOString(),
    second: second.second,
    phase: second.phase,
    users: second.users,
    operations: second.operations.map(({ response, service, lateness, ...counts }) => ({
      ...counts,
      latencyMs: { response: quantilesOf(response), service: quantilesOf(service), lateness: quantilesOf(lateness) },
    })),
    ...(second.tags === undefined ? {} : {
      tags: second.tags.map(({ response, requestDuration, ...counts }) => ({ ...counts, responseMs: quantilesOf(response), requestDurationMs: quantilesOf(requestDuration) })),
    }),
    ...(second.checks === undefined ? {} : { checks: second.checks }),
    ...(second.arrivalsQueued === undefined ? {} : { arrivalsQueued: second.arrivalsQueued }),
    ...(second.namesBeyond === undefined ? {} : { namesBeyond: second.namesBeyond }),
  };
}

/** Null where nothing was measured: no data is never 0. */
function quantilesOf(sparse: SparseHistogram): Quantiles | null {
  return sparse.length === 0 ? null : Histogram.fromSparse(sparse).quantilesMs();
}
