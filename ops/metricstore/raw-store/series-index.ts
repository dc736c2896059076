/** Which series there are, by label: an inverted index of label pairs. */
import { compileMatcher, labelValue } from '../matchers.ts';
import type { Labels, Matcher } from '../series.ts';

interface Posting {
  /** The one copy of this string that all series share. */
  readonly value: string;
  /** In no order. */
  ids: number[];
}

interface Condition {
  readonly matcher: Matcher;
  readonly isMet: (value: string) => boolean;
}

/** Answers that are kept for matchers asked again. */
const answersMax = 1_000;
const answeredIdsMax = 500_000;

/** The label set without empty values, names in order. A label `__proto__`, which no plain object can hold, is left out. */
export function normaliseLabels(labels: Labels): [string, string][] {
  const pairs: [string, string][] = [];
  for (const name of Object.keys(labels)) {
    const value = labelValue(labels, name);
    if (value !== '' && name !== '__proto__') pairs.push([name, value]);
  }
  return pairs.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** One text for one label set, whatever the labels hold. */
export function labelsKey(pairs: readonly (readonly [string, string])[]): string {
  let key = '';
  for (const [name, value] of pairs) key += `${name.length}:${name}${value.length}:${value}`;
  return key;
}

/** Characters of all names and values. */
export const charactersOf = (pairs: readonly (readonly [string, string])[]): number => pairs.reduce((sum, [name, value]) => sum + name.length + value.length, 0);

/** FNV-1a over the characters, with a mark after each name and value. */
function hashOf(pairs: readonly (readonly [string, string])[]): number {
  let hash = 0x811c_9dc5;
  for (const pair of pairs) {
    for (const text of pair) {
      for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193);
      hash = Math.imul(hash ^ 0x1_0000, 0x0100_0193);
    }
  }
  return hash;
}

export class SeriesIndex {
  /** By hash of the label set: the series last added of those that share it. A text for each would cost more than all else here. */
  readonly #byHash = new Map<number, number>();
  /** The next series of the same hash, -1 at the end. */
  readonly #nextSame: number[] = [];
  #size = 0;
  readonly #labels: (Labels | undefined)[] = [];
  readonly #postings = new Map<string, Map<string, Posting>>();
  readonly #free: number[] = [];
  readonly #answers = new Map<string, readonly number[]>();
  #answeredIds = 0;
  /** Characters of all labels. */
  characters = 0;

  get size(): number {
    return this.#size;
  }

  /** The series of this normalised label set, undefined where there is none. */
  find(pairs: readonly (readonly [string, string])[]): number | undefined {
    for (let id = this.#byHash.get(hashOf(pairs)) ?? -1; id >= 0; id = this.#nextSame[id] ?? -1) if (this.#isLabelled(id, pairs)) return id;
    return undefined;
  }

  #isLabelled(id: number, pairs: readonly (readonly [string, string])[]): boolean {
    const labels = this.#labels[id];
    if (labels === undefined || Object.keys(labels).length !== pairs.length) return false;
    return pairs.every(([name, value]) => labelValue(labels, name) === value);
  }

  labels(id: number): Labels {
    return this.#labels[id] ?? {};
  }

  has(id: number): boolean {
    return this.#labels[id] !== undefined;
  }

  /** Ids are below this number. */
  get idsEnd(): number {
    return this.#labels.length;
  }

  /** Adds a series that is not there; answers its id, which may be one that was used before. */
  add(pairs: readonly (readonly [string, string])[]): number {
    const id = this.#free.pop() ?? this.#labels.length;
    const labels: Record<string, string> = {};
    for (const [name, value] of pairs) {
      let values = this.#postings.get(name);
      if (values === undefined) this.#postings.set(name, (values = new Map()));
      let posting = values.get(value);
      if (posting === undefined) values.set(value, (posting = { value, ids: [id] }));
      else posting.ids.push(id);
      labels[name] = posting.value;
    }
    this.#labels[id] = labels;
    const hash = hashOf(pairs);
    this.#nextSame[id] = this.#byHash.get(hash) ?? -1;
    this.#byHash.set(hash, id);
    this.#size++;
    this.characters += charactersOf(pairs);
    this.#forgetAnswers();
    return id;
  }

