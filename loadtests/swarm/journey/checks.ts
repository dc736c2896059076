import { redactText } from '../../../ops/telemetry/redact-text.ts';
import type { CheckSample } from '../measurement.ts';
import { phaseNames } from '../tally.ts';
import { otherName } from './operation-names.ts';

const namesMax = 100;
const textMax = 200;
/** As for tags: more operations than a run can name. */
const opsRoom = 1_024;

/** Counts checks, passed and failed, by name, operation and phase: 100 names besides those that thresholds name, beyond them `(other)`; `overflow` counts how often. */
export class CheckBook {
  readonly #ops: readonly string[];
  readonly #ids = new Map<string, number>();
  readonly #names: string[] = [];
  #cells = new Map<number, { total: number; failed: number }>();
  overflow = 0;
  readonly #room: number = Number.POSITIVE_INFINITY;

  /**
   * @param ops names of operations by index; may grow
   * @param judged names that have their room whatever others come first; they are not counted among the 100
   */
  constructor(ops: readonly string[] = [], judged: readonly string[] = []) {
    this.#ops = ops;
    for (const name of judged) this.#intern(name);
    this.#room = namesMax + this.#ids.size;
  }

  count(name: string, op: number, phase: number, ok: boolean): void {
    const id = this.#ids.get(name) ?? this.#intern(name);
    const at = (id * opsRoom + op) * phaseNames.length + phase;
    let cell = this.#cells.get(at);
    if (cell === undefined) this.#cells.set(at, (cell = { total: 0, failed: 0 }));
    cell.total++;
    if (!ok) cell.failed++;
  }

  #intern(name: string): number {
    const short = name.slice(0, textMax);
    const known = this.#ids.get(short);
    if (known !== undefined) return known;
    if (this.#ids.size >= this.#room && short !== otherName) {
      this.overflow++;
      return this.#intern(otherName);
    }
    this.#ids.set(short, this.#names.length);
    // A journey may put what a server said into a name, and names go to reports and outputs.
    return this.#names.push(redactText(short)) - 1;
  }

  /** Everything since the last call, and starts over. */
  take(): CheckSample[] {
    const samples = [...this.#cells].map(([at, counts]): CheckSample => {
      const place = Math.floor(at / phaseNames.length);
      return { name: this.#names[Math.floor(place / opsRoom)]!, op: this.#ops[place % opsRoom] ?? otherName, phase: phaseNames[at % phaseNames.length]!, ...counts };
    });
    this.#cells = new Map();
    return samples;
  }
}

/** Adds up what workers counted; as many entries as their checks, of which each has at most 101 names. */
export class CheckTotals {
  readonly #sums = new Map<string, { total: number; failed: number }>();

  add({ name, op, phase, total, failed }: CheckSample): void {
    const key = JSON.stringify([name, op, phase]);
    let sum = this.#sums.get(key);
    if (sum === undefined) this.#sums.set(key, (sum = { total: 0, failed: 0 }));
    sum.total += total;
    sum.failed += failed;
  }

  /** The sums, in order of name, operation and phase. */
  list(): CheckSample[] {
    return [...this.#sums.keys()].toSorted().map((key) => {
      const [name, op, phase] = JSON.parse(key) as [string, string, CheckSample['phase']];
      return { name, op, phase, ...this.#sums.get(key)! };
    });
  }
}

/** Adds up checks of several workers. */
export function sumChecks(samples: Iterable<CheckSample>): CheckSample[] {
  const totals = new CheckTotals();
  for (const sample of samples) totals.add(sample);
  return totals.list();
}
