import { runBench } from '../../../ops/core/bench-cli.ts';
import type { BenchOptions } from '../../../ops/core/bench-cli.ts';
import type { BenchRow } from '../../../ops/core/bench-row.ts';
import type { Host } from '../../../ops/core/host.ts';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { interleave, median, spreadOf } from '../../../ops/core/statistics.ts';
import { startBareTarget } from './bare-target.ts';
import { findPeer, sora } from './clients.ts';
import type { Client, Load } from './clients.ts';
import { measureCommand } from './measured-command.ts';

const users = 10_000;
/** What the marginal memory is counted from. */
const fewUsers = 1_000;

interface Cost {
  readonly cpuUsPerRequest: number;
  readonly rssMaxBytes: number;
  readonly bytesPerUser: number;
}

/** 10,000 users who think 1 to 3 s, start-up included, beside k6 where it is installed: the bare request, and a real journey. */
async function benchUsers(host: Host, { quick, say }: BenchOptions): Promise<BenchRow[]> {
  const k6 = findPeer(host, 'k6');
  if (k6 === undefined) say('k6 is not installed and is left out; npx sora load k6 smoke builds it once where Go is installed');
  const clients = [sora(host), ...(k6 === undefined ? [] : [k6])];
  const rows: BenchRow[] = [];
  for (const kind of ['pause', 'journey'] as const) {
    const measured = await interleave(clients, quick ? 1 : 3, async (client, round): Promise<Cost> => {
      say(`${client.name}, ${kind}, ${round === 0 ? 'warm-up' : `round ${round}`}`);
      const seconds = quick || round === 0 ? 5 : 20;
      const few = await measure(host, client, { kind, seconds, users: fewUsers });
      const many = await measure(host, client, { kind, seconds, users });
      return { ...many, bytesPerUser: (many.rssMaxBytes - few.rssMaxBytes) / (users - fewUsers) };
    });
    rows.push(...rowsOf(kind, clients, measured));
  }
  return rows;
}

async function measure(host: Host, client: Client, load: Omit<Load, 'target'>): Promise<Omit<Cost, 'bytesPerUser'>> {
  const target = await startBareTarget(host);
  try {
    const full = { ...load, target: target.url };
    const cost = await measureCommand(host, client.command(full), {
      timeoutMs: (load.seconds + 120) * 1_000, env: client.env?.(full) ?? {}, ...(client.accepts === undefined ? {} : { accepts: client.accepts }),
    });
    return { cpuUsPerRequest: cost.cpuUs / client.requests(cost.stdout), rssMaxBytes: cost.rssMaxBytes };
  } finally {
    target.stop();
  }
}

const figures = [
  { unit: 'µs CPU/request', pick: (cost: Cost): number => cost.cpuUsPerRequest },
  { unit: 'MB resident', pick: (cost: Cost): number => cost.rssMaxBytes / 1e6 },
  { unit: 'kB/user, marginal', pick: (cost: Cost): number => cost.bytesPerUser / 1e3 },
] as const;

function rowsOf(kind: string, clients: readonly Client[], measured: readonly Cost[][]): BenchRow[] {
  return clients.flatMap(({ name }, index) =>
    figures.map(({ unit, pick }) => {
      const values = measured[index]?.map(pick) ?? [];
      const note = name === 'sora' ? {} : { note: `ours is 1/${(median(values) / median(measured[0]?.map(pick) ?? [])).toFixed(1)} of this` };
      return { group: `10,000 users, ${kind}`, name, unit, ...spreadOf(values), ...note };
    }),
  );
}

if (import.meta.main) await runBench(createNodeHost(), benchUsers);
