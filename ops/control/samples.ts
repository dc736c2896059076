/** Where samples come from: our own scraping and store, or a Prometheus elsewhere. */
import type { Registry } from 'prom-client';
import type { Host, Timer } from '../core/host.ts';
import { messageOf } from '../core/error.ts';
import { createRemoteSource, joinSources, readElsewhere } from '../metricstore/remote-source.ts';
import type { SampleSource } from '../metricstore/series.ts';
import { createMetricStore } from '../metricstore/store.ts';
import type { MetricStore, StoreDatabase } from '../metricstore/store.ts';
import { watchMetricStore } from '../metricstore/store-metrics.ts';
import type { NewSample } from '../metricstore/raw-store/raw-store.ts';
import { checkTargets, ScrapeLoop } from '../metricstore/scrape/scrape-loop.ts';
import type { ScrapeTarget, TargetState } from '../metricstore/scrape/target.ts';
import { scrapeKeyPrefix } from '../metricstore/scrape/target-series.ts';
import { readTopology } from '../supervisor/topology.ts';
import type { Topology } from '../supervisor/topology.ts';
import type { AlertSettings } from './settings.ts';
import { listTargets, readStack } from './targets.ts';
import type { Target, TargetPlaces } from './targets.ts';

export interface Samples {
  readonly source: SampleSource;
  /** Begins to scrape, and resolves once every target was tried: until then what has no sample says nothing. At most 5 s. */
  begin(): Promise<void>;
  /** Takes what one group of rules writes. */
  append(samples: readonly NewSample[], group: string): void;
  targets(): readonly TargetState[];
  /** `data` of what the Prometheus elsewhere answers to a path of its API; undefined where we scrape ourselves. */
  readonly elsewhere?: ((path: string) => Promise<unknown>) | undefined;
  readonly store: MetricStore;
  /** From when on samples are exactly those that were scraped. */
  completeFromMs(): number;
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
/** First scrapes of a start come all at once, or nearly. */
const firstWithinMs = 200;
const triedMaxMs = 5_000;
/**
 * So long after its last sample a series of an earlier life ends: longer than a journal may miss at the end of a life, so that what
 * was evaluated then is the same when it is asked again.
 */
const endedAfterMs = 30_000;

/**
 * Scrapes every process of the stack and what the settings name, from `begin` on; with a Prometheus elsewhere nothing is scraped.
 * @throws SoraError `invalid_config` for more targets than may be scraped, or one that cannot be
 */
export async function startSamples(parts: SamplesParts): Promise<Samples> {
  const { host, settings: { prometheusUrl }, database, metrics, warn } = parts;
  // A Prometheus elsewhere keeps what it scrapes; what our rules write outlives this process with us, as budgets of 14 days are read from it.
  const begin = prometheusUrl === undefined ? scraping(parts) : (opened: MetricStore) => startReading(parts, opened, prometheusUrl);
  const store = createMetricStore({ host, onError: warn, database });
  await store.open();
  watchMetricStore(metrics, store);
  return begin(store);
}

/** Too many targets are refused at the start: found out later, none would be scraped. */
function scraping(parts: SamplesParts): (store: MetricStore) => Samples {
  const { host, settings, places } = parts;
  const topology = readTopology(host, places.topology);
  checkTargets(toScrape(listTargets(undefined, topology, settings), settings));
  return (store) => startScraping(parts, store, topology);
}

/** What our own rules write lies here, all else there, and what its rules of the same names wrote before ours did. */
function startReading({ host }: SamplesParts, store: MetricStore, url: string): Samples {
  const remote = { host, url, token: host.process.env['PROMETHEUS_TOKEN'] || undefined };
  return {
    source: joinSources(store, createRemoteSource(remote)),
    elsewhere: (path) => readElsewhere(remote, path),
    completeFromMs: () => Number.NEGATIVE_INFINITY,
    store,
    append: (samples, group) => void store.append(samples, `rules ${group}`),
    targets: () => [],
    begin: () => Promise.resolve(),
    stop: () => store.close(),
  };
}

function startScraping({ host, settings, places, warn }: SamplesParts, store: MetricStore, topology: Topology): Samples {
  const loop = new ScrapeLoop({ host, store: store.raw, firstWithinMs });
  const discover = (): void => {
    try {
      loop.setTargets(toScrape(listTargets(readStack(host, places), topology, settings), settings));
    } catch (error) {
      // The state file names what there is; while it cannot be read, or names too many, what was known is scraped.
      warn(`targets could not be listed: ${messageOf(error)}`);
    }
  };
  let timer: Timer | undefined;
  return {
    source: store,
    store,
    append: (samples, group) => void store.append(samples, `rules ${group}`),
    targets: () => loop.targets(),
    completeFromMs: () => store.completeFromMs,
    async begin() {
      // What an earlier life scraped is true only of what is scraped again, now: a process of the stack before, or at an address that
      // is no target any more, would answer for another 5 min.
      store.raw.endTimelines(scrapeKeyPrefix, host.clock.nowMs(), Math.max(endedAfterMs, 2 * settings.scrapeIntervalMs));
      discover();
      timer = host.timers.every(settings.scrapeIntervalMs, discover);
      const over = new AbortController();
      await Promise.race([loop.tried(), host.timers.sleep(triedMaxMs, over.signal).catch(() => undefined)]);
      over.abort();
    },
    async stop() {
      timer?.cancel();
      await loop.stop();
      await store.close();
    },
  };
}

function toScrape(targets: readonly Target[], { scrapeIntervalMs: intervalMs }: AlertSettings): ScrapeTarget[] {
  return targets.map(({ job, url, labels, bearerToken }) => ({
    job, url, labels, instance: new URL(url).host, intervalMs, timeoutMs: Math.round(intervalMs * timeoutShare),
    ...(bearerToken === undefined ? {} : { authorization: `Bearer ${bearerToken}` }),
  }));
}
