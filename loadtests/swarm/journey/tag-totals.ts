import type { TagSample } from '../measurement.ts';

interface Total {
  total: number;
  failed: number;
  refused: number;
  readonly buckets: Map<number, number>;
}

/** Adds up what workers measured by tag; as many entries as the workers' tags, of which each has at most 20 × 100. */
export class TagTotals {
  readonly #totals = new Map<string, Total>();

  add({ name, value, phase, total, failed, refused, response }: TagSample): void {
    const key = JSON.stringify([name, value, phase]);
    let sum = this.#totals.get(key);
    if (sum === undefined) this.#totals.set(key, (sum = { total: 0, failed: 0, refused: 0, buckets: new Map() }));
    sum.total += total;
    sum.failed += failed;
    sum.refused += refused;
    for (let at = 0; at + 1 < response.length; at += 2) sum.buckets.set(response[at]!, (sum.buckets.get(response[at]!) ?? 0) + response[at + 1]!);
  }

  /** The sums, in order of name, value and phase. */
  list(): TagSample[] {
    return [...this.#totals.keys()].toSorted().map((key) => {
      const [name, value, phase] = JSON.parse(key) as [string, string, TagSample['phase']];
      const { buckets, ...counts } = this.#totals.get(key)!;
      return { name, value, phase, ...counts, response: pairsOf(buckets) };
    });
  }
}

/** Buckets as a histogram encodes them: pairs of index and count, in order. */
export function pairsOf(buckets: ReadonlyMap<number, number>): Uint32Array {
  return Uint32Array.from([...buckets].toSorted((a, b) => a[0] - b[0]).flat());
}
