import { bucketOf } from '../histogram.ts';
import { type OperationSample, type SparseHistogram, timeNames, type TimeName } from '../measurement.ts';
import type { OperationTimes, Outcome } from '../tally.ts';

/** Buckets that were hit, and how often. */
type Buckets = Map<number, number>;

/** What a tag adds to an operation's figures. */
export type CellFigures = Omit<OperationSample, 'op' | 'phase'> & { readonly checks: number; readonly checksFailed: number };

const countNames = ['total', 'failed', 'refused', 'requests', 'requestsFailed', 'bytesSent', 'bytesReceived', 'checks', 'checksFailed'] as const;
type CountName = (typeof countNames)[number];

/** Counts and times of one tag; unlike a tally's cell it keeps only the buckets that were hit, as there may be thousands. */
export class SparseCell {
  readonly #counts: Record<CountName, number> = { total: 0, failed: 0, refused: 0, requests: 0, requestsFailed: 0, bytesSent: 0, bytesReceived: 0, checks: 0, checksFailed: 0 };
  readonly #times: Record<TimeName, Buckets> = { response: new Map(), service: new Map(), poolWait: new Map(), lateness: new Map() };
  readonly #requestDuration: Buckets = new Map();
  readonly #failedResponse: Buckets = new Map();

  operation(outcome: Outcome, times: OperationTimes): void {
    this.#counts.total++;
    for (const name of timeNames) hit(this.#times[name], times[name]);
    if (outcome === 'failed') {
      this.#counts.failed++;
      hit(this.#failedResponse, times.response);
    } else if (outcome === 'refused') this.#counts.refused++;
  }

  request(failed: boolean, durationUs: number, sent: number, received: number): void {
    this.#counts.requests++;
    if (failed) this.#counts.requestsFailed++;
    this.#counts.bytesSent += sent;
    this.#counts.bytesReceived += received;
    hit(this.#requestDuration, durationUs);
  }

  check(ok: boolean): void {
    this.#counts.checks++;
    if (!ok) this.#counts.checksFailed++;
  }

  /** Adds what another cell measured. */
  add(figures: CellFigures): void {
    for (const name of countNames) this.#counts[name] += figures[name];
    for (const name of timeNames) addPairs(this.#times[name], figures.times[name]);
    addPairs(this.#requestDuration, figures.requestDuration);
    addPairs(this.#failedResponse, figures.failedResponse);
  }

  /** All of it; histograms as theirs encode themselves. */
  get figures(): CellFigures {
    const { response, service, poolWait, lateness } = this.#times;
    return {
      ...this.#counts,
      times: { response: pairsOf(response), service: pairsOf(service), poolWait: pairsOf(poolWait), lateness: pairsOf(lateness) },
      requestDuration: pairsOf(this.#requestDuration),
      failedResponse: pairsOf(this.#failedResponse),
    };
  }
}

function hit(buckets: Buckets, valueUs: number): void {
  const bucket = bucketOf(valueUs);
  buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
}

function addPairs(buckets: Buckets, pairs: SparseHistogram): void {
  for (let at = 0; at + 1 < pairs.length; at += 2) buckets.set(pairs[at]!, (buckets.get(pairs[at]!) ?? 0) + pairs[at + 1]!);
}

/** Buckets as a histogram encodes them: pairs of index and count, in order. */
function pairsOf(buckets: Buckets): SparseHistogram {
  return Uint32Array.from([...buckets].toSorted((a, b) => a[0] - b[0]).flat());
}
