import { Histogram } from '../swarm/histogram.ts';
import type { NamesBeyond } from '../swarm/measurement.ts';
import type { CheckSecond, TagSecond } from './annex-second.ts';
import type { Second } from './second.ts';

/** One figure for monitoring systems; `name` is without their prefix, `labels` have no empty value. */
export interface AnnexPoint {
  readonly name: 'tagged_operations' | 'tagged_requests' | 'checks' | 'arrivals_queued' | 'names_beyond' | 'tagged_response_time_quantile';
  /** As UCUM writes it. */
  readonly unit: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

type Counts = Record<'total' | 'failed' | 'refused' | 'requests' | 'requestsFailed', number>;

/** Sums up tags and checks since the run began. As many as the collector tells apart. */
export class AnnexTotals {
  readonly #tags = new Map<string, Counts & Pick<TagSecond, 'name' | 'value'>>();
  readonly #checks = new Map<string, { name: string; op: string; total: number; failed: number }>();
  #arrivalsQueued: number | undefined;
  #namesBeyond: NamesBeyond | undefined;

  add({ tags = [], checks = [], arrivalsQueued, namesBeyond }: Second): void {
    for (const tag of tags) this.#addTag(tag);
    for (const check of checks) this.#addCheck(check);
    this.#arrivalsQueued = arrivalsQueued ?? this.#arrivalsQueued;
    this.#namesBeyond = namesBeyond ?? this.#namesBeyond;
  }

  #addTag(tag: TagSecond): void {
    const key = JSON.stringify([tag.name, tag.value]);
    let sum = this.#tags.get(key);
    if (sum === undefined) this.#tags.set(key, (sum = { name: tag.name, value: tag.value, total: 0, failed: 0, refused: 0, requests: 0, requestsFailed: 0 }));
    for (const name of ['total', 'failed', 'refused', 'requests', 'requestsFailed'] as const) sum[name] += tag[name];
  }

  #addCheck({ name, op, total, failed }: CheckSecond): void {
    const key = JSON.stringify([name, op]);
    let sum = this.#checks.get(key);
    if (sum === undefined) this.#checks.set(key, (sum = { name, op, total: 0, failed: 0 }));
    sum.total += total;
    sum.failed += failed;
  }

  /** Counters that only grow. */
  get counters(): AnnexPoint[] {
    const beyond = this.#namesBeyond;
    return [
      ...[...this.#tags.values()].flatMap(tagCounters),
      ...[...this.#checks.values()].flatMap(checkCounters),
      ...(this.#arrivalsQueued === undefined ? [] : [{ name: 'arrivals_queued', unit: '{arrival}', labels: {}, value: this.#arrivalsQueued } as const]),
      ...(beyond === undefined ? [] : (['operations', 'tags', 'checks'] as const).map((kind): AnnexPoint => ({ name: 'names_beyond', unit: '{name}', labels: { kind }, value: beyond[kind] }))),
    ];
  }
}

const filled = (text: string): string => (text === '' ? '(empty)' : text);

function tagCounters({ name, value, total, failed, refused, requests, requestsFailed }: Counts & Pick<TagSecond, 'name' | 'value'>): AnnexPoint[] {
  const at = (what: 'tagged_operations' | 'tagged_requests', outcome: string, count: number): AnnexPoint => ({
    name: what, unit: what === 'tagged_operations' ? '{operation}' : '{request}', labels: { tag: filled(name), value: filled(value), outcome }, value: count,
  });
  return [
    at('tagged_operations', 'ok', total - failed - refused), at('tagged_operations', 'failed', failed), at('tagged_operations', 'refused', refused),
    at('tagged_requests', 'ok', requests - requestsFailed), at('tagged_requests', 'failed', requestsFailed),
  ];
}

function checkCounters({ name, op, total, failed }: CheckSecond): AnnexPoint[] {
  const at = (outcome: string, value: number): AnnexPoint => ({ name: 'checks', unit: '{check}', labels: { check: filled(name), op: filled(op), outcome }, value });
  return [at('passed', total - failed), at('failed', failed)];
}

/** Response times of this second by tag, in seconds; what did not happen has no quantile. */
export function tagQuantiles({ tags = [] }: Second): AnnexPoint[] {
  return tags.filter(({ response }) => response.length > 0).flatMap(({ name, value, response }) => {
    const histogram = Histogram.fromSparse(response);
    return [0.5, 0.95, 0.99].map((quantile): AnnexPoint => ({
      name: 'tagged_response_time_quantile', unit: 's', labels: { tag: filled(name), value: filled(value), quantile: String(quantile) }, value: histogram.quantile(quantile) / 1e6,
    }));
  });
}
