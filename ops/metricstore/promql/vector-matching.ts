/** Arithmetic and comparison between two vectors: one to one, many to one, one to many. */
import type { Labels } from '../series.ts';
import { labelValue } from '../matchers.ts';
import { comparisonOf, computationOf } from './arithmetic.ts';
import type { Context } from './context.ts';
import { executionError, mergeEqualRows, rowLabels } from './context.ts';
import type { Binary, VectorMatching } from './expr.ts';
import { formatLabels, nameLabel, omitLabels, pickLabels, withLabel } from './labels.ts';
import { matchLabels, rowsBySignature } from './signatures.ts';
import type { VectorValue } from './values.ts';

const oneToOne: VectorMatching = { cardinality: 'one-to-one', isOn: false, labels: [], include: [], fillLeft: undefined, fillRight: undefined };

/**
 * @throws SoraError `execution` where a series has more than one partner, as Prometheus does
 */
export function matchVectors(context: Context, node: Binary, left: VectorValue, right: VectorValue): VectorValue {
  const matching = node.matching ?? oneToOne;
  const isSwapped = matching.cardinality === 'one-to-many';
  const join = new Join(context, node, matching, isSwapped ? right : left, isSwapped ? left : right);
  return join.run();
}

/** Joins the side with many series to the side with one. */
class Join {
  readonly #context: Context;
  readonly #matching: VectorMatching;
  readonly #many: VectorValue;
  readonly #one: VectorValue;
  readonly #isSwapped: boolean;
  readonly #isGrouped: boolean;
  /** Whether the name of the many side stays: only comparisons that filter keep it. */
  readonly #keepsName: boolean;
  readonly #compute: (many: number, one: number) => number;
  readonly #isKept: ((many: number, one: number) => boolean) | undefined;
  readonly #out: RowBuilder;

  constructor(context: Context, { operator, returnsBool }: Binary, matching: VectorMatching, many: VectorValue, one: VectorValue) {
    this.#context = context;
    this.#matching = matching;
    this.#many = many;
    this.#one = one;
    this.#isSwapped = matching.cardinality === 'one-to-many';
    this.#isGrouped = matching.cardinality !== 'one-to-one';
    const comparison = comparisonOf(operator);
    this.#keepsName = comparison !== undefined && !returnsBool;
    this.#isKept = this.#keepsName ? (this.#isSwapped ? (many, one) => comparison?.(one, many) ?? false : comparison) : undefined;
    const compute = this.#keepsName ? (left: number) => left : computationOf(operator);
    this.#compute = this.#isSwapped ? (many, one) => compute(one, many) : compute;
    this.#out = new RowBuilder(context, many.steps);
  }

