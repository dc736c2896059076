import type { TagSample } from '../measurement.ts';
import { SparseCell } from './sparse-cell.ts';

type Key = Pick<TagSample, 'name' | 'value' | 'op' | 'phase'>;

/** Adds up what workers measured by tag; as many entries as the workers' pairs of tag and operation, of which each has at most 6,200. */
export class TagTotals {
  readonly #totals = new Map<string, SparseCell>();

  add({ name, value, op, phase, ...figures }: TagSample): void {
    const key = JSON.stringify([name, value, op, phase]);
    let sum = this.#totals.get(key);
    if (sum === undefined) this.#totals.set(key, (sum = new SparseCell()));
    sum.add(figures);
  }

  /** The sums, in order of name, value, operation and phase. */
  list(): TagSample[] {
    return [...this.#totals.keys()].toSorted().map((key) => {
      const [name, value, op, phase] = JSON.parse(key) as [Key['name'], Key['value'], Key['op'], Key['phase']];
      return { name, value, op, phase, ...this.#totals.get(key)!.figures };
    });
  }
}
