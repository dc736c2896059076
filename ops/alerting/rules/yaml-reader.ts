/** Reads YAML as strictly as Go does into a struct: unknown and repeated fields and wrong types are problems, all told at once. */
import { LineCounter, isAlias, isMap, isScalar, isSeq, parseAllDocuments } from 'yaml';
import type { Document, Node } from 'yaml';
import { messageOf } from '../../core/error.ts';
import { parsePromDuration } from './prom-duration.ts';
import type { Problem } from './rule.ts';

/** A mapping whose fields are read one by one. */
export interface FieldMap {
  readonly node: Node;
  readonly fields: ReadonlyMap<string, Node | null>;
}

/** Files larger than this are refused. */
const sizeMax = 4 * 1_024 * 1_024;

export class YamlReader {
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #lines = new LineCounter();
  #document: Document | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** The root of the file's one document; undefined where the file is empty or cannot be read. */
  parse(text: string): Node | undefined {
    if (text.length > sizeMax) {
      this.problems.push({ file: this.#file, line: 1, column: 1, message: `the file has ${text.length} characters, at most ${sizeMax} are read` });
      return undefined;
    }
    const [document, another] = parseAllDocuments(text, { lineCounter: this.#lines, uniqueKeys: true, keepSourceTokens: false });
    if (document === undefined || !('contents' in document)) return undefined;
    this.#document = document;
    // One slip makes the reader stumble over all that follows: the first is the one to mend.
    for (const { message, linePos } of document.errors.slice(0, 1)) {
      const [place] = linePos ?? [];
      this.problems.push({ file: this.#file, line: place?.line ?? 1, column: place?.col ?? 1, message: `yaml: ${message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? ''}` });
    }
    if (another !== undefined) this.problem(another.contents ?? undefined, 'only one YAML document may stand in a file');
    return document.errors.length > 0 ? undefined : (document.contents ?? undefined);
  }

  problem(node: Node | null | undefined, message: string): void {
    this.problems.push({ file: this.#file, ...this.placeOf(node), message });
  }

  placeOf(node: Node | null | undefined): { line: number; column: number } {
    const place = this.#lines.linePos(node?.range?.[0] ?? 0);
    return { line: Math.max(1, place.line), column: Math.max(1, place.col) };
  }

  /** @param known names of fields; others are problems. Undefined lets any name be. */
  map(node: Node | null | undefined, what: string, known?: readonly string[]): FieldMap | undefined {
    const found = this.#resolved(node);
    if (found === undefined || found === null) return undefined;
    if (isScalar(found) && (found.value === null || found.value === '')) return undefined;
    if (!isMap(found)) return this.#wrong(found, what, 'a mapping');
    const fields = new Map<string, Node | null>();
    for (const pair of found.items) {
      const key = pair.key as Node | null;
      const name = isScalar(key) ? (key.source ?? JSON.stringify(key.value)) : '';
      if (known !== undefined && !known.includes(name)) this.problem(key, `field ${name} not found in ${what}; it takes ${known.join(', ')}`);
      fields.set(name, pair.value as Node | null);
    }
    return { node: found, fields };
  }

  list(node: Node | null | undefined, what: string): readonly (Node | null)[] {
    const found = this.#resolved(node);
    if (found === undefined || found === null || (isScalar(found) && found.value === null)) return [];
    if (!isSeq(found)) return this.#wrong(found, what, 'a list') ?? [];
    return found.items as (Node | null)[];
  }

  /** The text of a scalar as it is written, so that `1.10` stays what it is; empty where it is missing. */
  text(node: Node | null | undefined, what: string): string {
    const found = this.#resolved(node);
    if (found === undefined || found === null) return '';
    if (!isScalar(found)) return this.#wrong(found, what, 'a string') ?? '';
    if (found.value === null) return '';
    if (typeof found.value === 'string') return found.value;
    return found.source ?? JSON.stringify(found.value);
  }

  texts(node: Node | null | undefined, what: string): Record<string, string> {
    const fields = this.map(node, what)?.fields ?? new Map<string, Node | null>();
    return Object.fromEntries([...fields].map(([name, value]) => [name, this.text(value, `${what}.${name}`)]));
  }

  /** Milliseconds; undefined where it is missing or wrong. */
  duration(node: Node | null | undefined, what: string): number | undefined {
    if (node === undefined || node === null) return undefined;
    const text = this.text(node, what);
    try {
      return parsePromDuration(text);
    } catch (error) {
      this.problem(node, `${what}: ${messageOf(error)}${/^[1-9]\d*$/.test(text) ? `; a unit is missing: ${text}s or ${text}m?` : ''}`);
      return undefined;
    }
  }

  number(node: Node | null | undefined, what: string, isWhole = false): number | undefined {
    const found = this.#resolved(node);
    if (found === undefined || found === null) return undefined;
    if (isScalar(found) && typeof found.value === 'number' && (!isWhole || Number.isSafeInteger(found.value))) return found.value;
    return this.#wrong(found, what, isWhole ? 'a whole number' : 'a number');
  }

  boolean(node: Node | null | undefined, what: string): boolean | undefined {
    const found = this.#resolved(node);
    if (found === undefined || found === null) return undefined;
    return isScalar(found) && typeof found.value === 'boolean' ? found.value : this.#wrong(found, what, 'true or false');
  }

  #wrong(node: Node, what: string, expected: string): undefined {
    this.problem(node, `${what} must be ${expected}`);
    return undefined;
  }

  #resolved(node: Node | null | undefined): Node | null | undefined {
    if (!isAlias(node) || this.#document === undefined) return node;
    return node.resolve(this.#document);
  }
}
