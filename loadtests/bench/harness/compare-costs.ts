import type { BenchLimit, BenchRow } from '../../../ops/core/bench-row.ts';
import type { Host } from '../../../ops/core/host.ts';
import { spreadOf } from '../../../ops/core/statistics.ts';
import { sora } from './clients.ts';
import type { Load } from './clients.ts';
import { measureLoad, measureMarginal } from './load-cost.ts';
import type { LoadCost } from './load-cost.ts';
import { findPeer, peers } from './peers.ts';
import { clientsOf, inTurns, ratioRow } from './ratio.ts';

export interface CostComparison {
  readonly group: string;
  /** Without a target each measurement has a bare server of its own. */
  readonly load: Omit<Load, 'target'> & { readonly target?: string };
  readonly rounds: number;
  /** Where our runs are kept. */
  readonly home: string;
  /** Which peers. Default all. */
  readonly names?: readonly string[];
  /** Leaves the start-up out, by what a run of so many seconds costs. Default: it is in. */
  readonly shortSeconds?: number;
}

/** What ours may cost, as a share of theirs. */
export const costLimits: Readonly<Record<string, BenchLimit>> = { wrk: { atMost: 1.5 }, autocannon: { below: 1 }, k6: { atMost: 0.28 } };

/** CPU time of a request and requests a second of ours and of each peer, and ours over theirs. */
export async function compareCosts(
  host: Host, say: (line: string) => void, { group, load, rounds, home, names = peers.map(({ name }) => name), shortSeconds }: CostComparison,
): Promise<{ rows: BenchRow[]; costsOf: (name: string) => readonly LoadCost[] }> {
  const found = names.map((name) => findPeer(host, name));
  for (const peer of found) if (peer.kind === 'missing') say(`${peer.why}; it is left out`);
  const clients = [sora(host, home), ...clientsOf(found)];
  const costsOf = await inTurns(clients, rounds, (client, round) => {
    say(`${client.name}, ${group}, round ${round} of ${rounds}`);
    return shortSeconds === undefined ? measureLoad(host, client, load) : measureMarginal(host, client, load, shortSeconds);
  });
  const cpuOf = (name: string): number[] => costsOf(name).map(({ cpuUsPerRequest }) => cpuUsPerRequest);
  const rows: BenchRow[] = clients.flatMap(({ name }) => [
    { group, name, unit: 'µs CPU/request', ...spreadOf(cpuOf(name)) },
    { group, name, unit: 'requests/s', ...spreadOf(costsOf(name).map(({ requestsPerS }) => requestsPerS)) },
  ]);
  const ratios = found.map((peer) => {
    const name = peer.kind === 'found' ? peer.client.name : peer.name;
    const must = costLimits[name];
    return ratioRow({ group, figure: 'CPU/request', ...(must === undefined ? {} : { must }) }, peer, cpuOf('sora'), cpuOf(name));
  });
  return { rows: [...rows, ...ratios], costsOf };
}
