/** `rate`, `increase`, `delta`, `irate` and `idelta`, after promql/functions.go (`extrapolatedRate`, `instantValue`). */
import type { WindowFunction, Window } from './windows.ts';

interface RateKind {
  /** Whether falls are resets to 0. */
  readonly isCounter: boolean;
  /** Whether the result is per second. */
  readonly isRate: boolean;
}

/** Half an average interval is added at an end that is further away than this many of them. */
const extrapolationFactor = 1.1;

/**
 * The change over a window, extrapolated to its ends: fully where the first and last sample are within 1.1 average
 * intervals of them, else by half an interval; a counter never to below 0.
 */
export function extrapolated(kind: RateKind): WindowFunction {
  /** Indices of samples below the one before, of the series at hand. */
  const resets: number[] = [];
  let firstReset = 0;
  return {
    start: ({ values }) => {
      resets.length = 0;
      firstReset = 0;
      if (!kind.isCounter) return;
      for (let index = 1; index < values.length; index += 1) if ((values[index] ?? 0) < (values[index - 1] ?? 0)) resets.push(index);
    },
    apply: (window) => {
      const { from, to, values } = window;
      if (to - from < 2) return false;
      let change = (values[to - 1] ?? 0) - (values[from] ?? 0);
      // Windows come in order of time, so resets before this one are never needed again.
      while (firstReset < resets.length && (resets[firstReset] ?? 0) <= from) firstReset += 1;
      for (let next = firstReset; next < resets.length && (resets[next] ?? 0) < to; next += 1) change += values[(resets[next] ?? 0) - 1] ?? 0;
      window.result = change * factorOf(window, change, kind);
      return true;
    },
  };
}

function factorOf({ timestampsMs, values, from, to, startMs, endMs }: Window, change: number, { isCounter, isRate }: RateKind): number {
  const firstMs = timestampsMs[from] ?? 0;
  const lastMs = timestampsMs[to - 1] ?? 0;
  const sampledS = (lastMs - firstMs) / 1_000;
  const averageS = sampledS / (to - from - 1);
  const threshold = averageS * extrapolationFactor;
  let toStartS = (firstMs - startMs) / 1_000;
  let toEndS = (endMs - lastMs) / 1_000;
  if (toStartS >= threshold) toStartS = averageS / 2;
  const first = values[from] ?? 0;
  if (isCounter && change > 0 && first >= 0) {
    const toZeroS = sampledS * (first / change);
    if (toZeroS < toStartS) toStartS = toZeroS;
  }
  if (toEndS >= threshold) toEndS = averageS / 2;
  const factor = (sampledS + toStartS + toEndS) / sampledS;
  return isRate ? factor / ((endMs - startMs) / 1_000) : factor;
}

/** The change between the last two samples of a window; per second, with resets, for `irate`. */
export function lastChange(isRate: boolean): WindowFunction {
  return {
    apply: (window) => {
      const { from, to, values, timestampsMs } = window;
      if (to - from < 2) return false;
      const last = values[to - 1] ?? 0;
      const before = values[to - 2] ?? 0;
      const change = isRate && last < before ? last : last - before;
      const passedMs = (timestampsMs[to - 1] ?? 0) - (timestampsMs[to - 2] ?? 0);
      if (passedMs === 0) return false;
      window.result = isRate ? change / (passedMs / 1_000) : change;
      return true;
    },
  };
}