  /** Removes series; their ids are used again. */
  remove(ids: ReadonlySet<number>): void {
    const touched = new Set<Posting>();
    for (const id of ids) {
      const labels = this.#labels[id];
      if (labels === undefined) continue;
      const pairs = Object.entries(labels);
      for (const [name, value] of pairs) {
        const posting = this.#postings.get(name)?.get(value);
        if (posting !== undefined) touched.add(posting);
      }
      this.#unlink(id, hashOf(pairs));
      this.#size--;
      this.characters -= charactersOf(pairs);
      this.#labels[id] = undefined;
      this.#free.push(id);
    }
    for (const posting of touched) posting.ids = posting.ids.filter((id) => !ids.has(id));
    for (const [name, values] of this.#postings) {
      for (const [value, { ids: left }] of values) if (left.length === 0) values.delete(value);
      if (values.size === 0) this.#postings.delete(name);
    }
    this.#forgetAnswers();
  }

  #unlink(id: number, hash: number): void {
    const next = this.#nextSame[id] ?? -1;
    let before = this.#byHash.get(hash) ?? -1;
    if (before === id) {
      if (next < 0) this.#byHash.delete(hash);
      else this.#byHash.set(hash, next);
      return;
    }
    while (before >= 0 && this.#nextSame[before] !== id) before = this.#nextSame[before] ?? -1;
    if (before >= 0) this.#nextSame[before] = next;
  }

  /** The series that meet every matcher; all of them where there is none. */
  match(matchers: readonly Matcher[]): readonly number[] {
    const question = JSON.stringify(matchers.map(({ name, operator, value }) => [name, operator, value]));
    const known = this.#answers.get(question);
    if (known !== undefined) return known;
    const found = this.#search(matchers.map((matcher) => ({ matcher, isMet: compileMatcher(matcher) })));
    if (this.#answers.size >= answersMax || this.#answeredIds + found.length > answeredIdsMax) this.#forgetAnswers();
    this.#answers.set(question, found);
    this.#answeredIds += found.length;
    return found;
  }

  #search(conditions: readonly Condition[]): number[] {
    const base = this.#smallest(conditions);
    const candidates = base?.ids ?? [...this.#labels.keys()].filter((id) => this.has(id));
    const rest = conditions.filter((condition) => condition !== base?.condition).map(withMemory);
    if (rest.length === 0) return [...candidates];
    return candidates.filter((id) => {
      const labels = this.#labels[id];
      return labels !== undefined && rest.every(({ matcher, isMet }) => isMet(labelValue(labels, matcher.name)));
    });
  }

  /** The condition that leaves fewest series, of those that a series without the label does not meet. */
  #smallest(conditions: readonly Condition[]): { readonly condition: Condition; readonly ids: number[] } | undefined {
    let best: { readonly condition: Condition; readonly ids: number[] } | undefined;
    const consider = (condition: Condition, ids: number[]): void => {
      if (best === undefined || ids.length < best.ids.length) best = { condition, ids };
    };
    for (const condition of conditions) {
      const { name, operator, value } = condition.matcher;
      if (operator === '=' && value !== '') consider(condition, this.#postings.get(name)?.get(value)?.ids ?? []);
    }
    if (best !== undefined) return best;
    for (const condition of conditions) {
      if (condition.isMet('')) continue;
      const values = this.#postings.get(condition.matcher.name);
      const ids: number[] = [];
      for (const posting of values?.values() ?? []) if (condition.isMet(posting.value)) for (const id of posting.ids) ids.push(id);
      consider(condition, ids);
    }
    return best;
  }

  #forgetAnswers(): void {
    this.#answers.clear();
    this.#answeredIds = 0;
  }
}

/** Asks each value once: series of one metric share few. */
function withMemory({ matcher, isMet }: Condition): Condition {
  if (matcher.operator === '=' || matcher.operator === '!=') return { matcher, isMet };
  const answers = new Map<string, boolean>();
  return {
    matcher,
    isMet: (value) => {
      let answer = answers.get(value);
      if (answer === undefined) answers.set(value, (answer = isMet(value)));
      return answer;
    },
  };
}
