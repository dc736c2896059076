import type { Labels } from '../series.ts';

/** One page of metrics that is read at an interval. */
export interface ScrapeTarget {
  readonly job: string;
  readonly instance: string;
  /** `http:` or `https:`. */
  readonly url: string;
  /** Put on every series beside `job` and `instance`. */
  readonly labels: Labels;
  readonly intervalMs: number;
  /** Shorter than the interval. */
  readonly timeoutMs: number;
  /** Value of the header `authorization`; never shown. */
  readonly authorization?: string | undefined;
}

/** What is known of a target, for `/api/v1/targets`. */
export interface TargetState {
  readonly target: ScrapeTarget;
  /** With `job` and `instance`. */
  readonly labels: Labels;
  readonly health: 'up' | 'down' | 'unknown';
  /** Of the last scrape; empty when it went well. */
  readonly lastError: string;
  /** 0 before the first. */
  readonly lastScrapeMs: number;
  readonly lastScrapeDurationMs: number;
}

/** The labels that every series of a target has. */
export const labelsOfTarget = ({ job, instance, labels }: ScrapeTarget): Labels => ({ ...labels, job, instance });

/** One text for one target: two with the same are one. */
export const targetKey = ({ job, instance, url, labels }: ScrapeTarget): string =>
  JSON.stringify([job, instance, url, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);

/** When in its interval a target is scraped: spread by hash, and the same after every restart. */
export function offsetMs(key: string, intervalMs: number): number {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x0100_0193);
  return (hash >>> 0) % intervalMs;
}
