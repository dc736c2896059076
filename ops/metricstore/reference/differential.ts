import type { MemorySource } from '../memory-source.ts';
import { queryInstant, queryRange } from '../promql/query.ts';
import { differenceOf, fromApi, fromEngine } from './answer.ts';
import type { ReferencePrometheus } from './prometheus.ts';
import { isOrdered } from './random-expression.ts';
import type { RandomQuery } from './random-expression.ts';

const seconds = (timeMs: number): string => (timeMs / 1_000).toFixed(3);

/** Asks both; what differs, or undefined when nothing does. */
export async function compareEngines(reference: ReferencePrometheus, source: MemorySource, query: RandomQuery): Promise<string | undefined> {
  const { expr, startMs, steps, stepMs } = query;
  const endMs = startMs + steps * stepMs;
  const [theirs, ours] = steps === 0
    ? await Promise.all([reference.ask('query', { query: expr, time: seconds(startMs) }), fromEngine(() => queryInstant(source, expr, startMs))])
    : await Promise.all([
      reference.ask('query_range', { query: expr, start: seconds(startMs), end: seconds(endMs), step: seconds(stepMs) }),
      fromEngine(() => queryRange(source, expr, { startMs, endMs, stepMs })),
    ]);
  return differenceOf(fromApi(theirs), ours, { isOrdered: isOrdered(query), hasNestedSubquery: (expr.match(/\[[^\]]*:/g) ?? []).length > 1 });
}
