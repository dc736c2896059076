import { spawnSync } from 'node:child_process';

/** One process as `ps` lists it. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly rssBytes: number;
}

/** All processes of this machine. Portable: `ps` of Linux and macOS alike. */
export function readProcessTree(): ProcessRow[] {
  const { stdout } = spawnSync('ps', ['-axo', 'pid=,ppid=,rss='], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 });
  return parseProcessTree(stdout);
}

export function parseProcessTree(text: string): ProcessRow[] {
  return text.split('\n').flatMap((line) => {
    const [pid, parent, rssKb] = line.trim().split(/\s+/).map(Number);
    return pid === undefined || parent === undefined || rssKb === undefined ? [] : [{ pid, parent, rssBytes: rssKb * 1_024 }];
  });
}

/** Resident memory of a process and all its descendants. Shared pages count once for each of them. */
export function rssOf(rows: readonly ProcessRow[], root: number): number {
  const children = Map.groupBy(rows, ({ parent }) => parent);
  const own = rows.find(({ pid }) => pid === root)?.rssBytes ?? 0;
  return own + (children.get(root) ?? []).reduce((sum, { pid }) => sum + rssOf(rows, pid), 0);
}
