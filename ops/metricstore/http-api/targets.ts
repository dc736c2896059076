import { formatPromDuration } from './duration.ts';
import type { TargetState } from '../scrape/target.ts';
import type { Parameters } from './parameters.ts';

/** Go's zero time, for what has not happened yet. */
const never = '0001-01-01T00:00:00Z';

/** `data` of `/targets`. Targets are not relabelled, so none is dropped. */
export function describeTargets(targets: readonly TargetState[], parameters: Parameters): object {
  const state = parameters.text('state').toLowerCase();
  const pool = parameters.text('scrapePool');
  const showsActive = state === '' || state === 'any' || state === 'active';
  const active = showsActive ? targets.filter(({ target }) => pool === '' || target.job === pool) : [];
  return {
    activeTargets: active.toSorted((one, other) => (one.target.job < other.target.job ? -1 : one.target.job > other.target.job ? 1 : 0)).map(describeTarget),
    droppedTargets: [],
    droppedTargetCounts: {},
  };
}

function describeTarget({ target, labels, health, lastError, lastScrapeMs, lastScrapeDurationMs }: TargetState): object {
  const { protocol, host, pathname } = new URL(target.url);
  const intervals = { __scrape_interval__: formatPromDuration(target.intervalMs), __scrape_timeout__: formatPromDuration(target.timeoutMs) };
  return {
    discoveredLabels: { __address__: host, __metrics_path__: pathname, __scheme__: protocol.slice(0, -1), ...intervals, job: target.job },
    labels,
    scrapePool: target.job, scrapeUrl: target.url, globalUrl: target.url,
    lastError, lastScrape: lastScrapeMs === 0 ? never : new Date(lastScrapeMs).toISOString(), lastScrapeDuration: lastScrapeDurationMs / 1_000,
    health, scrapeInterval: intervals.__scrape_interval__, scrapeTimeout: intervals.__scrape_timeout__,
  };
}
