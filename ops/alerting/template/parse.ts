/** Reads a template into its tree. Functions and variables that do not exist are refused here, before anything runs. */
import { assertNever } from '../../core/error.ts';
import { lexTemplate, templateError } from './lex.ts';
import type { Token } from './lex.ts';
import type { Command, Node, Operand, Pipe, Tree } from './node.ts';
import { readNumber, readQuoted } from './literal.ts';

/** Actions nested deeper than this are refused. */
const depthMax = 100;
const keywords: ReadonlySet<string> = new Set(['if', 'else', 'end', 'range', 'with', 'template', 'define', 'block', 'break', 'continue']);

/**
 * @param isFunction whether a name is one of a function
 * @param variables names with their `$` that stand before the template begins
 * @throws SoraError `bad_template` with the line
 */
export function parseTemplate(text: string, isFunction: (name: string) => boolean, variables: readonly string[] = []): Tree {
  const parser = new Parser(lexTemplate(text), isFunction, ['$', ...variables]);
  return parser.parse();
}

type Stop = 'else' | 'end' | 'EOF';

class Parser {
  readonly #tokens: readonly Token[];
  readonly #isFunction: (name: string) => boolean;
  readonly #defined = new Map<string, readonly Node[]>();
  #variables: string[];
  #at = 0;
  #depth = 0;
  #loops = 0;

  constructor(tokens: readonly Token[], isFunction: (name: string) => boolean, variables: string[]) {
    this.#tokens = tokens;
    this.#isFunction = isFunction;
    this.#variables = variables;
  }

