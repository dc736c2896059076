/** Reads samples of several series into buffers that they share. */
import { tooManySamples } from '../limit-samples.ts';
import type { Labels, SeriesSamples, TimeSpan } from '../series.ts';
import { createColumn, decodeChunk, isMissing, isStale } from './chunk-codec.ts';
import type { Column } from './chunk-codec.ts';
import { createChunkHead } from './segments.ts';
import type { Segments } from './segments.ts';
import type { SeriesTable } from './series-table.ts';
import type { Timeline } from './timeline.ts';

/** What reading needs of a store. */
export interface Readable {
  readonly table: SeriesTable;
  readonly segments: Segments;
  /** Undefined for one that was dropped. */
  timelineOf(id: number): Timeline | undefined;
  labels(id: number): Labels;
}

const head = createChunkHead();

/** What is to be read of one series: chunks, newest first, and whether the head. */
interface Plan {
  readonly id: number;
  readonly chunks: number[];
  readonly readsHead: boolean;
  readonly count: number;
  /** Whether a sample lies in the span for sure, without decoding. */
  readonly isCertain: boolean;
}

/**
 * The samples and markers of these series in the span; series without any are left out.
 * @param samplesMax how many may be decoded: chunks are decoded whole, so up to 128 a series more than lie in the span
 * @param readIds is given the ids of those that are not
 * @throws SoraError `execution` (422) where there are more, before any is decoded
 */
export function readSamples(store: Readable, ids: readonly number[], span: TimeSpan, { samplesMax = Number.POSITIVE_INFINITY, readIds }: { readonly samplesMax?: number | undefined; readonly readIds?: number[] } = {}): SeriesSamples[] {
  const plans: Plan[] = [];
  let total = 0;
  for (const id of ids) {
    const plan = planOf(store, id, span);
    if (plan.count === 0) continue;
    plans.push(plan);
    total += plan.count;
    if (total > samplesMax) throw tooManySamples(samplesMax);
  }
  const column = createColumn(total);
  const times = new Float64Array(total);
  const read: SeriesSamples[] = [];
  let at = 0;
  for (const plan of plans) {
    const samples = readOne(store, plan, column, times, at, span);
    if (samples !== undefined) {
      read.push(samples);
      readIds?.push(plan.id);
    }
    at += plan.count;
  }
  return read;
}

/** Whether a series has a sample or marker in the span: by its newest and by the times of chunks, of which at most one is decoded. */
export function hasSamples(store: Readable, id: number, span: TimeSpan): boolean {
  const lastMs = store.table.lastMs[id] ?? Number.NEGATIVE_INFINITY;
  if (lastMs < span.fromMs) return false;
  if (lastMs <= span.toMs) return true;
  const plan = planOf(store, id, span, true);
  return plan.count > 0 && (plan.isCertain || readSamples(store, [id], span).length > 0);
}

/** @param endsWhenCertain looks no further once a sample in the span is found */
function planOf(readable: Readable, id: number, { fromMs, toMs }: TimeSpan, endsWhenCertain = false): Plan {
  const { table, segments } = readable;
  const chunks: number[] = [];
  if ((table.lastMs[id] ?? Number.NEGATIVE_INFINITY) < fromMs) return { id, chunks, readsHead: false, count: 0, isCertain: false };
  const headCount = table.headCount[id] ?? 0;
  const headFromMs = headCount === 0 ? Number.POSITIVE_INFINITY : (table.headTimeline[id]?.timeMs(table.headTick[id] ?? 0) ?? 0);
  const readsHead = headFromMs <= toMs;
  let count = readsHead ? headCount : 0;
  let isCertain = readsHead && headFromMs >= fromMs;
  let address = headFromMs <= fromMs ? 0 : (table.chunk[id] ?? 0);
  if (isCertain && endsWhenCertain) address = 0;
  while (address !== 0 && segments.read(address, head)) {
    const timeline = readable.timelineOf(head.timeline);
    const last = head.firstTick + head.count - 1;
    if (timeline === undefined || timeline.timeMs(last) < fromMs) break;
    const startMs = timeline.timeMs(head.firstTick);
    if (startMs <= toMs) {
      chunks.push(address);
      count += head.count;
      // A chunk begins with a sample.
      if (startMs >= fromMs) isCertain = true;
    }
    if (startMs <= fromMs || (isCertain && endsWhenCertain)) break;
    address = head.previous;
  }
  return { id, chunks, readsHead, count, isCertain };
}

function readOne(store: Readable, plan: Plan, column: Column, times: Float64Array, start: number, { fromMs, toMs }: TimeSpan): SeriesSamples | undefined {
  const { table, segments } = store;
  const { id } = plan;
  let end = start;
  let hasMarks = false;
  for (let index = plan.chunks.length - 1; index >= 0; index--) {
    segments.read(plan.chunks[index] ?? 0, head);
    const timeline = store.timelineOf(head.timeline);
    if (timeline === undefined) continue;
    if (decodeChunk(head.bytes, head.at, head.count, column, end)) hasMarks = true;
    timeline.copyTimes(head.firstTick, head.count, times, end);
    end += head.count;
  }
  const headTimeline = table.headTimeline[id];
  if (plan.readsHead && headTimeline !== undefined) {
    const count = table.headCount[id] ?? 0;
    const from = table.headStart(id);
    column.values.set(table.headColumn(id).values.subarray(from, from + count), end);
    headTimeline.copyTimes(table.headTick[id] ?? 0, count, times, end);
    if ((table.headHasMarks[id] ?? 0) === 1) hasMarks = true;
    end += count;
  }
  const first = firstFrom(times, start, end, fromMs);
  let last = firstFrom(times, first, end, toMs);
  while (last < end && times[last] === toMs) last++;
  const stale = hasMarks ? separateMarks(column, times, first, last) : undefined;
  if (stale !== undefined) last = first + stale.length;
  if (first === last) return undefined;
  const timestampsMs = times.subarray(first, last);
  const values = column.values.subarray(first, last);
  return { labels: store.labels(id), timestampsMs, values, ...(stale?.includes(1) === true ? { stale } : {}) };
}

/** Moves samples together over gaps; answers for each whether it is a marker. */
function separateMarks(column: Column, times: Float64Array, first: number, last: number): Uint8Array {
  const stale = new Uint8Array(last - first);
  let into = first;
  for (let from = first; from < last; from++) {
    if (isMissing(column, from)) continue;
    if (isStale(column, from)) {
      stale[into - first] = 1;
      column.values[into] = Number.NaN;
    } else {
      column.values[into] = column.values[from] ?? 0;
    }
    times[into] = times[from] ?? 0;
    into++;
  }
  return stale.subarray(0, into - first);
}

/** The first place whose time is not before `atMs`. */
function firstFrom(times: Float64Array, from: number, to: number, atMs: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
