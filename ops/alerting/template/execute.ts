/** Runs a parsed template. Queries take time, so everything here may. */
import { SoraError, assertNever, messageOf } from '../../core/error.ts';
import { templateError } from './lex.ts';
import { findFunction } from './functions.ts';
import type { ParameterType, TemplateFunction, TemplateWorld } from './functions.ts';
import { callMethod } from './methods.ts';
import type { Command, Node, Operand, Pipe, Tree } from './node.ts';
import { int, isTruthy, plain, sortedEntries, typeName } from './value.ts';
import type { GoValue } from './value.ts';

/** A template writes no more than this; what is beyond is left out, with an ellipsis. */
export const outputMax = 4_000;
/** Steps after which a template is given up, and templates that may call each other. */
const stepsMax = 100_000;
const depthMax = 100;

interface Variable { readonly name: string; value: GoValue }
type Flow = 'next' | 'break' | 'continue';

/**
 * Writes what a template gives for `dot`.
 * @throws SoraError `bad_template` where a value does not fit, a query fails or the bounds are passed
 */
export async function executeTree(tree: Tree, dot: GoValue, variables: readonly Variable[], world: TemplateWorld): Promise<string> {
  const run = new Run(tree, world);
  await run.walk(tree.nodes, dot, [{ name: '$', value: dot }, ...variables.map((each) => ({ ...each }))], 0);
  return run.output();
}

class Run {
  readonly #tree: Tree;
  readonly #world: TemplateWorld;
  #text = '';
  #steps = 0;

  constructor(tree: Tree, world: TemplateWorld) {
    this.#tree = tree;
    this.#world = world;
  }

  output(): string {
    return this.#text.length <= outputMax ? this.#text : `${this.#text.slice(0, outputMax - 1).toWellFormed()}\u2026`;
  }

  async walk(nodes: readonly Node[], dot: GoValue, scope: Variable[], depth: number): Promise<Flow> {
    for (const node of nodes) {
      const flow = await this.#node(node, dot, scope, depth);
      if (flow !== 'next') return flow;
    }
    return 'next';
  }