  parse(): Tree {
    const { nodes, stop } = this.#list();
    if (stop !== 'EOF') throw templateError(this.#peek().line, `unexpected {{${stop}}}`);
    return { nodes, defined: this.#defined };
  }

  /** Nodes up to an `else`, an `end` or the end of the text; the keyword is taken, what follows it is not. */
  #list(): { nodes: Node[]; stop: Stop } {
    if (++this.#depth > depthMax) throw templateError(this.#peek().line, `actions are nested deeper than ${depthMax}`);
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#take();
      if (token.kind === 'end') return this.#left(nodes, 'EOF');
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.text });
        continue;
      }
      const word = this.#peek();
      if (word.kind === 'word' && (word.text === 'else' || word.text === 'end')) {
        this.#take();
        return this.#left(nodes, word.text);
      }
      const node = this.#action();
      if (node !== undefined) nodes.push(node);
    }
  }

  #left(nodes: Node[], stop: Stop): { nodes: Node[]; stop: Stop } {
    this.#depth--;
    return { nodes, stop };
  }

  #action(): Node | undefined {
    const token = this.#peek();
    if (token.kind !== 'word' || !keywords.has(token.text)) {
      const pipe = this.#pipe('command');
      this.#close();
      return { kind: 'action', pipe };
    }
    this.#take();
    switch (token.text) {
      case 'if': case 'with': case 'range': return this.#control(token.text);
      case 'define': return this.#define();
      case 'block': return this.#block();
      case 'template': return this.#template();
      default: return this.#leaveLoop(token);
    }
  }

  #leaveLoop(token: Token): Node {
    if (token.text !== 'break' && token.text !== 'continue') throw templateError(token.line, `unexpected {{${token.text}}}`);
    if (this.#loops === 0) throw templateError(token.line, `{{${token.text}}} outside {{range}}`);
    this.#close();
    return { kind: token.text };
  }

  #control(kind: 'if' | 'with' | 'range'): Node {
    const mark = this.#variables.length;
    const pipe = this.#pipe(kind);
    this.#close();
    if (kind === 'range') this.#loops++;
    const body = this.#list();
    if (kind === 'range') this.#loops--;
    let otherwise: readonly Node[] | undefined;
    if (body.stop === 'else') otherwise = this.#otherwise(kind);
    else if (body.stop === 'EOF') throw templateError(this.#peek().line, 'unexpected EOF');
    else this.#close();
    this.#variables.length = mark;
    return { kind, pipe, body: body.nodes, otherwise };
  }

  /** After `else`: another `if` or `with` of the same kind, which shares the end, or nodes up to the end. */
  #otherwise(kind: 'if' | 'with' | 'range'): readonly Node[] {
    const next = this.#peek();
    if (next.kind === 'word' && next.text === kind && kind !== 'range') {
      this.#take();
      return [this.#control(kind)];
    }
    this.#close();
    const { nodes, stop } = this.#list();
    if (stop !== 'end') throw templateError(this.#peek().line, stop === 'EOF' ? 'unexpected EOF' : 'expected end; found {{else}}');
    this.#close();
    return nodes;
  }

  #define(): undefined {
    const name = this.#name('define');
    this.#close();
    this.#body(name);
  }

  #block(): Node {
    const line = this.#peek().line;
    const name = this.#name('block');
    const pipe = this.#pipe('block');
    this.#close();
    this.#body(name);
    return { kind: 'template', line, name, pipe };
  }

  #body(name: string): void {
    const [outer, loops] = [this.#variables, this.#loops];
    this.#variables = ['$'];
    this.#loops = 0;
    const { nodes, stop } = this.#list();
    if (stop !== 'end') throw templateError(this.#peek().line, 'unexpected EOF');
    this.#close();
    this.#variables = outer;
    this.#loops = loops;
    this.#defined.set(name, nodes);
  }

  #template(): Node {
    const line = this.#peek().line;
    const name = this.#name('template');
    const pipe = this.#peek().kind === 'close' ? undefined : this.#pipe('template');
    this.#close();
    return { kind: 'template', line, name, pipe };
  }

  #name(context: string): string {
    const token = this.#take();
    if (token.kind !== 'string' && token.kind !== 'raw') throw templateError(token.line, `unexpected ${JSON.stringify(token.text)} in ${context} clause`);
    return readQuoted(token);
  }

  #pipe(context: string): Pipe {
    const line = this.#peek().line;
    const { targets, isAssign } = this.#targets(context);
    const commands: Command[] = [];
    for (;;) {
      const command = this.#command(context);
      const first = command[0];
      if (commands.length > 0 && (first?.kind === 'constant' || first?.kind === 'dot' || first?.kind === 'nil')) {
        throw templateError(line, `non executable command in pipeline stage ${commands.length + 1}`);
      }
      commands.push(command);
      if (!this.#takeMark('|')) break;
    }
    if (!isAssign) this.#variables.push(...targets);
    return { line, targets, isAssign, commands };
  }

  /** `$x :=`, `$x =` and, in a range, `$i, $x :=`. */
  #targets(context: string): { targets: string[]; isAssign: boolean } {
    const start = this.#at;
    const targets: string[] = [];
    while (this.#peek().kind === 'variable') {
      const token = this.#take();
      targets.push(token.text);
      const mark = this.#peek();
      if (mark.kind === 'mark' && (mark.text === ':=' || mark.text === '=')) {
        this.#take();
        for (const name of targets) if (mark.text === '=') this.#known(name, token.line);
        return { targets, isAssign: mark.text === '=' };
      }
      if (context !== 'range' || targets.length === 2 || !this.#takeMark(',')) break;
    }
    this.#at = start;
    return { targets: [], isAssign: false };
  }

  #command(context: string): Command {
    const operands: Operand[] = [];
    for (;;) {
      const token = this.#peek();
      if (token.kind === 'close' || token.kind === 'end' || (token.kind === 'mark' && (token.text === '|' || token.text === ')'))) break;
      operands.push(this.#operand(context));
    }
    if (operands.length === 0) throw templateError(this.#peek().line, `missing value for ${context}`);
    return operands;
  }

  #operand(context: string): Operand {
    const base = this.#term(context);
    const names: string[] = [];
    for (let next = this.#peek(); next.kind === 'field' && !next.isSpaced; next = this.#peek()) {
      names.push(next.text.slice(1));
      this.#take();
    }
    if (names.length === 0) return base;
    switch (base.kind) {
      case 'field': return { kind: 'field', names: [...base.names, ...names] };
      case 'variable': return { ...base, names: [...base.names, ...names] };
      case 'pipe': case 'function': case 'chain': return { kind: 'chain', base, names };
      case 'dot': case 'nil': case 'constant': throw templateError(this.#peek().line, 'unexpected . after term');
      default: return assertNever(base);
    }
  }

  #term(context: string): Operand {
    const token = this.#take();
    switch (token.kind) {
      case 'dot': return { kind: 'dot' };
      case 'field': return { kind: 'field', names: [token.text.slice(1)] };
      case 'variable': return { kind: 'variable', name: this.#known(token.text, token.line), names: [] };
      case 'number': case 'char': return { kind: 'constant', value: readNumber(token) };
      case 'string': case 'raw': return { kind: 'constant', value: readQuoted(token) };
      case 'word': return this.#word(token);
      case 'mark': if (token.text === '(') return this.#parenthesis(); break;
      case 'text': case 'open': case 'close': case 'end': break;
      default: return assertNever(token);
    }
    throw templateError(token.line, `unexpected ${JSON.stringify(token.text)} in ${context}`);
  }

  #word(token: Token): Operand {
    if (token.text === 'true' || token.text === 'false') return { kind: 'constant', value: token.text === 'true' };
    if (token.text === 'nil') return { kind: 'nil' };
    if (keywords.has(token.text)) throw templateError(token.line, `unexpected <${token.text}> in command`);
    if (!this.#isFunction(token.text)) throw templateError(token.line, `function ${JSON.stringify(token.text)} not defined`);
    return { kind: 'function', name: token.text };
  }

  #parenthesis(): Operand {
    if (++this.#depth > depthMax) throw templateError(this.#peek().line, `parentheses are nested deeper than ${depthMax}`);
    const pipe = this.#pipe('parenthesized pipeline');
    if (!this.#takeMark(')')) throw templateError(this.#peek().line, 'unclosed left paren');
    this.#depth--;
    return { kind: 'pipe', pipe };
  }

  #known(name: string, line: number): string {
    if (!this.#variables.includes(name)) throw templateError(line, `undefined variable ${JSON.stringify(name)}`);
    return name;
  }

  #takeMark(text: string): boolean {
    const token = this.#peek();
    if (token.kind !== 'mark' || token.text !== text) return false;
    this.#at++;
    return true;
  }

  #close(): void {
    const token = this.#take();
    if (token.kind !== 'close') throw templateError(token.line, `unexpected ${JSON.stringify(token.text)} in action`);
  }

  #peek(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)] as Token;
  }

  #take(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }
}
