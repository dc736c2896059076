/** Reads the small parts of a concrete tree: durations, matchers, lists of labels. */
import type { SyntaxNode } from '@lezer/common';
import { messageOf } from '../../core/error.ts';
import { compileMatcher } from '../matchers.ts';
import type { Matcher, MatchOperator } from '../series.ts';
import { parseNumber, quote, unquote } from './literals.ts';
import type { Source } from './syntax.ts';

/** The children of a node, comments left out. */
export function partsOf(node: SyntaxNode): SyntaxNode[] {
  const parts: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) if (child.name !== 'LineComment') parts.push(child);
  return parts;
}

export function readString(source: Source, node: SyntaxNode): string {
  const text = source.textOf(node);
  try {
    return unquote(text);
  } catch (error) {
    throw source.fail(node.from, messageOf(error));
  }
}

/** A signed number, as `@` and `fill` take it. */
export function readSignedNumber(source: Source, node: SyntaxNode): number {
  const [, sign = '', digits = ''] = /^([+-]?)\s*([^]*)$/.exec(source.textOf(node)) ?? [];
  return (sign === '-' ? -1 : 1) * parseNumber(digits).value;
}

/** A duration or an arithmetic of durations, in ms. */
export function readDurationMs(source: Source, node: SyntaxNode): number {
  const seconds = durationSeconds(source, node);
  if (!(Math.abs(seconds) < 9_223_372_036)) throw source.fail(node.from, 'duration out of range');
  return Math.trunc(Math.round(seconds * 1e9) / 1e6);
}

/** A duration that must be positive: a range, or the step of a subquery. */
export function readRangeMs(source: Source, node: SyntaxNode): number {
  const rangeMs = readDurationMs(source, node);
  if (rangeMs <= 0) throw source.fail(node.from, 'duration must be greater than 0');
  return rangeMs;
}

function durationSeconds(source: Source, node: SyntaxNode): number {
  if (node.name === 'NumberDurationLiteralInDurationContext') return parseNumber(source.textOf(node)).value;
  const [first, second, third] = partsOf(node);
  if (first === undefined) throw source.fail(node.from, 'expected number literal or duration expression');
  if (first.name === 'UnaryOp' && second !== undefined) return (source.textOf(first) === '-' ? -1 : 1) * durationSeconds(source, second);
  if ((first.name === 'DurationMinOf' || first.name === 'DurationMaxOf') && second !== undefined && third !== undefined) {
    const both = [durationSeconds(source, second), durationSeconds(source, third)] as const;
    return first.name === 'DurationMinOf' ? Math.min(...both) : Math.max(...both);
  }
  if (first.name === 'DurationStep' || first.name === 'DurationRange') throw source.fail(node.from, 'step() and range() in durations are experimental and not supported; write the duration');
  if (second === undefined || third === undefined) return durationSeconds(source, first);
  return combine(source, second, durationSeconds(source, first), durationSeconds(source, third));
}

function combine(source: Source, operator: SyntaxNode, left: number, right: number): number {
  switch (operator.name) {
    case 'Add': return left + right;
    case 'Sub': return left - right;
    case 'Mul': return left * right;
    case 'Div':
      if (right === 0) throw source.fail(operator.from, 'division by zero');
      return left / right;
    case 'Mod':
      if (right === 0) throw source.fail(operator.from, 'modulo by zero');
      return left % right;
    default: return left ** right;
  }
}

/** Names in brackets, as `by (…)` takes them. */
export function readLabelNames(source: Source, node: SyntaxNode): string[] {
  return partsOf(node).map((part) => {
    const name = part.name === 'LabelName' ? source.textOf(part) : readString(source, part.firstChild ?? part);
    if (name === '' || !name.isWellFormed()) throw source.fail(part.from, `invalid label name for grouping: ${quote(name)}`);
    return name;
  });
}

/** A selector's name and its matchers, the one of the name first. */
export function readSelector(source: Source, node: SyntaxNode): { name: string; matchers: Matcher[] } {
  let name = '';
  const matchers: Matcher[] = [];
  for (const part of partsOf(node)) {
    if (part.name === 'Identifier') {
      name = source.textOf(part);
      // The grammar takes this operator for a name where it is none.
      if (name.toLowerCase() === 'atan2') throw source.fail(part.from, `unexpected ${quote(name)}`);
    }
    else for (const entry of partsOf(part)) {
      const [label, operator, value] = partsOf(entry);
      if (entry.name === 'QuotedLabelName' && label !== undefined) {
        const quoted = readString(source, label);
        if (name !== '') throw source.fail(node.from, `metric name must not be set twice: ${quote(name)} or ${quote(quoted)}`);
        name = quoted;
      } else if (label !== undefined && operator !== undefined && value !== undefined) {
        matchers.push(readMatcher(source, label, operator, value));
      }
    }
  }
  checkSelector(source, node, name, matchers);
  return { name, matchers: name === '' ? matchers : [{ name: '__name__', operator: '=', value: name }, ...matchers] };
}

function readMatcher(source: Source, label: SyntaxNode, operator: SyntaxNode, value: SyntaxNode): Matcher {
  const matcher: Matcher = {
    name: label.name === 'LabelName' ? source.textOf(label) : readString(source, label.firstChild ?? label),
    operator: source.textOf(operator) as MatchOperator,
    value: readString(source, value),
  };
  try {
    compileMatcher(matcher);
  } catch (error) {
    throw source.fail(value.from, messageOf(error));
  }
  return matcher;
}

function checkSelector(source: Source, node: SyntaxNode, name: string, matchers: readonly Matcher[]): void {
  const again = matchers.find((matcher) => matcher.name === '__name__');
  if (name !== '' && again !== undefined) throw source.fail(node.from, `metric name must not be set twice: ${quote(name)} or ${quote(again.value)}`);
  if (name === '' && matchers.every((matcher) => compileMatcher(matcher)(''))) throw source.fail(node.from, 'vector selector must contain at least one non-empty matcher');
}
