/** What it costs to scrape 50,000 series every 5 s over HTTP from another process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BenchRow } from '../../core/bench-row.ts';
import { runBench } from '../../core/bench-cli.ts';
import type { BenchOptions } from '../../core/bench-cli.ts';
import type { Host } from '../../core/host.ts';
import { createNodeHost } from '../../core/node-host.ts';
import { spreadOf } from '../../core/statistics.ts';
import { RawStore } from '../raw-store/raw-store.ts';
import { ScrapeLoop } from './scrape-loop.ts';

const targets = 10;
const seriesEach = 5_000;
const intervalMs = 5_000;
/** Of the 20 % of a core that scraping and 200 rules may take together. */
const shareMax = 0.1;

/** CPU of this process over whole intervals, as a share of one core; the first two warm up. */
export async function benchScrape(host: Host, { quick, say }: BenchOptions): Promise<BenchRow[]> {
  const server = spawn(host.process.execPath, [fileURLToPath(new URL('bench-server.ts', import.meta.url))], { env: { TARGETS: String(targets), SERIES: String(seriesEach) }, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [port] = (await once(createInterface(server.stdout), 'line')) as [string];
    const store = new RawStore();
    let scraped = 0;
    let failed = 0;
    const loop = new ScrapeLoop({ host, store, onScraped: ({ health, lastError }) => {
      scraped++;
      if (health === 'up') return;
      failed++;
      say(lastError);
    } });
    loop.setTargets(Array.from({ length: targets }, (_, index) => ({ job: 'bench', instance: `bench-${index}`, url: `http://127.0.0.1:${port}/${index}`, labels: {}, intervalMs, timeoutMs: 4_000 })));
    const shares: number[] = [];
    const rounds = quick ? 2 : 10;
    for (let round = -2; round < rounds; round++) {
      const cpuUs = host.process.cpuUs();
      const startMs = host.clock.monotonicMs();
      await host.timers.sleep(intervalMs);
      store.expire(host.clock.nowMs());
      if (round >= 0) shares.push((host.process.cpuUs() - cpuUs) / 1e3 / (host.clock.monotonicMs() - startMs));
    }
    await loop.stop();
    const note = `${store.figures().series} series of ${targets} targets, ${scraped} scrapes, ${failed} failed`;
    return [{ group: 'metric store', name: 'scrape 50,000 series every 5 s', unit: '% of a core', must: { atMost: shareMax * 100 }, note, ...percent(spreadOf(shares)) }];
  } finally {
    server.kill();
  }
}

const percent = ({ median, low, high }: { median: number; low: number; high: number }): { median: number; low: number; high: number } => ({ median: median * 100, low: low * 100, high: high * 100 });

if (import.meta.main) await runBench(createNodeHost(), benchScrape);
