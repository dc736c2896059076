import { phaseNames } from '../swarm/tally.ts';

/**
 * What thresholds can speak of: the name of each metric, its kind and the figures it offers. The
 * kinds and their aggregations are k6's, so that an expression means here what it means there.
 */

/** Times; figures in milliseconds. */
export interface Trend {
  readonly kind: 'trend';
  readonly count: number;
  readonly avg: number;
  readonly min: number;
  readonly max: number;
  /** @param ratio 0 to 1 */
  quantile(ratio: number): number;
}

/** A share of things that happened. */
export interface Rate {
  readonly kind: 'rate';
  readonly rate: number;
  /** Of how many things; a share of nothing proves nothing. */
  readonly count: number;
}

/** A number of things, and how many a second. */
export interface Counter {
  readonly kind: 'counter';
  readonly count: number;
  readonly rate: number;
}

/** One level, the latest. */
export interface Gauge {
  readonly kind: 'gauge';
  readonly value: number;
}

export type Metric = Trend | Rate | Counter | Gauge;
export type MetricKind = Metric['kind'];

interface MetricSpec {
  readonly kind: MetricKind;
  /** The tags it may be narrowed by, and the values of those that have but a few; undefined allows any. */
  readonly tags: Readonly<Record<string, readonly string[] | undefined>>;
  /** Whether it is measured by the tags that journeys set, too. */
  readonly byOwnTags?: true;
  readonly about: string;
}

/** Without a `phase` a threshold judges the hold. */
const sampleTags: MetricSpec['tags'] = { op: undefined, phase: phaseNames };

/** Every metric a threshold may name. */
export const metricSpecs: Readonly<Record<string, MetricSpec>> = {
  response_time: { kind: 'trend', tags: sampleTags, byOwnTags: true, about: 'due time to last byte read, ms' },
  service_time: { kind: 'trend', tags: sampleTags, byOwnTags: true, about: 'first byte written to last byte read, ms' },
  pool_wait: { kind: 'trend', tags: sampleTags, byOwnTags: true, about: 'waiting for a free connection, ms' },
  lateness: { kind: 'trend', tags: sampleTags, byOwnTags: true, about: 'due time to handed to the transport, ms' },
  http_req_duration: { kind: 'trend', tags: sampleTags, byOwnTags: true, about: 'each request by itself as k6 means it, ms' },
  http_reqs: { kind: 'counter', tags: sampleTags, byOwnTags: true, about: 'requests' },
  http_req_failed: { kind: 'rate', tags: sampleTags, byOwnTags: true, about: 'share of requests that failed' },
  operations: { kind: 'counter', tags: sampleTags, byOwnTags: true, about: 'operations done' },
  operation_failed: { kind: 'rate', tags: sampleTags, byOwnTags: true, about: 'share of operations that failed' },
  operation_refused: { kind: 'rate', tags: sampleTags, byOwnTags: true, about: 'share of operations refused as expected' },
  operations_unsent: { kind: 'counter', tags: {}, about: 'operations that were due and never sent' },
  data_sent: { kind: 'counter', tags: sampleTags, byOwnTags: true, about: 'bytes written' },
  data_received: { kind: 'counter', tags: sampleTags, byOwnTags: true, about: 'bytes read' },
  users: { kind: 'gauge', tags: {}, about: 'users at work' },
  checks: { kind: 'rate', tags: { ...sampleTags, check: undefined }, byOwnTags: true, about: 'share of checks that passed' },
  arrivals_queued: { kind: 'counter', tags: {}, about: 'arrivals that found every user busy and waited for one' },
  names_beyond: { kind: 'counter', tags: { kind: ['operations', 'tags', 'checks'] }, about: 'times that a name came beyond the bound of such names and counted as (other)' },
  audit_lost: { kind: 'counter', tags: {}, about: 'acknowledged writes that the database lacks' },
  audit_duplicated: { kind: 'counter', tags: {}, about: 'writes that the database holds more than once' },
};

/** The aggregations of each kind; `p` stands for p(0) to p(100). */
export const aggregations: Readonly<Record<MetricKind, readonly string[]>> = {
  trend: ['avg', 'min', 'max', 'med', 'p', 'count'],
  rate: ['rate'],
  counter: ['count', 'rate'],
  gauge: ['value'],
};

/** Finds the metric with these tags; undefined when nothing of that name was measured. */
export type MetricLookup = (name: string, tags: Readonly<Record<string, string>>) => Metric | undefined;
