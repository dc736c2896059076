/** Makes the tree of an expression out of the grammar's, with Prometheus' precedence. */
import type { SyntaxNode } from '@lezer/common';
import { checkAggregation, checkBinary, checkCall, checkUnary } from './check.ts';
import type { Aggregation, AggregationOperator, Binary, BinaryOperator, Expr, Position, VectorMatching } from './expr.ts';
import { parameterOperators, setOperators } from './expr.ts';
import { signatureOf } from './function-signatures.ts';
import { parseNumber, quote } from './literals.ts';
import { applyPostfix } from './postfix.ts';
import { partsOf, readLabelNames, readSelector, readSignedNumber, readString } from './syntax-values.ts';
import { operatorsMax } from './syntax.ts';
import type { Source } from './syntax.ts';

/** One operand, sign, operator or suffix of an expression, in the order of the text. */
type Item =
  | { readonly kind: 'operand'; readonly expr: Expr }
  | { readonly kind: 'sign'; readonly operator: '+' | '-'; readonly start: number }
  | { readonly kind: 'infix'; readonly node: SyntaxNode; readonly operator: BinaryOperator }
  | { readonly kind: 'postfix'; readonly node: SyntaxNode };

const powerLevel = 6;
const levels: Readonly<Record<BinaryOperator, number>> = {
  or: 1, and: 2, unless: 2, '==': 3, '!=': 3, '<': 3, '<=': 3, '>': 3, '>=': 3, '+': 4, '-': 4, '*': 5, '/': 5, '%': 5, atan2: 5, '^': powerLevel,
};
const postfixes = new Set(['OffsetExpr', 'StepInvariantExpr', 'MatrixSelector', 'SubqueryExpr', 'AnchoredExpr', 'SmoothedExpr']);

/** @throws SoraError `bad_data` with line and column */
export function buildTree(source: Source): Expr {
  const [top] = partsOf(source.top);
  if (top === undefined) throw source.fail(0, 'no expression found in input');
  return buildExpr(source, top);
}

function buildExpr(source: Source, node: SyntaxNode): Expr {
  const items: Item[] = [];
  flatten(source, node, items);
  if (items.length > operatorsMax * 2 + 1) throw source.fail(node.from, `more than ${operatorsMax} operators in one expression`);
  return new Binder(source, items).bind(0);
}

/** Takes an expression apart, without recursion into what stands in brackets. */
function flatten(source: Source, node: SyntaxNode, items: Item[]): void {
  const parts = partsOf(node);
  const [first, second] = parts;
  const last = parts.at(-1);
  if (node.name === 'BinaryExpr' && first !== undefined && second !== undefined && last !== undefined) {
    const operator = source.textOf(second).toLowerCase();
    if (!Object.hasOwn(levels, operator)) throw source.fail(second.from, `unexpected ${quote(operator)}`);
    flatten(source, first, items);
    items.push({ kind: 'infix', node, operator: operator as BinaryOperator });
    flatten(source, last, items);
  } else if (node.name === 'UnaryExpr' && first !== undefined && second !== undefined) {
    items.push({ kind: 'sign', operator: source.textOf(first) === '-' ? '-' : '+', start: node.from });
    flatten(source, second, items);
  } else if (postfixes.has(node.name) && first !== undefined) {
    flatten(source, first, items);
    items.push({ kind: 'postfix', node });
  } else if (node.name === 'NumberDurationLiteral') {
    const [, sign = '', space = '', digits = ''] = /^([+-]?)(\s*)([^]*)$/.exec(source.textOf(node)) ?? [];
    if (sign !== '') items.push({ kind: 'sign', operator: sign === '-' ? '-' : '+', start: node.from });
    const number = parseNumber(digits);
    if (number.value === Infinity && !/^inf$/i.test(digits)) throw source.fail(node.from, `error parsing number: ${digits} is out of range`);
    items.push({ kind: 'operand', expr: { kind: 'number', ...number, position: source.positionOf(node.from + sign.length + space.length, node.to) } });
  } else items.push({ kind: 'operand', expr: buildOperand(source, node) });
}

/** Binds items by precedence climbing. */
class Binder {
  readonly #source: Source;
  readonly #items: readonly Item[];
  #next = 0;

  constructor(source: Source, items: readonly Item[]) {
    this.#source = source;
    this.#items = items;
  }

