import { join } from 'node:path';
import { invalidConfig } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { runBlocksSchema } from '../report/blocks.ts';
import type { RunBlocks } from '../report/blocks.ts';
import { renderReport } from '../report/html.ts';
import { renderJunit } from '../report/junit.ts';
import { summarySchema } from '../report/summary-schema.ts';
import type { Summary } from '../report/summary-schema.ts';
import { RunHistory } from './history.ts';

const runsMax = 50;
const sizeMaxBytes = 5e9;
/** A folder without a summary is a run under way until it is older than any: a search takes a day at most. */
const underWayMaxMs = 2 * 86_400_000;
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** What runs write into their folders, also while they write it. */
const ownPattern = /^((summary|share|blocks|capacity)\.json|junit\.xml|(report|capacity)\.html|probes)\b/;

/** Of the run itself, before all that is inside of it. */
const startedAtPattern = /^ {0,2}"startedAt": ?"([^"]+)"/m;

/** A run as `load ls` shows it. */
export interface StoredRun {
  readonly id: string;
  readonly sizeBytes: number;
  readonly summary: Summary;
}

/** Keeps runs in folders of their own: report.html, summary.json, junit.xml, blocks.json; `latest` is the newest. */
export class RunStore {
  readonly folder: string;
  readonly #host: Host;
  readonly #history: RunHistory;

  /** @param folder such as `.sora/runs` */
  constructor(host: Host, folder: string) {
    this.#host = host;
    this.folder = folder;
    // No run id begins with a dot.
    this.#history = new RunHistory(host, join(folder, '.history'));
  }

  /** The run's folder. @throws SoraError `invalid_config` when the id could leave the store */
  folderOf(id: string): string {
    if (!idPattern.test(id) || id === 'latest') throw invalidConfig(`"${id}" is no run id`, 'list the runs with: npx sora load ls');
    return join(this.folder, id);
  }