  run(): VectorValue {
    const ones = rowsBySignature(this.#context, this.#one, this.#matching);
    const manys = rowsBySignature(this.#context, this.#many, this.#matching);
    for (const rows of ones.values()) if (rows.length > 1) this.#refuseTwins(rows);
    let isDistinct = this.#isGrouped ? this.#many.isDistinct && this.#matching.include.length === 0 : true;
    for (const [key, rows] of manys) {
      const partners = ones.get(key) ?? [];
      if (rows.length > 1 && !this.#isGrouped) isDistinct = false;
      if (partners.length > 0 || this.#fillOf('one') !== undefined) this.#joinGroup(rows, partners);
    }
    if (this.#fillOf('many') !== undefined) {
      isDistinct = false;
      for (const [key, partners] of ones) this.#fillMany(partners, manys.get(key) ?? []);
    }
    const message = this.#isGrouped ? 'multiple matches for labels: grouping labels must ensure unique matches' : undefined;
    return mergeEqualRows(this.#context, this.#out.build(isDistinct), message);
  }

  /** The value that stands for a partner missing on a side. */
  #fillOf(side: 'many' | 'one'): number | undefined {
    return (side === 'one') !== this.#isSwapped ? this.#matching.fillRight : this.#matching.fillLeft;
  }

  /** Two series of the one side may share a signature only while they have no value at one time. */
  #refuseTwins(rows: readonly number[]): void {
    const { steps, present } = this.#one;
    for (let step = 0; step < steps; step += 1) {
      const found = rows.filter((row) => present[row * steps + step] === 1);
      const [first, second] = found;
      if (first === undefined || second === undefined || !hasAnyAt(this.#many, step)) continue;
      const labels = [first, second].map((row) => rowLabels(this.#context, this.#one, row));
      const side = this.#isSwapped ? 'left' : 'right';
      throw executionError(`found duplicate series for the match group ${formatLabels(matchLabels(labels[0] ?? {}, this.#matching))} on the ${side} hand-side of the operation: `
        + `[${labels.map(formatLabels).sort().join(', ')}];many-to-many matching not allowed: matching labels must be unique on one side`);
    }
  }

  #joinGroup(rows: readonly number[], partners: readonly number[]): void {
    const { steps } = this.#many;
    /** Steps at which a row of the group has found its partner. */
    const taken = rows.length > 1 && !this.#isGrouped ? new Uint8Array(steps) : undefined;
    for (const row of rows) this.#joinRow(row, partners, taken);
  }

  #joinRow(row: number, partners: readonly number[], taken: Uint8Array | undefined): void {
    const { steps, present, values } = this.#many;
    const fill = this.#fillOf('one');
    let partner = partners[0] ?? -1;
    let target = -1;
    let targetPartner = -2;
    for (let step = 0; step < steps; step += 1) {
      const cell = row * steps + step;
      if (present[cell] === 0) continue;
      if (partners.length > 1) partner = partners.find((each) => this.#one.present[each * steps + step] === 1) ?? -1;
      const isMatched = partner >= 0 && this.#one.present[partner * steps + step] === 1;
      if (!isMatched && fill === undefined) continue;
      const many = values[cell] ?? 0;
      const one = isMatched ? (this.#one.values[partner * steps + step] ?? 0) : (fill ?? 0);
      const isKept = this.#isKept === undefined || this.#isKept(many, one);
      if (!isKept && this.#context.release === '3.8') continue;
      if (taken !== undefined && taken[step] === 1) throw executionError('multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)');
      if (taken !== undefined) taken[step] = 1;
      if (!isKept) continue;
      const source = isMatched ? partner : -1;
      if (target < 0 || (targetPartner !== source && this.#matching.include.length > 0)) {
        target = this.#out.add(this.#labelsOf(row, source), this.#many.dropped[row] === 1 && this.#keepsName);
        targetPartner = source;
      }
      this.#out.set(target, step, this.#compute(many, one));
    }
  }

  /** Steps at which the one side has a value and no row of the many side does. */
  #fillMany(partners: readonly number[], rows: readonly number[]): void {
    const { steps } = this.#one;
    const fill = this.#fillOf('many') ?? 0;
    for (const partner of partners) {
      let target = -1;
      for (let step = 0; step < steps; step += 1) {
        if (this.#one.present[partner * steps + step] === 0 || rows.some((row) => this.#many.present[row * steps + step] === 1)) continue;
        const one = this.#one.values[partner * steps + step] ?? 0;
        if (this.#isKept !== undefined && !this.#isKept(fill, one)) continue;
        if (target < 0) target = this.#out.add(this.#filledLabels(partner), false);
        this.#out.set(target, step, this.#compute(fill, one));
      }
    }
  }

  #filledLabels(partner: number): Labels {
    const labels = rowLabels(this.#context, this.#one, partner);
    return { ...matchLabels(labels, this.#matching), ...pickLabels(labels, this.#matching.include) };
  }

  #labelsOf(row: number, partner: number): Labels {
    const own = rowLabels(this.#context, this.#many, row);
    const { isOn, labels: names, include } = this.#matching;
    let labels = this.#keepsName || labelValue(own, nameLabel) === '' ? own : omitLabels(own, new Set([nameLabel]));
    if (!this.#isGrouped) labels = isOn ? pickLabels(labels, names) : names.length === 0 ? labels : omitLabels(labels, new Set(names));
    if (include.length === 0) return labels;
    const other = partner < 0 ? {} : rowLabels(this.#context, this.#one, partner);
    return include.reduce((sum, name) => withLabel(sum, name, labelValue(other, name)), labels);
  }
}

const hasAnyAt = ({ steps, labels, present }: VectorValue, step: number): boolean => labels.some((_, row) => present[row * steps + step] === 1);

/** Collects rows of a result whose number is not known before. */
class RowBuilder {
  readonly #context: Context;
  readonly #steps: number;
  readonly #labels: Labels[] = [];
  readonly #dropped: number[] = [];
  #values = new Float64Array(0);
  #present = new Uint8Array(0);

  constructor(context: Context, steps: number) {
    this.#context = context;
    this.#steps = steps;
  }

  add(labels: Labels, isDropped: boolean): number {
    const row = this.#labels.length;
    this.#labels.push(labels);
    this.#dropped.push(isDropped ? 1 : 0);
    this.#context.budget.spend(this.#steps);
    if ((row + 1) * this.#steps > this.#values.length) this.#grow();
    return row;
  }

  set(row: number, step: number, value: number): void {
    this.#values[row * this.#steps + step] = value;
    this.#present[row * this.#steps + step] = 1;
  }

  build(isDistinct: boolean): VectorValue {
    const size = this.#labels.length * this.#steps;
    return {
      kind: 'vector', steps: this.#steps, labels: this.#labels, dropped: Uint8Array.from(this.#dropped), values: this.#values.subarray(0, size),
      present: this.#present.subarray(0, size), isDistinct,
    };
  }

  #grow(): void {
    const size = Math.max(16 * this.#steps, this.#values.length * 2);
    const values = new Float64Array(size);
    const present = new Uint8Array(size);
    values.set(this.#values);
    present.set(this.#present);
    this.#values = values;
    this.#present = present;
  }
}
