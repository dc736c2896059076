import { runBench } from '../../../ops/core/bench-cli.ts';
import type { BenchOptions } from '../../../ops/core/bench-cli.ts';
import type { BenchRow } from '../../../ops/core/bench-row.ts';
import type { Host } from '../../../ops/core/host.ts';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { spreadOf } from '../../../ops/core/statistics.ts';
import { compareCosts } from './compare-costs.ts';
import { withRunsFolder } from './load-cost.ts';

/** One worker process, and so one core, has to make at least so many requests a second. */
const requestsPerSMin = 50_000;
/** As long as the runs of 10,000 users, so that the start-up is in, and small. */
const fullSeconds = 20;

/** What a request costs each generator, its own process and start-up alone, against the same bare server, without pauses. */
async function benchCost(host: Host, { quick, say }: BenchOptions): Promise<BenchRow[]> {
  return await withRunsFolder(host, async (home) => {
    const rows: BenchRow[] = [];
    for (const connections of [50, 1_000]) {
      const group = `cost, ${connections} connections`;
      const compared = await compareCosts(host, say, { group, load: { kind: 'bare', users: connections, seconds: quick ? 2 : fullSeconds }, rounds: quick ? 1 : 3, home });
      rows.push(...compared.rows);
      if (connections > 50) continue;
      const rates = compared.costsOf('sora').map(({ requestsPerS }) => requestsPerS);
      rows.push({ group, name: 'sora on one core', unit: 'requests/s', ...spreadOf(rates), must: { atLeast: requestsPerSMin } });
    }
    return rows;
  });
}

if (import.meta.main) await runBench(createNodeHost(), benchCost);
