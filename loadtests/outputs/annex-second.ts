import { Histogram } from '../swarm/histogram.ts';
import type { CheckSample, LiveView, NamesBeyond, SparseHistogram, TagSample, WorkerTick } from '../swarm/measurement.ts';
import { sumChecks } from '../swarm/journey/checks.ts';
import { arrivalsQueuedOf, namesBeyondOf } from '../report/tagged.ts';

/** Tags, and checks of an operation, kept apart; what comes beyond counts as `(other)`, so that no label set grows without end. */
const tagsMax = 500;
const checksMax = 1_000;
const other = '(other)';

/** What was done under one tag in one second, over all operations and phases. */
export interface TagSecond {
  readonly name: string;
  readonly value: string;
  readonly total: number;
  readonly failed: number;
  readonly refused: number;
  readonly requests: number;
  readonly requestsFailed: number;
  /** µs, as is the other. */
  readonly response: SparseHistogram;
  readonly requestDuration: SparseHistogram;
}

export type CheckSecond = Pick<CheckSample, 'name' | 'op' | 'total' | 'failed'>;

/** What a second holds besides its operations; each only where there is any. */
export interface AnnexSecond {
  readonly tags?: readonly TagSecond[];
  readonly checks?: readonly CheckSecond[];
  /** Since the run began, as is the other. */
  readonly arrivalsQueued?: number;
  readonly namesBeyond?: NamesBeyond;
}

/** Adds up what workers report by tag and check, second by second. */
export class AnnexCollector {
  readonly #open = new Map<number, { readonly tags: TagSample[]; readonly checks: CheckSample[] }>();
  readonly #tags = new Set<string>();
  readonly #checks = new Set<string>();

  /** @param at the second that it counts in */
  add(at: number, { tags = [], checks = [] }: Pick<WorkerTick, 'tags' | 'checks'>): void {
    if (tags.length === 0 && checks.length === 0) return;
    const open = this.#open.get(at);
    if (open === undefined) this.#open.set(at, { tags: [...tags], checks: [...checks] });
    else {
      open.tags.push(...tags);
      open.checks.push(...checks);
    }
  }

  /** Takes a second out once it is closed. */
  close(second: number, workers: LiveView['workers']): AnnexSecond {
    const { tags, checks } = this.#open.get(second) ?? { tags: [], checks: [] };
    this.#open.delete(second);
    const arrivalsQueued = arrivalsQueuedOf(workers);
    return {
      ...(tags.length === 0 ? {} : { tags: this.#joinTags(tags) }),
      ...(checks.length === 0 ? {} : { checks: this.#joinChecks(checks) }),
      ...(arrivalsQueued === undefined ? {} : { arrivalsQueued }),
      ...(workers.length === 0 ? {} : { namesBeyond: namesBeyondOf(workers) }),
    };
  }

  #joinTags(samples: readonly TagSample[]): TagSecond[] {
    const byTag = Map.groupBy(samples, ({ name, value }) => {
      const key = JSON.stringify([name, value]);
      return keeps(this.#tags, key, tagsMax) ? key : JSON.stringify([other, other]);
    });
    return [...byTag].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, parts]): TagSecond => {
      const [name, value] = JSON.parse(key) as [string, string];
      const sum = (of: 'total' | 'failed' | 'refused' | 'requests' | 'requestsFailed'): number => parts.reduce((all, part) => all + part[of], 0);
      return {
        name, value, total: sum('total'), failed: sum('failed'), refused: sum('refused'), requests: sum('requests'), requestsFailed: sum('requestsFailed'),
        response: joined(parts.map(({ times }) => times.response)), requestDuration: joined(parts.map(({ requestDuration }) => requestDuration)),
      };
    });
  }

  #joinChecks(samples: readonly CheckSample[]): CheckSecond[] {
    // Of whichever phase: a second belongs to one, what was due before it and ended in it too.
    const kept = samples.map((sample): CheckSample => {
      const room = keeps(this.#checks, JSON.stringify([sample.name, sample.op]), checksMax);
      return { ...sample, phase: 'hold', ...(room ? {} : { name: other, op: other }) };
    });
    return sumChecks(kept).map(({ name, op, total, failed }) => ({ name, op, total, failed }));
  }
}

/** Whether a name is kept apart; takes it up while there is room. */
function keeps(known: Set<string>, name: string, most: number): boolean {
  if (known.has(name)) return true;
  if (known.size >= most) return false;
  known.add(name);
  return true;
}

function joined(parts: readonly SparseHistogram[]): SparseHistogram {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Histogram.fromSparse(...parts).encode();
}
