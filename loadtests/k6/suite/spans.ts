/** A stretch of time, ms since any one moment. */
export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * The time that spans cover together, in ms. What happens at the same time counts once: an operation whose
 * requests run at once serves as long as its longest chain of them, as in the engine, never longer than it takes.
 */
export function coveredMs(spans: readonly Span[]): number {
  let covered = 0;
  let untilMs = Number.NEGATIVE_INFINITY;
  for (const span of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    covered += Math.max(0, span.untilMs - Math.max(span.fromMs, untilMs));
    untilMs = Math.max(untilMs, span.untilMs);
  }
  return covered;
}
