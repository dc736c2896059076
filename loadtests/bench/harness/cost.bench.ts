import { runBench } from '../../../ops/core/bench-cli.ts';
import type { BenchOptions } from '../../../ops/core/bench-cli.ts';
import type { BenchRow } from '../../../ops/core/bench-row.ts';
import type { Host } from '../../../ops/core/host.ts';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { interleave, median, spreadOf } from '../../../ops/core/statistics.ts';
import { startBareTarget } from './bare-target.ts';
import { findPeer, peers, sora } from './clients.ts';
import type { Client, Load } from './clients.ts';
import { measureCommand } from './measured-command.ts';

interface Cost {
  readonly cpuUsPerRequest: number;
  readonly requestsPerS: number;
}

/** What a request costs each generator, its own process and start-up alone, against the same bare server, without pauses. */
async function benchCost(host: Host, { quick, say }: BenchOptions): Promise<BenchRow[]> {
  const found = peers.map(({ name }) => findPeer(host, name)).filter((client) => client !== undefined);
  const missing = peers.filter(({ name }) => !found.some((client) => client.name === name));
  for (const { name, install } of missing) say(`${name} is not installed and is left out; ${install}`);
  const clients = [sora(host), ...found];
  const rows: BenchRow[] = [];
  for (const connections of [50, 1_000]) {
    const load: Omit<Load, 'target'> = { kind: 'bare', users: connections, seconds: quick ? 2 : 8 };
    const measured = await interleave(clients, quick ? 1 : 5, (client, round) => {
      say(`${client.name}, ${connections} connections, ${round === 0 ? 'warm-up' : `round ${round}`}`);
      return measureCost(host, client, round === 0 ? { ...load, seconds: 1 } : load);
    });
    rows.push(...rowsOf(clients, connections, measured));
  }
  return rows;
}

async function measureCost(host: Host, client: Client, load: Omit<Load, 'target'>): Promise<Cost> {
  const target = await startBareTarget(host);
  try {
    const full = { ...load, target: target.url };
    const cost = await measureCommand(host, client.command(full), {
      timeoutMs: (load.seconds + 60) * 1_000, env: client.env?.(full) ?? {}, ...(client.accepts === undefined ? {} : { accepts: client.accepts }),
    });
    const requests = client.requests(cost.stdout);
    return { cpuUsPerRequest: cost.cpuUs / requests, requestsPerS: requests / load.seconds };
  } finally {
    target.stop();
  }
}

function rowsOf(clients: readonly Client[], connections: number, measured: readonly Cost[][]): BenchRow[] {
  const group = `cost, ${connections} connections`;
  const costs = measured.map((values) => spreadOf(values.map(({ cpuUsPerRequest }) => cpuUsPerRequest)));
  const ours = median(measured[0]?.map(({ cpuUsPerRequest }) => cpuUsPerRequest) ?? []);
  return clients.flatMap(({ name }, index) => {
    const cost = costs[index] ?? spreadOf([]);
    const ratio = name === 'sora' ? '' : `ours is ${(ours / cost.median).toFixed(2)} times this`;
    return [
      { group, name, unit: 'µs CPU/request', ...cost, ...(ratio === '' ? {} : { note: ratio }) },
      { group, name, unit: 'requests/s', ...spreadOf(measured[index]?.map(({ requestsPerS }) => requestsPerS) ?? []) },
    ];
  });
}

if (import.meta.main) await runBench(createNodeHost(), benchCost);