  bind(levelMin: number): Expr {
    let left = this.#prefixed();
    for (let item = this.#items[this.#next]; item?.kind === 'infix'; item = this.#items[this.#next]) {
      const level = levels[item.operator];
      if (level < levelMin) break;
      this.#next += 1;
      left = buildBinary(this.#source, item.node, item.operator, left, this.bind(level === powerLevel ? level : level + 1));
    }
    return left;
  }

  #prefixed(): Expr {
    const item = this.#items[this.#next];
    this.#next += 1;
    if (item?.kind === 'sign') return this.#signed(item.operator, item.start, this.bind(powerLevel));
    if (item?.kind !== 'operand') throw this.#source.fail(this.#source.text.length, 'unexpected end of input');
    let expr = item.expr;
    for (let suffix = this.#items[this.#next]; suffix?.kind === 'postfix'; suffix = this.#items[this.#next]) {
      this.#next += 1;
      expr = applyPostfix(this.#source, suffix.node, expr);
    }
    return expr;
  }

  /** A sign before a number is part of it. */
  #signed(operator: '+' | '-', start: number, expr: Expr): Expr {
    const position = this.#source.positionOf(start, expr.position.end);
    if (expr.kind === 'number') return { ...expr, value: operator === '-' ? -expr.value : expr.value, position };
    const unary = { kind: 'unary', operator, expr, position } as const;
    checkUnary(this.#source, unary);
    return unary;
  }
}

function buildOperand(source: Source, node: SyntaxNode): Expr {
  const position = source.positionOf(node.from, node.to);
  const [inner] = partsOf(node);
  switch (node.name) {
    case 'ParenExpr':
      if (inner === undefined) throw source.fail(node.from, 'unexpected ")"');
      return { kind: 'paren', expr: buildExpr(source, inner), position };
    case 'StringLiteral': return { kind: 'string', value: readString(source, node), position };
    case 'VectorSelector': return { kind: 'selector', ...readSelector(source, node), offsetMs: 0, at: undefined, position };
    case 'FunctionCall': return buildCall(source, node, position);
    case 'AggregateExpr': return buildAggregation(source, node, position);
    default: throw source.fail(node.from, `unexpected ${quote(source.textOf(node))}`);
  }
}

const buildArgs = (source: Source, body: SyntaxNode | undefined): Expr[] => (body === undefined ? [] : partsOf(body).map((arg) => buildExpr(source, arg)));

function buildCall(source: Source, node: SyntaxNode, position: Position): Expr {
  const [identifier, body] = partsOf(node);
  const name = identifier === undefined ? '' : source.functionNameOf(identifier);
  const signature = signatureOf(name);
  if (signature === undefined) throw source.fail(node.from, `unknown function with name ${quote(name)}`);
  const call = { kind: 'call', name, args: buildArgs(source, body), position } as const;
  checkCall(source, call, signature);
  return call;
}

function buildAggregation(source: Source, node: SyntaxNode, position: Position): Aggregation {
  const parts = partsOf(node);
  const modifier = parts.find(({ name }) => name === 'AggregateModifier');
  const [keyword, names] = modifier === undefined ? [] : partsOf(modifier);
  const operator = (parts[0] === undefined ? '' : source.textOf(parts[0]).toLowerCase()) as AggregationOperator;
  const args = buildArgs(source, parts.find(({ name }) => name === 'FunctionCallBody'));
  const wanted = parameterOperators.has(operator) ? 2 : 1;
  if (args.length === 0) throw source.fail(node.from, 'no arguments for aggregate expression provided');
  const expr = args.at(-1);
  if (args.length !== wanted || expr === undefined) throw source.fail(node.from, `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`);
  const aggregation: Aggregation = {
    kind: 'aggregation', operator, expr, parameter: wanted === 2 ? args[0] : undefined, isWithout: keyword?.name === 'Without',
    labels: names === undefined ? [] : readLabelNames(source, names), position,
  };
  checkAggregation(source, aggregation);
  return aggregation;
}

function buildBinary(source: Source, node: SyntaxNode, operator: BinaryOperator, left: Expr, right: Expr): Binary {
  const parts = partsOf(node);
  const binary: Binary = {
    kind: 'binary', operator, left, right, returnsBool: parts.some(({ name }) => name === 'BoolModifier'), matching: readMatching(source, parts, operator),
    position: source.positionOf(left.position.start, right.position.end),
  };
  return checkBinary(source, binary, parts[1]?.from ?? node.from);
}

function readMatching(source: Source, parts: readonly SyntaxNode[], operator: BinaryOperator): VectorMatching {
  const clause = parts.find(({ name }) => name === 'MatchingModifierClause');
  const [keyword, names, group, include] = clause === undefined ? [] : partsOf(clause);
  const fills = parts.find(({ name }) => name === 'FillModifier');
  const fillOf = (...names: string[]): number | undefined => {
    const fill = fills === undefined ? undefined : partsOf(fills).find(({ name }) => names.includes(name));
    const number = fill === undefined ? undefined : partsOf(fill).at(-1);
    return number === undefined ? undefined : readSignedNumber(source, number);
  };
  return {
    cardinality: group?.name === 'GroupLeft' ? 'many-to-one' : group?.name === 'GroupRight' ? 'one-to-many' : setOperators.has(operator) ? 'many-to-many' : 'one-to-one',
    isOn: keyword?.name === 'On',
    labels: names === undefined ? [] : readLabelNames(source, names),
    include: include === undefined ? [] : readLabelNames(source, include),
    fillLeft: fillOf('FillClause', 'FillLeftClause'),
    fillRight: fillOf('FillClause', 'FillRightClause'),
  };
}
