import { redactText } from '../../../ops/telemetry/redact-text.ts';
import type { TagSample } from '../measurement.ts';
import { type OperationTimes, type Outcome, phaseNames } from '../tally.ts';
import { otherName } from './operation-names.ts';
import { SparseCell } from './sparse-cell.ts';
import { joinTags, tagBounds, type TagSet } from './tag-sets.ts';

/** Pairs of a tag and an operation; what comes beyond counts as operation `(other)` of its tag. */
const pairsMax = 4_000;
/** More operations than a run can name: 500 listed, 100 made up, 300 that thresholds name and `(other)`. */
const opsRoom = 1_024;

interface Tag {
  readonly name: string;
  readonly value: string;
  /** Of several tags together: those that must be set, and the check it counts, if one. */
  readonly set?: { readonly members: readonly number[]; readonly check: string | undefined };
}

/**
 * What journeys' tags were measured at: 20 names of 100 values each, by operation. A value beyond that counts as
 * `(other)` of its name, a name beyond that as the name `(other)`, an operation beyond 4,000 pairs of tag and
 * operation as operation `(other)`; `overflow` counts how often. Sets of tags that were asked for are measured besides, by
 * operation whatever else there is.
 */
export class TagBook {
  readonly #ops: readonly string[];
  readonly #ids = new Map<string, Map<string, number>>();
  readonly #tags: Tag[] = [];
  /** Ids of the sets asked for. */
  readonly #sets: readonly number[];
  /** Tags from this id on were not asked for. */
  readonly #unasked: number;
  readonly #pairs = new Set<number>();
  #cells = new Map<number, SparseCell>();
  overflow = 0;

  /**
   * @param ops names of operations by index; may grow
   * @param sets tags that have their room whatever else journeys set; several are measured together where a journey has set all of them
   */
  constructor(ops: readonly string[] = [], sets: readonly TagSet[] = []) {
    this.#ops = ops;
    this.#sets = sets.flatMap((set) => this.#addSet(set));
    this.#unasked = this.#tags.length;
  }

  /** A single tag is measured anyway. */
  #addSet(set: TagSet): readonly number[] {
    const members = Object.entries(set.tags).map(([name, value]) => this.#find(name, value));
    if (members.length === 1 && set.check === undefined) return [];
    const { name, value } = joinTags(set);
    return [this.#tags.push({ name: redactText(name), value: redactText(value), set: { members, check: set.check } }) - 1];
  }

  #find(name: string, value: string): number {
    return this.#intern(name.slice(0, tagBounds.characters), value.slice(0, tagBounds.characters));
  }

  /** Tags with one more, which takes the place of an earlier one of its name. */
  add(tags: readonly number[] | undefined, name: string, value: string): readonly number[] {
    const id = this.#find(name, value);
    const { name: kept } = this.#tags[id]!;
    const single = [...(tags ?? []).filter((known) => this.#tags[known]!.set === undefined && this.#tags[known]!.name !== kept), id];
    const together = this.#sets.filter((set) => this.#tags[set]!.set!.members.every((member) => single.includes(member)));
    return [...single, ...together];
  }

  #intern(name: string, value: string): number {
    let values = this.#ids.get(name);
    if (values === undefined) {
      if (this.#ids.size >= tagBounds.names && name !== otherName) {
        this.overflow++;
        return this.#intern(otherName, otherName);
      }
      values = new Map();
      this.#ids.set(name, values);
    }
    const known = values.get(value);
    if (known !== undefined) return known;
    if (values.size >= tagBounds.values && value !== otherName) {
      this.overflow++;
      return this.#intern(name, otherName);
    }
    values.set(value, this.#tags.length);
    // A journey may tag with what it was given, and what is measured goes to reports and outputs.
    return this.#tags.push({ name: redactText(name), value: redactText(value) }) - 1;
  }

  operation(tags: readonly number[], op: number, phase: number, outcome: Outcome, times: OperationTimes): void {
    for (const id of tags) if (this.#tags[id]!.set?.check === undefined) this.#cell(id, op, phase).operation(outcome, times);
  }

  request(tags: readonly number[], op: number, phase: number, failed: boolean, durationUs: number, sent: number, received: number): void {
    for (const id of tags) if (this.#tags[id]!.set?.check === undefined) this.#cell(id, op, phase).request(failed, durationUs, sent, received);
  }

  check(tags: readonly number[], op: number, phase: number, ok: boolean, name: string): void {
    for (const id of tags) {
      const only = this.#tags[id]!.set?.check;
      if (only === undefined || only === name) this.#cell(id, op, phase).check(ok);
    }
  }

  /** @param op index of the operation; -1 for `(other)` */
  #cell(id: number, op: number, phase: number): SparseCell {
    const pair = id * opsRoom + op + 1;
    const at = pair * phaseNames.length + phase;
    const known = this.#cells.get(at);
    if (known !== undefined) return known;
    if (op >= 0 && id >= this.#unasked && !this.#pairs.has(pair)) {
      if (this.#pairs.size >= pairsMax) {
        this.overflow++;
        return this.#cell(id, -1, phase);
      }
      this.#pairs.add(pair);
    }
    const cell = new SparseCell();
    this.#cells.set(at, cell);
    return cell;
  }

  /** Everything since the last call, and starts over. */
  take(): TagSample[] {
    const samples = [...this.#cells].map(([at, cell]): TagSample => {
      const pair = Math.floor(at / phaseNames.length);
      const { name, value } = this.#tags[Math.floor(pair / opsRoom)]!;
      return { name, value, op: this.#ops[(pair % opsRoom) - 1] ?? otherName, phase: phaseNames[at % phaseNames.length]!, ...cell.figures };
    });
    this.#cells = new Map();
    return samples;
  }
}
