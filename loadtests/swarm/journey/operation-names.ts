import { redactText } from '../../../ops/telemetry/redact-text.ts';
import type { PlannedStep } from '../journeys.ts';

/** Names that journeys make up while they run; each costs a worker up to 1.4 MB of histograms. */
const madeUpMax = 100;
/** Names with something secret in them that are remembered as they came; each further one is read again. */
const uncleanMax = 1_000;
/** What further names count as. */
export const otherName = '(other)';

/** The operations of a run by name: those that scenarios list, and those that functions make up, of bounded number. */
export class OperationNames {
  /** Every name, by index; grows. */
  readonly list: string[];
  readonly #planned = new Map<string, PlannedStep>();
  readonly #judged: ReadonlySet<string>;
  #room: number;
  #unclean = 0;
  /** Operations whose name found no room. */
  overflow = 0;

  /** @param judged names that have their room whenever they come */
  constructor(listed: readonly string[], judged: readonly string[] = []) {
    this.list = [...listed];
    for (const [opIndex, op] of listed.entries()) this.#planned.set(op, planned(op, opIndex));
    this.#judged = new Set(judged);
    this.#room = listed.length + madeUpMax;
  }

  /**
   * What stands for an operation of this name; new names beyond the bound share `(other)`. A made-up name goes to
   * reports and outputs, so what is secret in it is taken out; names that differ in that alone are one.
   */
  find(name: string): PlannedStep {
    return this.#planned.get(name) ?? this.#findClean(name);
  }

  #findClean(name: string): PlannedStep {
    const clean = withoutSecrets(name);
    const found = this.#planned.get(clean) ?? this.#add(clean);
    // What finds no room is counted each time it comes.
    if (clean !== name && found.op !== otherName && this.#unclean < uncleanMax) {
      this.#unclean++;
      this.#planned.set(name, found);
    }
    return found;
  }

  #add(name: string): PlannedStep {
    if (this.#judged.has(name)) this.#room++;
    else if (this.list.length >= this.#room && name !== otherName) {
      this.overflow++;
      return this.#planned.get(otherName) ?? this.#add(otherName);
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

/** Letters as they stand in tokens: long, and changing between small and capital more often than words do. */
function isToken(segment: string): boolean {
  if (!/^[\w~-]{16,}$/.test(segment)) return false;
  const changes = segment.match(/[a-z](?=[A-Z])|[A-Z](?=[a-z])/g)?.length ?? 0;
  return changes * 3 >= segment.length;
}

/** Whether a segment of a path names a person or opens something, written as it is or percent-encoded. */
function isSecret(segment: string): boolean {
  if (segment === '' || /\s/.test(segment)) return false;
  const plain = segment.includes('%') ? decode(segment) : segment;
  return redactText(plain) !== plain || isToken(plain);
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** A name as reports may show it: `:id` for secret segments of a path, and marks for what else is secret. */
function withoutSecrets(name: string): string {
  // Most names are plain, and beyond the bound of names each one is asked about.
  if (!/%|[\w~-]{16}/.test(name) && redactText(name) === name) return name;
  const [first = '', ...segments] = name.split('/');
  return redactText([first, ...segments.map((segment) => (isSecret(segment) ? ':id' : segment))].join('/'));
}

const nameMax = 100;

/**
 * `GET /posts/:id/comments`: a request's method and path without its query and without what looks like an id, at most
 * 100 characters. A longer one ends with a whole segment, since half an address is not known as one.
 */
export function nameOfRequest(method: string, path: string): string {
  const end = path.search(/[?#]/);
  const segments = (end < 0 ? path : path.slice(0, end)).split('/').map((segment) => (idSegment.test(segment) ? ':id' : segment));
  const name = `${method} ${segments.join('/')}`;
  return name.length <= nameMax ? name : `${name.slice(0, name.lastIndexOf('/', nameMax - 2) + 1)}…`;
}
