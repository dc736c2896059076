/** Where samples come from: our own scraping and store, or a Prometheus elsewhere. */
import type { Registry } from 'prom-client';
import type { Host } from '../core/host.ts';
import { messageOf } from '../core/error.ts';
import { createRemoteSource, joinSources } from '../metricstore/remote-source.ts';
import type { SampleSource } from '../metricstore/series.ts';
import { createMetricStore } from '../metricstore/store.ts';
import type { MetricStore, StoreDatabase } from '../metricstore/store.ts';
import { watchMetricStore } from '../metricstore/store-metrics.ts';
import type { NewSample } from '../metricstore/raw-store/raw-store.ts';
import { ScrapeLoop } from '../metricstore/scrape/scrape-loop.ts';
import type { ScrapeTarget, TargetState } from '../metricstore/scrape/target.ts';
import { readTopology } from '../supervisor/topology.ts';
import type { AlertSettings } from './settings.ts';
import { listTargets, readStack } from './targets.ts';
import type { Target, TargetPlaces } from './targets.ts';

export interface Samples {
  readonly source: SampleSource;
  /** Takes what one group of rules writes. */
  append(samples: readonly NewSample[], group: string): void;
  targets(): readonly TargetState[];
  readonly store: MetricStore;
  stop(): Promise<void>;
}

export interface SamplesParts {
  readonly host: Host;
  readonly settings: AlertSettings;
  readonly places: TargetPlaces;
  readonly database: StoreDatabase;
  readonly metrics: Registry;
  readonly warn: (text: string) => void;
}

/** A target that hangs must not eat the whole of its interval. */
const timeoutShare = 0.8;

/** Scrapes every process of the stack and what the settings name, from now on; with a Prometheus elsewhere nothing is scraped. */
export async function startSamples(parts: SamplesParts): Promise<Samples> {
  const { host, settings: { prometheusUrl }, database, metrics, warn } = parts;
  // A Prometheus elsewhere keeps samples itself; what our rules write beside it may be lost with this process.
  const store = createMetricStore({ host, onError: warn, ...(prometheusUrl === undefined ? { database } : {}) });
  await store.open();
  watchMetricStore(metrics, store);
  return prometheusUrl === undefined ? startScraping(parts, store) : startReading(parts, store, prometheusUrl);
}

/** What our own rules write lies here, all else there. */
function startReading({ host }: SamplesParts, store: MetricStore, url: string): Samples {
  return {
    source: joinSources(store, createRemoteSource({ host, url, token: host.process.env['PROMETHEUS_TOKEN'] || undefined })),
    store,
    append: (samples, group) => void store.append(samples, `rules ${group}`),
    targets: () => [],
    stop: () => store.close(),
  };
}

function startScraping({ host, settings, places, warn }: SamplesParts, store: MetricStore): Samples {
  const topology = readTopology(host, places.topology);
  const loop = new ScrapeLoop({ host, store: store.raw });
  const discover = (): void => {
    try {
      loop.setTargets(listTargets(readStack(host, places), topology, settings).map((target) => toScrape(target, settings.scrapeIntervalMs)));
    } catch (error) {
      // The state file names what there is; while it cannot be read, what was known is scraped.
      warn(`targets could not be listed: ${messageOf(error)}`);
    }
  };
  discover();
  const timer = host.timers.every(settings.scrapeIntervalMs, discover);
  return {
    source: store,
    store,
    append: (samples, group) => void store.append(samples, `rules ${group}`),
    targets: () => loop.targets(),
    async stop() {
      timer.cancel();
      await loop.stop();
      await store.close();
    },
  };
}

function toScrape({ job, url, labels, bearerToken }: Target, intervalMs: number): ScrapeTarget {
  return {
    job, url, labels, instance: new URL(url).host, intervalMs, timeoutMs: Math.round(intervalMs * timeoutShare),
    ...(bearerToken === undefined ? {} : { authorization: `Bearer ${bearerToken}` }),
  };
}