  async #node(node: Node, dot: GoValue, scope: Variable[], depth: number): Promise<Flow> {
    this.#step();
    switch (node.kind) {
      case 'text': this.#write(node.text); return 'next';
      case 'break': case 'continue': return node.kind;
      case 'action': {
        const value = await this.#pipe(node.pipe, dot, scope);
        if (node.pipe.targets.length === 0) this.#write(value === null ? '<no value>' : plain(value));
        return 'next';
      }
      case 'template': await this.#template(node, dot, scope, depth); return 'next';
      case 'range': return await this.#scoped(scope, () => this.#range(node, dot, scope, depth));
      case 'if': case 'with': return await this.#scoped(scope, async () => {
        const value = await this.#pipe(node.pipe, dot, scope);
        if (isTruthy(value)) return await this.walk(node.body, node.kind === 'with' ? value : dot, scope, depth);
        return node.otherwise === undefined ? 'next' : await this.walk(node.otherwise, dot, scope, depth);
      });
      default: return assertNever(node);
    }
  }

  async #scoped(scope: Variable[], work: () => Promise<Flow>): Promise<Flow> {
    const mark = scope.length;
    const flow = await work();
    scope.length = mark;
    return flow;
  }

  async #template(node: Extract<Node, { kind: 'template' }>, dot: GoValue, scope: Variable[], depth: number): Promise<void> {
    const nodes = this.#tree.defined.get(node.name);
    if (nodes === undefined) throw templateError(node.line, `template ${JSON.stringify(node.name)} not defined`);
    if (depth >= depthMax) throw templateError(node.line, `exceeded maximum template depth (${depthMax})`);
    const value = node.pipe === undefined ? null : await this.#pipe(node.pipe, dot, scope);
    await this.walk(nodes, value, [{ name: '$', value }], depth + 1);
  }

  async #range(node: Extract<Node, { kind: 'if' | 'with' | 'range' }>, dot: GoValue, scope: Variable[], depth: number): Promise<Flow> {
    const before = scope.length;
    const value = await this.#pipe(node.pipe, dot, scope);
    const { targets, isAssign, line } = node.pipe;
    const elements = elementsOf(value, line, targets.length);
    const mark = scope.length;
    for (const [key, element] of elements) {
      this.#step();
      const given = targets.length === 2 ? [key, element] : [element];
      targets.forEach((name, at) => {
        const variable = isAssign ? find(scope, name) : scope[before + at];
        if (variable !== undefined) variable.value = given[at] ?? null;
      });
      const flow = await this.walk(node.body, element, scope, depth);
      scope.length = mark;
      if (flow === 'break') break;
    }
    if (elements.length > 0 || node.otherwise === undefined) return 'next';
    return await this.walk(node.otherwise, dot, scope, depth);
  }

  async #pipe(pipe: Pipe, dot: GoValue, scope: Variable[]): Promise<GoValue> {
    let value: GoValue | undefined;
    try {
      for (const command of pipe.commands) value = await this.#command(command, dot, scope, value);
    } catch (error) {
      if (error instanceof SoraError && error.message.startsWith('template: ')) throw error;
      throw templateError(pipe.line, messageOf(error));
    }
    const result = value ?? null;
    for (const name of pipe.targets) {
      const known = pipe.isAssign ? find(scope, name) : undefined;
      if (known === undefined) scope.push({ name, value: result });
      else known.value = result;
    }
    return result;
  }

  /** @param last the value of the command before, which becomes the last argument */
  async #command([first, ...rest]: Command, dot: GoValue, scope: Variable[], last: GoValue | undefined): Promise<GoValue> {
    this.#step();
    if (first === undefined) return null;
    if (first.kind === 'function') return await this.#call(first.name, rest, dot, scope, last);
    const hasArguments = rest.length > 0 || last !== undefined;
    if (first.kind === 'nil') throw new SoraError('bad_template', 'nil is not a command');
    if (!hasArguments) return await this.#operand(first, dot, scope);
    if (first.kind !== 'field' && first.kind !== 'chain' && !(first.kind === 'variable' && first.names.length > 0)) {
      throw new SoraError('bad_template', `can't give argument to non-function`);
    }
    const args = await this.#all(rest, dot, scope);
    const receiver = await this.#operand(without(first), dot, scope);
    return field(receiver, first.names.at(-1) ?? '', last === undefined ? args : [...args, last]);
  }

  async #call(name: string, operands: readonly Operand[], dot: GoValue, scope: Variable[], last: GoValue | undefined): Promise<GoValue> {
    const known = findFunction(name);
    if (known === undefined) throw new SoraError('bad_template', `${JSON.stringify(name)} is not a defined function`);
    const count = operands.length + (last === undefined ? 0 : 1);
    if (count < known.parameters.length || (known.rest === undefined && count > known.parameters.length)) {
      throw new SoraError('bad_template', `wrong number of args for ${name}: want ${known.rest === undefined ? '' : 'at least '}${known.parameters.length} got ${count}`);
    }
    if (name === 'and' || name === 'or') return await this.#decide(name === 'or', operands, dot, scope, last);
    const args = await this.#all(operands, dot, scope);
    if (last !== undefined) args.push(last);
    args.forEach((value, at) => fit(value, known, at));
    if (name === 'not') return !isTruthy(args[0] ?? null);
    try {
      return await known.call(args, this.#world);
    } catch (error) {
      throw new SoraError('bad_template', `error calling ${name}: ${messageOf(error)}`, { cause: error });
    }
  }

  /** `and` and `or` evaluate no more than they need. */
  async #decide(isOr: boolean, operands: readonly Operand[], dot: GoValue, scope: Variable[], last: GoValue | undefined): Promise<GoValue> {
    let value: GoValue = null;
    for (const operand of operands) {
      value = await this.#operand(operand, dot, scope);
      if (isTruthy(value) === isOr) return value;
    }
    return last === undefined ? value : last;
  }

  async #all(operands: readonly Operand[], dot: GoValue, scope: Variable[]): Promise<GoValue[]> {
    const values: GoValue[] = [];
    for (const operand of operands) values.push(await this.#operand(operand, dot, scope));
    return values;
  }

  async #operand(operand: Operand, dot: GoValue, scope: Variable[]): Promise<GoValue> {
    switch (operand.kind) {
      case 'dot': return dot;
      case 'nil': return null;
      case 'constant': return operand.value;
      case 'field': return chain(dot, operand.names);
      case 'variable': return chain(find(scope, operand.name)?.value ?? null, operand.names);
      case 'function': return await this.#call(operand.name, [], dot, scope, undefined);
      case 'pipe': return await this.#pipe(operand.pipe, dot, scope);
      case 'chain': return chain(await this.#operand(operand.base, dot, scope), operand.names);
      default: return assertNever(operand);
    }
  }

  #write(text: string): void {
    if (this.#text.length <= outputMax) this.#text += text;
  }

  #step(): void {
    if (++this.#steps > stepsMax) throw new SoraError('bad_template', `template: the template took more than ${stepsMax} steps`);
  }
}

