import type { Host } from '../../ops/core/host.ts';
import { Histogram } from '../swarm/histogram.ts';
import { openOutputFile } from './file.ts';
import { encodeHdr } from './hdr-encoding.ts';
import type { Sink } from './outbox.ts';
import type { Second } from './second.ts';

/**
 * Writes response times as a histogram log: one interval a second and operation, the operation as its tag.
 * Values are µs, so Java's HistogramLogProcessor shows milliseconds with `-outputValueUnitRatio 1000`.
 */
export async function openHdrLog(host: Host, path: string, version: string): Promise<Sink> {
  const file = await openOutputFile(host, path);
  const tags = new Tags();
  let started = false;
  return {
    encode: (second) => {
      const head = started ? '' : headerOf(second.startedAtMs, version);
      started = true;
      return Buffer.from(head + intervalsOf(second, tags));
    },
    deliver: (payload) => file.append(payload),
    release: () => file.close().catch(() => undefined),
  };
}

function headerOf(startedAtMs: number, version: string): string {
  const seconds = (startedAtMs / 1_000).toFixed(3);
  return [
    `#[Logged with sora ${version}; values are microseconds]`,
    '#[Histogram log format version 1.3]',
    `#[StartTime: ${seconds} (seconds since epoch), ${new Date(startedAtMs).toISOString()}]`,
    // Makes the timestamps below relative to the start, without guessing.
    `#[BaseTime: ${seconds} (seconds since epoch)]`,
    '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    '',
  ].join('\n');
}

function intervalsOf(second: Second, tags: Tags): string {
  return second.operations
    .filter(({ response }) => response.length > 0)
    .map(({ op, response }) => {
      const maxMs = Histogram.fromSparse(response).quantile(1) / 1_000;
      return `Tag=${tags.of(op)},${second.second.toFixed(3)},1.000,${maxMs.toFixed(3)},${encodeHdr(response)}\n`;
    })
    .join('');
}

/** Tags hold neither blank nor comma; operations whose names would become one tag are told apart by a number. */
class Tags {
  readonly #byName = new Map<string, string>();
  readonly #taken = new Set<string>();

  of(name: string): string {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const plain = name.replaceAll(/[\s,]/g, '_');
    let tag = plain;
    for (let copy = 2; this.#taken.has(tag); copy++) tag = `${plain}~${copy}`;
    this.#taken.add(tag);
    this.#byName.set(name, tag);
    return tag;
  }
}
