import { childrenOf } from '../promql/expr.ts';
import type { Expr, Subquery } from '../promql/expr.ts';
import { formatPromql } from '../promql/format.ts';
import { parsePromql } from '../promql/parse.ts';
import { queryInstant } from '../promql/query.ts';
import type { SampleSource } from '../series.ts';
import type { EvalTime } from './eval-command.ts';
import type { ScriptSeries } from './script-series.ts';

/** Steps of a range case that are looked at; scripts have far fewer. */
const stepsMax = 1_000;

/**
 * Whether a selector of an expression reads a native histogram at the times of its case, however the expression goes on.
 * Each selector is asked alone, with numbers in place of the histograms and without: where the answers differ it does.
 */
export async function readsNative(series: ScriptSeries, text: string, time: EvalTime): Promise<boolean> {
  if (!series.hasNative) return false;
  const withStandIns = series.withStandIns();
  for (const probe of probesOf(text)) {
    for (const atMs of timesOf(time)) {
      const [plain, other] = await Promise.all([series.floats, withStandIns].map((source) => ask(source, probe, atMs)));
      if (plain !== other) return true;
    }
  }
  return false;
}

function timesOf(time: EvalTime): number[] {
  if (time.kind === 'instant') return [time.atMs];
  const count = Math.min(Math.floor((time.endMs - time.startMs) / time.stepMs) + 1, stepsMax);
  return Array.from({ length: count }, (_, index) => time.startMs + index * time.stepMs);
}

/** An answer as text; of an error, that it is one. */
async function ask(source: SampleSource, expr: string, atMs: number): Promise<string> {
  try {
    return JSON.stringify((await queryInstant(source, expr, atMs)).value, (_, value: unknown) => (typeof value === 'number' ? String(value) : value));
  } catch {
    return 'error';
  }
}

function probesOf(text: string): string[] {
  try {
    return probes(parsePromql(text), false).map((probe) => formatPromql(probe));
  } catch {
    return [];
  }
}

/** The parts of an expression that read series. Within a subquery a part must be a vector, so ranges are counted there. */
function probes(expr: Expr, isWithin: boolean): Expr[] {
  switch (expr.kind) {
    case 'selector': return [expr];
    case 'matrix': return [isWithin ? counted(expr) : expr];
    case 'subquery': return probes(expr.expr, true).map((part) => subqueryOf(expr, part)).map((part) => (isWithin ? counted(part) : part));
    default: return childrenOf(expr).flatMap((child) => probes(child, isWithin));
  }
}

const counted = (expr: Expr): Expr => ({ kind: 'call', name: 'count_over_time', args: [expr], position: expr.position });
const subqueryOf = (subquery: Subquery, part: Expr): Expr => ({ ...subquery, expr: { kind: 'paren', expr: part, position: part.position } });
