import { runBench } from '../../../ops/core/bench-cli.ts';
import type { BenchOptions } from '../../../ops/core/bench-cli.ts';
import type { BenchRow } from '../../../ops/core/bench-row.ts';
import type { Host } from '../../../ops/core/host.ts';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { spreadOf } from '../../../ops/core/statistics.ts';
import { sora } from './clients.ts';
import type { Client } from './clients.ts';
import { measureLoad, withRunsFolder } from './load-cost.ts';
import { findPeer } from './peers.ts';
import { clientsOf, inTurns, ratioRow } from './ratio.ts';

const users = 10_000;
/** What the marginal memory is counted from; its run need only be as long as memory takes to settle. */
const fewUsers = 1_000;
const fewSeconds = 8;

interface Cost {
  readonly cpuUsPerRequest: number;
  readonly rssMaxBytes: number;
  readonly bytesPerUser: number;
}

const figures = [
  { unit: 'µs CPU/request', pick: (cost: Cost): number => cost.cpuUsPerRequest, figure: 'CPU/request', atMost: 1 / 8 },
  { unit: 'MB resident', pick: (cost: Cost): number => cost.rssMaxBytes / 1e6, figure: 'resident', atMost: 1 / 10 },
  { unit: 'kB/user, marginal', pick: (cost: Cost): number => cost.bytesPerUser / 1e3, figure: 'marginal', atMost: 1 / 50 },
] as const;

/** 10,000 users who think 1 to 3 s, start-up included, beside k6 where it is installed: the bare request, and a real journey. */
async function benchUsers(host: Host, { quick, say }: BenchOptions): Promise<BenchRow[]> {
  const k6 = findPeer(host, 'k6');
  if (k6.kind === 'missing') say(`${k6.why}; it is left out`);
  return await withRunsFolder(host, async (home) => {
    const clients = [sora(host, home), ...clientsOf([k6])];
    const rows: BenchRow[] = [];
    for (const kind of ['pause', 'journey'] as const) {
      const rounds = quick ? 1 : 3;
      const costsOf = await inTurns(clients, rounds, async (client, round) => {
        say(`${client.name}, ${kind}, round ${round} of ${rounds}`);
        return await measureUsers(host, client, kind, quick ? 5 : 20);
      });
      const group = `10,000 users, ${kind}`;
      rows.push(...clients.flatMap(({ name }) => figures.map(({ unit, pick }) => ({ group, name, unit, ...spreadOf(costsOf(name).map(pick)) }))));
      rows.push(...figures.map(({ figure, pick, atMost }) => ratioRow({ group, figure, must: { atMost } }, k6, costsOf('sora').map(pick), costsOf('k6').map(pick))));
    }
    return rows;
  });
}

async function measureUsers(host: Host, client: Client, kind: 'pause' | 'journey', seconds: number): Promise<Cost> {
  const few = await measureLoad(host, client, { kind, seconds: Math.min(seconds, fewSeconds), users: fewUsers });
  const many = await measureLoad(host, client, { kind, seconds, users });
  return { ...many, bytesPerUser: (many.rssMaxBytes - few.rssMaxBytes) / (users - fewUsers) };
}

if (import.meta.main) await runBench(createNodeHost(), benchUsers);
