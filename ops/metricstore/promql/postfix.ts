/** Suffixes of selectors and subqueries: ranges, `offset` and `@`. */
import type { SyntaxNode } from '@lezer/common';
import { SoraError } from '../../core/error.ts';
import type { AtModifier, Expr, MatrixSelector, Subquery, VectorSelector } from './expr.ts';
import { partsOf, readDurationMs, readRangeMs, readSignedNumber } from './syntax-values.ts';
import type { Source } from './syntax.ts';
import { valueTypeOf } from './value-type.ts';

/** Applies one suffix of the grammar to the operand before it. */
export function applyPostfix(source: Source, node: SyntaxNode, expr: Expr): Expr {
  const [, ...parts] = partsOf(node);
  const position = source.positionOf(expr.position.start, node.to);
  switch (node.name) {
    case 'MatrixSelector': return withRange(source, expr, parts[0], node.to);
    case 'SubqueryExpr': return withSubquery(source, expr, parts, node.to);
    case 'OffsetExpr': {
      const duration = parts.at(-1);
      return shift(source, expr, 'offset', node.to, (target) => {
        if (isOffset(target)) throw source.fail(expr.position.start, 'offset may not be set multiple times');
        return { ...target, offsetMs: duration === undefined ? 0 : readDurationMs(source, duration) };
      });
    }
    case 'StepInvariantExpr': {
      const at = readAt(source, parts.at(-1), expr);
      return shift(source, expr, '@', node.to, (target) => {
        if (target.at !== undefined) throw source.fail(expr.position.start, '@ <timestamp> may not be set multiple times');
        return { ...target, at };
      });
    }
    case 'AnchoredExpr': case 'SmoothedExpr': throw source.fail(position.start, `${node.name === 'AnchoredExpr' ? 'anchored' : 'smoothed'} modifier is experimental and not enabled`);
    default: throw new SoraError('unreachable', `no suffix ${node.name}`);
  }
}

const isOffset = (target: VectorSelector | Subquery): boolean => target.offsetMs !== 0;

function readAt(source: Source, node: SyntaxNode | undefined, expr: Expr): AtModifier {
  if (node?.name === 'AtModifierPreprocessors') return { kind: source.textOf(node).toLowerCase().startsWith('start') ? 'start' : 'end' };
  const seconds = node === undefined ? Number.NaN : readSignedNumber(source, node);
  if (!(Math.abs(seconds) < 9.2e15)) throw source.fail(expr.position.start, `timestamp out of bounds for @ modifier: ${seconds}`);
  return { kind: 'time', atMs: Math.round(seconds * 1_000) };
}

function withRange(source: Source, expr: Expr, duration: SyntaxNode | undefined, end: number): MatrixSelector {
  if (expr.kind !== 'selector' || duration === undefined) throw source.fail(expr.position.start, 'ranges only allowed for vector selectors');
  if (isOffset(expr)) throw source.fail(expr.position.start, 'no offset modifiers allowed before range');
  if (expr.at !== undefined) throw source.fail(expr.position.start, 'no @ modifiers allowed before range');
  return { kind: 'matrix', selector: expr, rangeMs: readRangeMs(source, duration), position: source.positionOf(expr.position.start, end) };
}

function withSubquery(source: Source, expr: Expr, [range, step]: readonly SyntaxNode[], end: number): Subquery {
  const type = valueTypeOf(expr);
  if (type !== 'vector' || range === undefined) throw source.fail(expr.position.start, `subquery is only allowed on instant vector, got ${type} instead`);
  return {
    kind: 'subquery', expr, rangeMs: readRangeMs(source, range), stepMs: step === undefined ? undefined : readRangeMs(source, step),
    offsetMs: 0, at: undefined, position: source.positionOf(expr.position.start, end),
  };
}

/** Moves a selector, the selector of a range, or a subquery in time. */
function shift(source: Source, expr: Expr, modifier: string, end: number, move: <Target extends VectorSelector | Subquery>(target: Target) => Target): Expr {
  const position = source.positionOf(expr.position.start, end);
  if (expr.kind === 'selector' || expr.kind === 'subquery') return { ...move(expr), position };
  if (expr.kind === 'matrix') return { ...expr, selector: move(expr.selector), position };
  throw source.fail(expr.position.start, `${modifier === '@' ? '@' : 'offset'} modifier must be preceded by an instant vector selector or range vector selector or a subquery`);
}
