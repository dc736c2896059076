/** A level over time in straight pieces: users at work, or arrivals a second. */
export interface Segment {
  readonly fromMs: number;
  readonly toMs: number;
  /** Level at its beginning and its end. */
  readonly from: number;
  readonly to: number;
}

/** Chains stages: each goes in a straight line from the level before it to its own; one without length jumps there. */
export function segmentsOf(stages: readonly { readonly level: number; readonly durationMs: number }[], startLevel: number): Segment[] {
  let atMs = 0;
  let level = startLevel;
  return stages.map((stage) => {
    const segment = { fromMs: atMs, toMs: atMs + stage.durationMs, from: level, to: stage.level };
    atMs = segment.toMs;
    level = stage.level;
    return segment;
  });
}

/** The level at a time; at a jump the one after it, 0 beyond the ends. */
export function levelAt(segments: readonly Segment[], atMs: number): number {
  const segment = segments.find(({ fromMs, toMs }) => atMs >= fromMs && atMs < toMs);
  if (segment === undefined) return 0;
  const { fromMs, toMs, from, to } = segment;
  return from + ((to - from) * (atMs - fromMs)) / (toMs - fromMs);
}

/** The level's integral over a piece, level × ms. */
export function areaOf({ fromMs, toMs, from, to }: Segment): number {
  return ((from + to) / 2) * (toMs - fromMs);
}

/** The highest level of pieces that last; 0 without any. */
export function highestOf(segments: readonly Segment[]): number {
  return Math.max(0, ...segments.filter(({ fromMs, toMs }) => toMs > fromMs).flatMap(({ from, to }) => [from, to]));
}

/** When the integral from the beginning reaches what it is asked for, which must not decrease; infinite beyond the total. */
export class AreaClock {
  readonly #segments: readonly Segment[];
  #at = 0;
  #before = 0;

  constructor(segments: readonly Segment[]) {
    this.#segments = segments;
  }

  /** @param area level × ms */
  timeOf(area: number): number {
    for (; this.#at < this.#segments.length; this.#at++) {
      const segment = this.#segments[this.#at]!;
      const own = areaOf(segment);
      const rest = area - this.#before;
      if (rest < own) return segment.fromMs + timeWithin(segment, rest);
      this.#before += own;
    }
    return Number.POSITIVE_INFINITY;
  }
}

/** Solves from·t + slope·t²/2 = area in the form that stays exact when the slope is small. */
function timeWithin({ fromMs, toMs, from, to }: Segment, area: number): number {
  if (area <= 0) return 0;
  const slope = (to - from) / (toMs - fromMs);
  return (2 * area) / (from + Math.sqrt(Math.max(0, from * from + 2 * slope * area)));
}

/** A time in which a level stays above a height. */
export interface Presence {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The first time after `afterMs`, or around it, in which the level is above a height; undefined without one. */
export function presenceAfter(segments: readonly Segment[], height: number, afterMs: number): Presence | undefined {
  let found: Presence | undefined;
  for (const segment of segments) {
    const above = aboveIn(segment, height);
    if (above === undefined) continue;
    if (found !== undefined && above.fromMs === found.toMs) found = { fromMs: found.fromMs, toMs: above.toMs };
    else if (found === undefined || found.toMs <= afterMs) found = above;
    else break;
  }
  return found !== undefined && found.toMs > afterMs ? found : undefined;
}

function aboveIn({ fromMs, toMs, from, to }: Segment, height: number): Presence | undefined {
  if (toMs <= fromMs || (from <= height && to <= height)) return undefined;
  const crossingMs = fromMs + ((height - from) / (to - from)) * (toMs - fromMs);
  if (from <= height) return { fromMs: crossingMs, toMs };
  return { fromMs, toMs: to <= height ? crossingMs : toMs };
}
