/** The newest samples of every series, uncompressed, and the way back to the older ones. Columns by id of the series. */
import { createColumn, setMissing, setStale, setValue } from './chunk-codec.ts';
import type { Column } from './chunk-codec.ts';
import type { Segments } from './segments.ts';
import type { Timeline } from './timeline.ts';

/** Samples of a head: 5 min 20 s at one every 5 s, so that what rules read is mostly here. */
export const headLength = 64;
/** Series whose heads lie in one buffer. */
const blockSeries = 1_024;
/** Scrapes without a sample of the series that are noted as such; a longer gap begins a new chunk. */
const gapMax = 8;

export type WriteOutcome = 'written' | 'duplicate' | 'out_of_order';

export class SeriesTable {
  readonly #segments: Segments;
  readonly #blocks: Column[] = [];
  /** Address of the newest chunk, 0 where there is none. */
  readonly chunk: Float64Array;
  /** Time of the newest sample or marker. */
  readonly lastMs: Float64Array;
  readonly headTimeline: (Timeline | undefined)[];
  readonly headTick: Uint32Array;
  readonly headCount: Uint8Array;
  /** At which count the head is sealed: not the same for all, so that they are not all sealed at one scrape. */
  readonly #sealAt: Uint8Array;
  /** 1 where the newest is a staleness marker. */
  readonly ended: Uint8Array;
  readonly headHasMarks: Uint8Array;

  constructor(segments: Segments, seriesMax: number) {
    this.#segments = segments;
    this.chunk = new Float64Array(seriesMax);
    this.lastMs = new Float64Array(seriesMax);
    this.headTimeline = [];
    this.headTick = new Uint32Array(seriesMax);
    this.headCount = new Uint8Array(seriesMax);
    this.#sealAt = new Uint8Array(seriesMax);
    this.ended = new Uint8Array(seriesMax);
    this.headHasMarks = new Uint8Array(seriesMax);
  }

  /** Prepares the row of a series that is new. */
  open(id: number): void {
    this.chunk[id] = 0;
    this.lastMs[id] = Number.NEGATIVE_INFINITY;
    this.headTimeline[id] = undefined;
    this.headCount[id] = 0;
    this.ended[id] = 0;
    const block = Math.floor(id / blockSeries);
    while (this.#blocks.length <= block) this.#blocks.push(createColumn(blockSeries * headLength));
  }

  /** The buffer in which the head of a series lies, from `headStart` on. */
  headColumn(id: number): Column {
    const column = this.#blocks[Math.floor(id / blockSeries)];
    if (column === undefined) throw new RangeError(`series ${id} was never opened`);
    return column;
  }

  headStart(id: number): number {
    return (id % blockSeries) * headLength;
  }

  /** @param isMarker writes a staleness marker instead of the value */
  write(id: number, timeline: Timeline, tick: number, atMs: number, value: number, isMarker: boolean): WriteOutcome {
    const lastMs = this.lastMs[id] ?? 0;
    if (atMs <= lastMs) return atMs === lastMs ? 'duplicate' : 'out_of_order';
    let count = this.headCount[id] ?? 0;
    if (count === 0) {
      this.#start(id, timeline, tick, true);
    } else {
      const gap = tick - (this.headTick[id] ?? 0) - count;
      if (this.headTimeline[id] !== timeline || gap > gapMax || count + gap >= (this.#sealAt[id] ?? 0)) {
        const isFull = this.headTimeline[id] === timeline && gap === 0;
        this.seal(id);
        this.#start(id, timeline, tick, !isFull);
        count = 0;
      } else if (gap > 0) {
        this.#skip(id, count, gap);
        count += gap;
      }
    }
    const column = this.headColumn(id);
    const at = this.headStart(id) + count;
    if (isMarker) {
      setStale(column, at);
      this.headHasMarks[id] = 1;
    } else {
      setValue(column, at, value);
    }
    this.ended[id] = isMarker ? 1 : 0;
    this.headCount[id] = count + 1;
    this.lastMs[id] = atMs;
    return 'written';
  }

  /** Compresses what the head holds. */
  seal(id: number): void {
    const count = this.headCount[id] ?? 0;
    const timeline = this.headTimeline[id];
    if (count === 0 || timeline === undefined) return;
    this.chunk[id] = this.#segments.append(this.chunk[id] ?? 0, timeline.id, this.headTick[id] ?? 0, this.headColumn(id), this.headStart(id), count, this.lastMs[id] ?? 0);
    this.headCount[id] = 0;
  }

  #start(id: number, timeline: Timeline, tick: number, isIrregular: boolean): void {
    this.headTimeline[id] = timeline;
    this.headTick[id] = tick;
    this.headHasMarks[id] = 0;
    this.#sealAt[id] = isIrregular ? 16 + ((id * 7919) % (headLength - 15)) : headLength;
  }

  #skip(id: number, count: number, gap: number): void {
    const column = this.headColumn(id);
    const at = this.headStart(id) + count;
    for (let index = 0; index < gap; index++) setMissing(column, at + index);
    this.headHasMarks[id] = 1;
  }
}
