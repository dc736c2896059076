import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Host } from '../../ops/core/host.ts';
import { whyNotWhole } from '../report/compare/comparable.ts';
import { summarySchema } from '../report/summary-schema.ts';
import type { Summary } from '../report/summary-schema.ts';

/** Runs of one kind, and kinds, whose figures outlast their reports: at some 10 kB each at most 200 MB. */
export const historyLimits = { runsOfKind: 200, kinds: 100 } as const;

/**
 * The figures of runs whose reports are gone, so that what runs of one kind show over months does not end where runs of
 * another push them out: `KIND/STARTED_RUN.json`, summaries without their series. Of a kind the newest 200 stay, of kinds
 * the 100 that had a run last.
 */
export class RunHistory {
  readonly #host: Host;
  readonly #folder: string;

  constructor(host: Host, folder: string) {
    this.#host = host;
    this.#folder = folder;
  }

  /** Keeps what a trend follows of a run; of a share nothing, since no trend follows those. */
  keep(summary: Summary): void {
    if (whyNotWhole(summary) !== undefined) return;
    const { files } = this.#host;
    const kind = join(this.#folder, kindOf(summary));
    files.makeFolder(kind);
    files.writeText(join(kind, `${summary.startedAt.replaceAll(/[^0-9TZ]/g, '-')}_${summary.runId}.json`), `${JSON.stringify(withoutSeries(summary))}\n`);
    for (const name of this.#namesOf(kind).slice(historyLimits.runsOfKind)) files.remove(join(kind, name));
    this.#dropKinds();
  }

  /** All kept, of one scenario or of all; what cannot be read is left out. */
  list(scenario?: string): Summary[] {
    return this.#kinds()
      .filter((kind) => scenario === undefined || kind.startsWith(`${slugOf(scenario)}-`))
      .flatMap((kind) => this.#namesOf(join(this.#folder, kind)).flatMap((name) => this.#read(join(this.#folder, kind, name)) ?? []));
  }

  /** Forgets a run; whether it was there. */
  remove(runId: string): boolean {
    // The time before the first underscore has none.
    const isRun = (name: string): boolean => name.slice(name.indexOf('_') + 1) === `${runId}.json`;
    const found = this.#kinds().flatMap((kind) => this.#namesOf(join(this.#folder, kind)).filter(isRun).map((name) => join(this.#folder, kind, name)));
    for (const path of found) this.#host.files.remove(path);
    return found.length > 0;
  }

  #kinds(): string[] {
    return this.#host.files.list(this.#folder);
  }

  /** The newest first: names begin with the time. */
  #namesOf(kind: string): string[] {
    return this.#host.files.list(kind).toSorted().toReversed();
  }

  #dropKinds(): void {
    const kinds = this.#kinds();
    if (kinds.length <= historyLimits.kinds) return;
    const byNewest = kinds.toSorted((a, b) => ((this.#namesOf(join(this.#folder, a))[0] ?? '') < (this.#namesOf(join(this.#folder, b))[0] ?? '') ? 1 : -1));
    for (const kind of byNewest.slice(historyLimits.kinds)) this.#host.files.remove(join(this.#folder, kind));
  }

  #read(path: string): Summary | undefined {
    try {
      return summarySchema.parse(JSON.parse(this.#host.files.readText(path)));
    } catch {
      return undefined;
    }
  }
}

const slugOf = (scenario: string): string => scenario.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').slice(0, 40);

/** Runs that differ in these have nothing to do with each other. */
function kindOf({ scenario, users, thinkTime, arrival, pace }: Summary): string {
  const hash = createHash('sha256').update(JSON.stringify([scenario, users, thinkTime, arrival ?? null, pace])).digest('hex');
  return `${slugOf(scenario)}-${hash.slice(0, 12)}`;
}

/** What grows with the length of a run is in its report, and went with it. */
function withoutSeries(summary: Summary): Summary {
  const { comparison: _, resources: __, ...rest } = summary;
  return { ...rest, series: [], slowest: [], ranges: [], distribution: [], sampledUser: null, errors: summary.errors.slice(0, 10) };
}
