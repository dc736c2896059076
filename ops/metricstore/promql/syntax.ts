/**
 * The one place that knows the grammar package `@prometheus-io/lezer-promql`. Its trees bind `offset`, `@`, ranges and
 * signs more loosely than Prometheus does (`-a offset 5m` is an offset of `-a`), so operands and operators are taken out
 * of them in the order of the text and bound anew in tree.ts.
 */
import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { SoraError } from '../../core/error.ts';
import type { Position } from './expr.ts';
import { quote } from './literals.ts';

/** A query is no longer than this. */
export const queryLengthMax = 65_536;
/** Operators of one expression without brackets are no more than this: the grammar's parser gives up not far above. */
export const operatorsMax = 600;
/** Nesting of brackets is no deeper than this. */
const depthMax = 200;

/** A query with its concrete tree. */
export class Source {
  readonly text: string;
  readonly top: SyntaxNode;
  /** Names of functions that the grammar lacks, by where they stand. */
  readonly #renamed: ReadonlyMap<number, string>;
  readonly #lineStarts: number[] = [0];

  constructor(text: string) {
    if (text.length > queryLengthMax) throw new SoraError('bad_data', `the query has ${text.length} characters, the limit is ${queryLengthMax}`, { status: 400, hint: 'split it, with recording rules for its parts' });
    const { adapted, renamed } = adapt(text);
    this.text = adapted;
    this.#renamed = renamed;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#lineStarts.push(at + 1);
    checkDepth(adapted, this);
    this.top = parser.parse(adapted).topNode as unknown as SyntaxNode;
    this.#refuseErrors();
  }

  positionOf(start: number, end: number): Position {
    let line = this.#lineStarts.findLastIndex((from) => from <= start);
    if (line < 0) line = 0;
    return { start, end, line: line + 1, column: start - (this.#lineStarts[line] ?? 0) + 1 };
  }

  /** The error of a query at a place, in Prometheus' words: `1:5: parse error: …`. */
  fail(start: number, message: string): SoraError {
    const { line, column } = this.positionOf(start, start);
    return new SoraError('bad_data', `${line}:${column}: parse error: ${message}`, { status: 400 });
  }

  textOf(node: { readonly from: number; readonly to: number }): string {
    return this.text.slice(node.from, node.to);
  }

  functionNameOf(node: SyntaxNode): string {
    return this.#renamed.get(node.from) ?? this.textOf(node);
  }

  #refuseErrors(): void {
    let first: number | undefined;
    this.top.cursor().iterate((node) => {
      if (first === undefined && node.type.isError) first = node.from;
    });
    if (first !== undefined) throw this.#syntaxError(first);
  }

  #syntaxError(from: number): SoraError {
    if (/^(?:\s|#[^\n]*)*$/.test(this.text)) return this.fail(0, 'no expression found in input');
    const at = from + (/^\s*/.exec(this.text.slice(from))?.[0].length ?? 0);
    const before = this.text.slice(0, at).trimEnd();
    if ((before.match(/[-+*/%^<>=]|\b(?:and|or|unless|atan2)\b/gi)?.length ?? 0) > operatorsMax) return this.fail(0, `more than ${operatorsMax} operators in one expression`);
    const named = this.text[at] === '(' ? /([a-zA-Z_:][\w:]*)$/.exec(before) : null;
    if (named !== null) return this.fail(named.index, `unknown function with name ${quote(named[1] ?? '')}`);
    const token = /^(?:"(?:[^"\\\n]|\\.)*"|[a-zA-Z_:][\w:]*|[\d.]+|[=!<>~]+|[^])/.exec(this.text.slice(at))?.[0];
    return this.fail(Math.min(at, this.text.length), token === undefined ? 'unexpected end of input' : `unexpected ${quote(token)}`);
  }
}

/** Strings and comments, which stay; then names and numbers. */
const tokens = /("(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|`[^`]*`?)|(#[^\n]*)|([a-zA-Z_:][\w:]*)(\s*\()?|(0[xX][\da-fA-F_]*|\d[\d_]*\.(?![\d_])(?:[eE][+-]?(?=\d))?|\d[\w.]*)|([[\]])/g;
const lacking = new Map([['min_of', 'absent'], ['max_of', 'absent']]);

/**
 * Writes what Prometheus reads and the grammar does not in a form of the same length that it does: `2.` as `2 ` and
 * `2.e3` as `2e03`, and functions it lacks under another's name.
 * @throws SoraError `bad_data` at a string that does not end
 */
function adapt(text: string): { adapted: string; renamed: Map<number, string> } {
  const renamed = new Map<number, string>();
  let inRange = 0;
  const adapted = text.replace(tokens, (whole: string, string: string | undefined, _comment, name: string | undefined, bracket: string | undefined, number: string | undefined, square: string | undefined, at: number) => {
    if (string !== undefined) return whole;
    if (square !== undefined) inRange += square === '[' ? 1 : -1;
    const other = name === undefined || bracket === undefined || inRange > 0 ? undefined : lacking.get(name);
    if (name !== undefined && other !== undefined) {
      renamed.set(at, name);
      return other + whole.slice(name.length);
    }
    if (number === undefined || !number.includes('.')) return whole;
    const open = /^(\d[\d_]*)\.(?:([eE])([+-]?))?$/.exec(number);
    if (open === null) return whole;
    const [, digits = '', e, sign = ''] = open;
    return e === undefined ? `${digits} ` : `${digits}${e}${sign}0`;
  });
  return { adapted, renamed };
}

/** A tree as deep as this would exhaust the stack of whoever walks it. */
function checkDepth(text: string, source: Source): void {
  let depth = 0;
  for (const match of text.matchAll(/"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|`[^`]*`?|#[^\n]*|[()[\]]/g)) {
    if (match[0] === '(' || match[0] === '[') depth += 1;
    else if (match[0] === ')' || match[0] === ']') depth -= 1;
    if (depth > depthMax) throw source.fail(match.index, `brackets are nested deeper than ${depthMax}`);
  }
}
