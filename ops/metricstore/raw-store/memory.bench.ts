/** What two hours of 50,000 series take in memory. */
import type { BenchRow } from '../../core/bench-row.ts';
import { runBench } from '../../core/bench-cli.ts';
import type { BenchOptions } from '../../core/bench-cli.ts';
import type { Host } from '../../core/host.ts';
import { createNodeHost } from '../../core/node-host.ts';
import { createBenchPage } from '../scrape/bench-page.ts';
import { TargetSeries } from '../scrape/target-series.ts';
import { RawStore } from './raw-store.ts';

const targets = 10;
const seriesEach = 5_000;
const intervalMs = 5_000;
const retentionMs = 7_200_000;
const megabyte = 1_000_000;
const rssMaxBytes = 600 * megabyte;

/** Scrapes 10 targets of 5,000 series from memory for 2.5 h of their time: half an hour more than is kept. */
export function benchMemory(host: Host, { quick, say }: BenchOptions): BenchRow[] {
  const store = new RawStore();
  const pages = Array.from({ length: targets }, (_, index) => createBenchPage(seriesEach, index));
  const series = pages.map((_, index) => new TargetSeries(store, { job: 'bench', instance: `127.0.0.1:${9_000 + index}` }, String(index)));
  const startMs = host.clock.nowMs();
  const scrapes = quick ? 60 : (retentionMs * 1.25) / intervalMs;
  let cpuUs = 0;
  let peakBytes = 0;
  for (let scrape = 0; scrape < scrapes; scrape++) {
    const atMs = startMs + scrape * intervalMs;
    for (const page of pages) page.advance();
    const beforeUs = host.process.cpuUs();
    series.forEach((target, index) => {
      const { bytes } = pages[index] ?? { bytes: Buffer.alloc(0) };
      target.store(bytes, bytes.length, 'text', atMs + index);
    });
    if (scrape % 12 === 0) store.expire(atMs);
    cpuUs += host.process.cpuUs() - beforeUs;
    peakBytes = Math.max(peakBytes, host.process.rssBytes());
    if (scrape % 360 === 359) say(`${scrape + 1} of ${scrapes} scrapes: ${Math.round(peakBytes / megabyte)} MB`);
  }
  const figures = store.figures();
  const kept = Math.min(scrapes, retentionMs / intervalMs) * targets * seriesEach;
  const figure = (name: string, unit: string, value: number, rest: Partial<Extract<BenchRow, { median: number }>>): BenchRow => ({ group: 'metric store', name, unit, median: value, low: value, high: value, ...rest });
  return [
    figure('memory of the process', 'MB RSS', peakBytes / megabyte, {
      must: { atMost: rssMaxBytes / megabyte }, note: `${figures.series} series at one sample every 5 s, ${(kept / 1e6).toFixed(1)} million samples kept`,
    }),
    figure('compressed samples', 'bytes/sample', figures.chunkBytes / kept, { note: figures.droppedEarly === 0 ? 'none was given up before its time' : `${figures.droppedEarly} buffers given up before their time` }),
    figure('parse and store a sample', 'µs CPU', cpuUs / (scrapes * targets * seriesEach), {}),
  ];
}

if (import.meta.main) await runBench(createNodeHost(), benchMemory);