  /**
   * Writes a run, points `latest` to it and drops the oldest beyond 50 runs or 5 GB, of which the figures stay for trends.
   * @param blocks what other runs are compared with it by; undefined where they were not kept
   * @returns where it lies, and what was dropped for it, which `removedText` says
   */
  save(summary: Summary, blocks?: RunBlocks): { folder: string; reportPath: string; removed: readonly string[] } {
    const { files } = this.#host;
    const folder = this.folderOf(summary.runId);
    files.makeFolder(folder);
    files.writeText(join(folder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
    if (blocks !== undefined) files.writeText(join(folder, 'blocks.json'), `${JSON.stringify(blocks)}\n`);
    files.writeText(join(folder, 'junit.xml'), renderJunit(summary));
    files.writeText(join(folder, 'report.html'), renderReport(summary));
    files.link(summary.runId, join(this.folder, 'latest'));
    return { folder, reportPath: join(folder, 'report.html'), removed: this.#prune(summary.runId) };
  }

  /** All runs, newest first; folders without a readable summary are left out. */
  list(): StoredRun[] {
    return [...this.newest()];
  }

  /** The same, each read when it is asked for: checking 50 of them takes longer, and more memory, than all else a short run does before it begins. */
  *newest(): Generator<StoredRun, void> {
    for (const id of this.#idsByAge()) {
      const summary = this.#read(id);
      if (summary !== undefined) yield { id, sizeBytes: this.#sizeOf(id), summary };
    }
  }

  /** The figures of all runs, newest first: those kept whole, and those of a scenario whose reports are gone. */
  history(scenario?: string): Summary[] {
    const kept = this.list().map(({ summary }) => summary);
    const ids = new Set(kept.map(({ runId }) => runId));
    const older = this.#history.list(scenario).filter(({ runId }) => !ids.has(runId));
    return [...kept, ...older].filter((summary) => scenario === undefined || summary.scenario === scenario).toSorted((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt));
  }

  /** @param id a run, or `latest` @throws SoraError `invalid_config` when there is none */
  find(id: string): StoredRun {
    const newest = id === 'latest' ? this.list()[0] : undefined;
    if (newest !== undefined) return newest;
    const summary = id === 'latest' ? undefined : this.#read(this.folderOf(id) === '' ? '' : id);
    if (summary === undefined) throw invalidConfig(`there is no run "${id}" in ${this.folder}`, 'list the runs with: npx sora load ls');
    return { id, sizeBytes: this.#sizeOf(id), summary };
  }

  /** The blocks of a run; undefined where it kept none that can be read. */
  readBlocks(id: string): RunBlocks | undefined {
    const path = join(this.folderOf(id), 'blocks.json');
    if (!this.#host.files.exists(path)) return undefined;
    try {
      return runBlocksSchema.parse(JSON.parse(this.#host.files.readText(path)));
    } catch {
      return undefined;
    }
  }

  /** Removes a run, or what is left of one whose report is gone; answers its id, which `latest` stands for. @throws SoraError `invalid_config` when there is neither */
  remove(id: string): string {
    if (id !== 'latest' && !this.#host.files.exists(this.folderOf(id)) && this.#history.remove(id)) return id;
    const { id: found } = this.find(id);
    this.#host.files.remove(this.folderOf(found));
    this.#pointLatest();
    return found;
  }

  #pointLatest(): void {
    const newest = this.list()[0];
    const latest = join(this.folder, 'latest');
    if (newest === undefined) this.#host.files.remove(latest);
    else this.#host.files.link(newest.id, latest);
  }

  /**
   * Runs that can be read are counted among themselves, so that no others push them out; what cannot be read goes when it
   * is not among the newest of all. So there are never more than twice as many folders as runs are kept.
   */
  #prune(keep: string): string[] {
    const all = this.#idsByAge().map((id) => ({ id, sizeBytes: this.#sizeOf(id) }));
    // The usual case, in which no summary need be read.
    if (all.every(roomForRuns())) return [];
    const removed: string[] = [];
    const [hasRoom, hasRoomOfReadable] = [roomForRuns(), roomForRuns()];
    for (const run of all) {
      const isNew = hasRoom(run);
      const summary = this.#read(run.id);
      const stays = summary === undefined ? isNew || !this.#isOver(run.id) : hasRoomOfReadable(run) || run.id === keep;
      if (stays) continue;
      if (summary !== undefined) this.#history.keep(summary);
      this.#host.files.remove(this.folderOf(run.id));
      removed.push(run.id);
    }
    return removed;
  }

  /** Whether what cannot be read is a run that has ended, one way or another. */
  #isOver(id: string): boolean {
    const { files, clock } = this.#host;
    const folder = join(this.folder, id);
    if (files.exists(join(folder, 'summary.json'))) return true;
    const isFolder = files.ownership(folder)?.kind === 'folder';
    return isFolder && clock.nowMs() - files.modifiedMs(folder) > underWayMaxMs && files.list(folder).every((name) => ownPattern.test(name));
  }

  /** Newest first. */
  #idsByAge(): string[] {
    const ids = this.#host.files.list(this.folder).filter((id) => id !== 'latest' && idPattern.test(id));
    return ids.map((id) => ({ id, startedMs: this.#startedMs(id) })).toSorted((a, b) => b.startedMs - a.startedMs).map(({ id }) => id);
  }

  #read(id: string): Summary | undefined {
    const path = join(this.folder, id, 'summary.json');
    if (!this.#host.files.exists(path)) return undefined;
    try {
      return summarySchema.parse(JSON.parse(this.#host.files.readText(path)));
    } catch {
      return undefined;
    }
  }

  /** When a run started; of one that does not tell, when its folder was last written to. */
  #startedMs(id: string): number {
    const { files } = this.#host;
    const folder = join(this.folder, id);
    const path = join(folder, 'summary.json');
    const text = files.exists(path) ? files.readText(path) : '';
    return Date.parse(startedAtPattern.exec(text)?.[1] ?? '') || (files.exists(folder) ? files.modifiedMs(folder) : 0);
  }

  /** With all that lies in folders of its own; links count nothing. */
  #sizeOf(...path: readonly string[]): number {
    const { files } = this.#host;
    const at = join(this.folder, ...path);
    const kind = files.ownership(at)?.kind;
    if (kind === 'file') return files.sizeBytes(at);
    return kind === 'folder' ? files.list(at).reduce((sum, name) => sum + this.#sizeOf(...path, name), 0) : 0;
  }
}

/** One sentence about runs that were dropped for a new one; undefined without any. */
export function removedText(removed: readonly string[]): string | undefined {
  if (removed.length === 0) return undefined;
  const [first = ''] = removed;
  const which = removed.length === 1 ? `run ${first}` : `${removed.length} runs, ${first} among them`;
  return `removed ${which}: the newest ${runsMax} runs of at most 5 GB are kept; load trend keeps the figures, and a copy of a folder elsewhere its report`;
}

/** Answers of one run after the other, the newest first, whether it is within the limits. */
function roomForRuns(): (run: { readonly sizeBytes: number }) => boolean {
  let [runs, filledBytes] = [0, 0];
  return ({ sizeBytes }) => {
    runs += 1;
    filledBytes += sizeBytes;
    return runs <= runsMax && filledBytes <= sizeMaxBytes;
  };
}
