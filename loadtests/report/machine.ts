import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import type { Host } from '../../ops/core/host.ts';
import type { SummaryMachine } from './summary-schema.ts';

type Settings = Pick<SummaryMachine, 'fsync' | 'synchronous_commit' | 'full_page_writes'> & { readonly dataFolder: string | null };

const unknown: Settings = { fsync: null, synchronous_commit: null, full_page_writes: null, dataFolder: null };

/**
 * Describes the machine, the database's disk and its durability.
 * @param folder a writable folder; its disk is measured where it is the database's and the database's own folder cannot be written
 * @param databaseUrl absent against a foreign target: the database is then unknown
 */
export async function describeMachine(host: Host, folder: string, databaseUrl: string | undefined): Promise<SummaryMachine> {
  const { dataFolder, ...settings } = databaseUrl === undefined || databaseUrl === '' ? unknown : await readSettings(databaseUrl);
  // A database on another machine, or one that will not say where its files are, has an unknown disk.
  const disk = dataFolder !== null && host.files.exists(dataFolder) ? dataFolder : undefined;
  return {
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${host.process.platform} ${release()} ${host.process.arch}`,
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
    fileSystem: disk === undefined ? null : (mountOf(host, disk)?.type ?? null),
    fsyncMedianMs: disk === undefined ? null : measureFsync(host, sameDisk(host, disk, folder) ? [disk, folder] : [disk]),
    ...settings,
  };
}

async function readSettings(url: string): Promise<Settings> {
  // The driver is loaded by runs against a database alone.
  const { Client } = await import('pg');
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 3_000, query_timeout: 3_000 });
  try {
    await client.connect();
    const { rows } = await client.query<{ name: string; setting: string }>(
      "select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'data_directory')",
    );
    const found = new Map(rows.map((row) => [row.name, row.setting]));
    const read = (name: string): string | null => found.get(name) ?? null;
    return { fsync: read('fsync'), synchronous_commit: read('synchronous_commit'), full_page_writes: read('full_page_writes'), dataFolder: read('data_directory') };
  } catch {
    // A description is worth less than the run; what is unknown is shown as unknown.
    return unknown;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function sameDisk(host: Host, one: string, other: string): boolean {
  const mount = mountOf(host, one);
  return mount !== undefined && mount.at === mountOf(host, other)?.at;
}

/** The mount that holds a path, from /proc/mounts; undefined elsewhere. */
function mountOf(host: Host, path: string): { at: string; type: string } | undefined {
  if (!host.files.exists('/proc/mounts')) return undefined;
  const absolute = resolve(host.process.cwd(), path);
  const mounts = host.files.readText('/proc/mounts').split('\n').map((line) => line.split(' '));
  const holding = mounts.filter(([, at]) => at !== undefined && (absolute === at || absolute.startsWith(at === '/' ? '/' : `${at}/`)));
  const [, at, type] = holding.toSorted((a, b) => (b[1]?.length ?? 0) - (a[1]?.length ?? 0))[0] ?? [];
  return at === undefined || type === undefined ? undefined : { at, type };
}

const fsyncs = 200;
/** A slow disk is known after this long. */
const fsyncBudgetMs = 3_000;

/** Median of 200 small writes each followed by fsync, in the first folder that can be written. */
export function measureFsync(host: Host, folders: readonly string[]): number | null {
  for (const folder of folders) {
    const path = join(folder, `.fsync-${host.process.pid}`);
    try {
      return medianFsyncMs(host, path);
    } catch {
      // Not ours to write; the next folder may be.
    }
  }
  return null;
}

function medianFsyncMs(host: Host, path: string): number {
  const file = openSync(path, 'w');
  try {
    const times: number[] = [];
    const startMs = host.clock.monotonicMs();
    while (times.length < fsyncs && host.clock.monotonicMs() - startMs < fsyncBudgetMs) {
      const beforeMs = host.clock.monotonicMs();
      writeSync(file, 'x'.repeat(512));
      fsyncSync(file);
      times.push(host.clock.monotonicMs() - beforeMs);
    }
    return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  } finally {
    closeSync(file);
    rmSync(path, { force: true });
  }
}
