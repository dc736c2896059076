/** Where samples come from: our own scraping and store, or a Prometheus elsewhere. */
import type { Host, Timer } from '../core/host.ts';
import { messageOf } from '../core/error.ts';
import type { SampleSource } from '../metricstore/series.ts';
import { RawStore } from '../metricstore/raw-store/raw-store.ts';
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
  readonly store: RawStore;
  stop(): Promise<void>;
}

export interface SamplesParts {
  readonly host: Host;
  readonly settings: AlertSettings;
  readonly places: TargetPlaces;
  readonly warn: (text: string) => void;
}

const expireEveryMs = 30_000;
/** A target that hangs must not eat the whole of its interval. */
const timeoutShare = 0.8;

/** Scrapes every process of the stack and what the settings name, from now on. */
export function startSamples({ host, settings, places, warn }: SamplesParts): Samples {
  const topology = readTopology(host, places.topology);
  const store = new RawStore();
  const loop = new ScrapeLoop({ host, store });
  const discover = (): void => {
    try {
      loop.setTargets(listTargets(readStack(host, places), topology, settings).map((target) => toScrape(target, settings.scrapeIntervalMs)));
    } catch (error) {
      // The state file names what there is; while it cannot be read, what was known is scraped.
      warn(`targets could not be listed: ${messageOf(error)}`);
    }
  };
  discover();
  const timers: Timer[] = [host.timers.every(settings.scrapeIntervalMs, discover), host.timers.every(expireEveryMs, () => store.expire(host.clock.nowMs()))];
  return {
    source: store,
    store,
    append: (samples, group) => void store.append(samples, `rules ${group}`),
    targets: () => loop.targets(),
    async stop() {
      for (const timer of timers) timer.cancel();
      await loop.stop();
    },
  };
}

function toScrape({ job, url, labels, bearerToken }: Target, intervalMs: number): ScrapeTarget {
  return {
    job, url, labels, instance: new URL(url).host, intervalMs, timeoutMs: Math.round(intervalMs * timeoutShare),
    ...(bearerToken === undefined ? {} : { authorization: `Bearer ${bearerToken}` }),
  };
}
