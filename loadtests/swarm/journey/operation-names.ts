import type { PlannedStep } from '../journeys.ts';

/** Names that journeys make up while they run; each costs a worker up to 1.4 MB of histograms. */
const madeUpMax = 100;
/** What further names count as. */
export const otherName = '(other)';

/** The operations of a run by name: those that scenarios list, and those that functions make up, of bounded number. */
export class OperationNames {
  /** Every name, by index; grows. */
  readonly list: string[];
  readonly #planned = new Map<string, PlannedStep>();
  readonly #room: number;
  /** Operations whose name found no room. */
  overflow = 0;

  constructor(listed: readonly string[]) {
    this.list = [...listed];
    for (const [opIndex, op] of listed.entries()) this.#planned.set(op, planned(op, opIndex));
    this.#room = listed.length + madeUpMax;
  }

  /** What stands for an operation of this name; new names beyond the bound share `(other)`. */
  find(name: string): PlannedStep {
    const known = this.#planned.get(name);
    if (known !== undefined) return known;
    if (this.list.length >= this.#room && name !== otherName) {
      this.overflow++;
      return this.find(otherName);
    }
    const added = planned(name, this.list.length);
    this.list.push(name);
    this.#planned.set(name, added);
    return added;
  }
}

function planned(op: string, opIndex: number): PlannedStep {
  return { op, opIndex, run: () => Promise.resolve(), thinkTimeMs: { kind: 'constant', value: 0 }, whole: undefined };
}

/** Segments that look like an id: numbers, UUIDs, and longer tokens with a digit in them. */
const idSegment = /^(?:\d+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?=[^/]*\d)[\w.~%=-]{16,}|(?=[^/]*\d)[0-9a-f]{8,})$/i;

/** `GET /posts/:id/comments`: a request's method and path without its query and without what looks like an id. */
export function nameOfRequest(method: string, path: string): string {
  const end = path.search(/[?#]/);
  const segments = (end < 0 ? path : path.slice(0, end)).split('/').map((segment) => (idSegment.test(segment) ? ':id' : segment));
  return `${method} ${segments.join('/')}`.slice(0, 100);
}
