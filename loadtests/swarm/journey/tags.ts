import type { PhaseName, TagSample } from '../measurement.ts';
import { bucketOf } from '../histogram.ts';
import { phaseNames, type Outcome } from '../tally.ts';
import { otherName } from './operation-names.ts';
import { pairsOf } from './tag-totals.ts';

const namesMax = 20;
const valuesMax = 100;
const textMax = 64;

/** Counts of the operations of one tag in one phase; its histogram keeps only the buckets that were hit. */
interface Cell {
  total: number;
  failed: number;
  refused: number;
  readonly buckets: Map<number, number>;
}

/**
 * What journeys' tags were measured at: 20 names of 100 values each. A value beyond that counts as `(other)` of
 * its name, a name beyond that as the name `(other)`; `overflow` counts how often.
 */
export class TagBook {
  readonly #ids = new Map<string, Map<string, number>>();
  readonly #pairs: { readonly name: string; readonly value: string }[] = [];
  #cells = new Map<number, Cell>();
  overflow = 0;

  /** Tags with one more, which takes the place of an earlier one of its name. */
  add(tags: readonly number[] | undefined, name: string, value: string): readonly number[] {
    const id = this.#intern(name.slice(0, textMax), value.slice(0, textMax));
    const { name: kept } = this.#pairs[id]!;
    return [...(tags ?? []).filter((known) => this.#pairs[known]!.name !== kept), id];
  }

  #intern(name: string, value: string): number {
    let values = this.#ids.get(name);
    if (values === undefined) {
      if (this.#ids.size >= namesMax && name !== otherName) {
        this.overflow++;
        return this.#intern(otherName, otherName);
      }
      values = new Map();
      this.#ids.set(name, values);
    }
    const known = values.get(value);
    if (known !== undefined) return known;
    if (values.size >= valuesMax && value !== otherName) {
      this.overflow++;
      return this.#intern(name, otherName);
    }
    values.set(value, this.#pairs.length);
    return this.#pairs.push({ name, value }) - 1;
  }

  count(tags: readonly number[], phase: number, outcome: Outcome, responseUs: number): void {
    const bucket = bucketOf(responseUs);
    for (const id of tags) {
      const at = id * phaseNames.length + phase;
      let cell = this.#cells.get(at);
      if (cell === undefined) this.#cells.set(at, (cell = { total: 0, failed: 0, refused: 0, buckets: new Map() }));
      cell.total++;
      if (outcome === 'failed') cell.failed++;
      else if (outcome === 'refused') cell.refused++;
      cell.buckets.set(bucket, (cell.buckets.get(bucket) ?? 0) + 1);
    }
  }

  /** Everything since the last call, and starts over. */
  take(): TagSample[] {
    const samples = [...this.#cells].map(([at, { total, failed, refused, buckets }]): TagSample => {
      const { name, value } = this.#pairs[Math.floor(at / phaseNames.length)]!;
      const phase: PhaseName = phaseNames[at % phaseNames.length]!;
      return { name, value, phase, total, failed, refused, response: pairsOf(buckets) };
    });
    this.#cells = new Map();
    return samples;
  }
}