/** An operand without its last field, which is then called as a method. */
function without(operand: Extract<Operand, { kind: 'field' | 'chain' | 'variable' }>): Operand {
  const names = operand.names.slice(0, -1);
  if (names.length > 0 || operand.kind === 'variable') return { ...operand, names };
  return operand.kind === 'chain' ? operand.base : { kind: 'dot' };
}

function find(scope: readonly Variable[], name: string): Variable | undefined {
  return scope.findLast((variable) => variable.name === name);
}

const chain = (value: GoValue, names: readonly string[]): GoValue => names.reduce((held, name) => field(held, name, []), value);

/** A field, a key of a map or a method. A key that is missing is the map's empty value. */
function field(receiver: GoValue, name: string, args: readonly GoValue[]): GoValue {
  if (receiver === null) return null;
  const result = callMethod(receiver, name, args);
  if (result !== undefined) return result;
  if (args.length > 0) throw new SoraError('bad_template', `${name} is not a method but has arguments`);
  const isObject = typeof receiver === 'object';
  if (isObject && receiver.kind === 'map') return receiver.entries.get(name) ?? (receiver.of === 'string' ? '' : null);
  const known = isObject && receiver.kind === 'data' ? receiver.fields.get(name) : undefined;
  if (known !== undefined) return known;
  if (isObject && receiver.kind === 'sample' && name === 'Labels') return receiver.labels;
  if (isObject && receiver.kind === 'sample' && name === 'Value') return receiver.value;
  throw new SoraError('bad_template', `can't evaluate field ${name} in type ${typeName(receiver)}`);
}

function elementsOf(value: GoValue, line: number, targets: number): readonly (readonly [GoValue, GoValue])[] {
  if (value === null) return [];
  if (typeof value === 'object' && value.kind === 'list') return value.items.map((item, at) => [int(at), item]);
  if (typeof value === 'object' && value.kind === 'map') return sortedEntries(value);
  if (typeof value === 'object' && value.kind === 'int') {
    if (targets > 1) throw templateError(line, `can't use ${plain(value)} to iterate over more than one variable`);
    if (value.value > stepsMax) throw templateError(line, `${value.value} rounds are more than ${stepsMax}`);
    return Array.from({ length: Math.max(0, value.value) }, (_, at) => [null, int(at)]);
  }
  throw templateError(line, `range can't iterate over ${plain(value)}`);
}

function fit(value: GoValue, known: TemplateFunction, at: number): void {
  const type = known.parameters[at] ?? known.rest ?? 'any';
  if (isOf(type, value)) return;
  const names: Readonly<Record<ParameterType, string>> = { any: 'any', string: 'string', sample: '*template.sample', list: 'template.queryResult' };
  throw new SoraError('bad_template', `wrong type for value; expected ${names[type]}; got ${typeName(value)}`);
}

function isOf(type: ParameterType, value: GoValue): boolean {
  switch (type) {
    case 'any': return true;
    case 'string': return typeof value === 'string';
    case 'sample': return typeof value === 'object' && value?.kind === 'sample';
    case 'list': return typeof value === 'object' && value?.kind === 'list';
    default: return assertNever(type);
  }
}
