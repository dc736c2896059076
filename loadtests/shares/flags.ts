import { invalidConfig } from '../../ops/core/error.ts';
import { partitionOf } from '../swarm/partition.ts';
import type { Partition } from '../swarm/partition.ts';

/** Shares of one run at most. */
const sharesMax = 1_000;
/** How far ahead shares may agree to start. */
const aheadMaxMs = 24 * 3_600_000;

/** Flags of `load run` about shares; the `value` is what `--help` shows. */
export const shareFlags = {
  partition: { type: 'string', value: 'I/N', help: 'runs share I of N of the users, I from 0; ends with 0 where it could be measured, and sora load merge judges all shares' },
  'run-id': { type: 'string', value: 'ID', help: 'name of the run, which must be new; shares of one run need the same' },
  'start-at': { type: 'string', value: 'TIME', help: 'waits for this time to begin, such as 2026-01-31T14:23:05Z; the same for all shares' },
} as const;

/** What the flags say. */
export interface ShareOptions {
  /** undefined: the run is no share of another. */
  readonly partition: Partition | undefined;
  readonly runId: string | undefined;
  readonly startAtMs: number | undefined;
}

/** Reads `0/4`. @throws SoraError `invalid_config` on anything but a share of at most 1,000 */
export function parsePartition(text: string): Partition {
  const match = /^(\d{1,6})\/(\d{1,6})$/.exec(text);
  if (match === null) throw invalidConfig(`--partition "${text}" is no share`, 'write I/N with I from 0, for example --partition 0/4');
  const [index, count] = [Number(match[1]), Number(match[2])];
  if (count > sharesMax) throw invalidConfig(`--partition ${text}: ${count} shares are more than ${sharesMax}`, `give at most ${sharesMax}`);
  return partitionOf(index, count);
}

/** @throws SoraError `invalid_config` on a name that cannot be a folder of its own */
export function parseRunId(text: string): string {
  // Room is left for what names a share.
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text) && text !== 'latest') return text;
  throw invalidConfig(`--run-id "${text}" is no name of a run`, 'use at most 64 letters, digits, dots, dashes and underscores, for example --run-id friday-1');
}

/** Reads a time with its zone, ms since the epoch. @throws SoraError `invalid_config` on anything else */
export function parseStartAt(text: string): number {
  const atMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) throw invalidConfig(`--start-at "${text}" is no time with a zone`, 'write for example --start-at 2026-01-31T14:23:05Z');
  return atMs;
}

/** @throws SoraError `invalid_config` on a start that is past or more than 24 h ahead */
export function requireStartAhead({ startAtMs }: ShareOptions, nowMs: number): void {
  if (startAtMs === undefined || (startAtMs > nowMs && startAtMs <= nowMs + aheadMaxMs)) return;
  const shown = new Date(startAtMs).toISOString();
  const hint = `for example --start-at ${new Date(nowMs + 60_000).toISOString().replace(/\.\d+Z$/, 'Z')}`;
  throw invalidConfig(startAtMs <= nowMs ? `--start-at ${shown} is past` : `--start-at ${shown} is more than 24 h ahead`, hint);
}

/** A share without a name that the others share could never be merged. @throws SoraError `invalid_config` */
export function requireShareName({ partition, runId }: ShareOptions): void {
  if (partition === undefined || runId !== undefined) return;
  throw invalidConfig(`--partition ${partition.index}/${partition.count} needs --run-id`, 'give every share of the run the same, for example --run-id friday-1');
}

/** The name under which a share's own result is kept: `friday-1.share-0-of-4`. */
export function shareName(runId: string, { index, count }: Partition): string {
  return `${runId}.share-${index}-of-${count}`;
}
