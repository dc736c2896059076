import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import * as fc from 'fast-check';
import { decodeFromCompressedBase64, HistogramLogReader, listTags } from 'hdr-histogram-js';
import { afterAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { localOnly } from '../swarm/guard.ts';
import { Histogram } from '../swarm/histogram.ts';
import { csvColumns, csvLine, openCsv } from './csv.ts';
import { operationOf, secondOf, sparseOf, startedAtMs } from './fixture.ts';
import { encodeHdr } from './hdr-encoding.ts';
import { replacedText } from './file.ts';
import { openHdrLog } from './hdr-log.ts';
import { openJsonLines } from './json-lines.ts';
import { openOutputs } from './open.ts';
import type { Sink } from './outbox.ts';
import type { Second } from './second.ts';

const host = createNodeHost();
const folder = mkdtempSync(join(tmpdir(), 'sora-outputs-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function writeAll(sink: Sink, seconds: readonly Second[]): Promise<void> {
  for (const second of seconds) await sink.deliver(sink.encode(second), new AbortController().signal);
  await sink.release();
}

const seconds = [
  secondOf(0, operationOf('feed, first', [1_000, 2_000, 4_000], { failed: 1 }), operationOf('like', [500])),
  secondOf(1, operationOf('feed, first', [8_000]), operationOf('like', [], { total: 1, failed: 1 })),
];

describe('the CSV output', () => {
  it('is read back by a CSV parser, one line a second and operation', async () => {
    const path = join(folder, 'seconds.csv');
    await writeAll(await openCsv(host, path), seconds);
    const rows: Record<string, string>[] = parse(readFileSync(path), { columns: true, record_delimiter: '\r\n' });
    expect(Object.keys(rows[0] ?? {})).toEqual([...csvColumns]);
    expect(rows.map(({ second, op, total, failed }) => [second, op, total, failed])).toEqual([
      ['0', 'feed, first', '3', '1'], ['0', 'like', '1', '0'], ['1', 'feed, first', '1', '0'], ['1', 'like', '1', '1'],
    ]);
    expect(rows[0]).toMatchObject({ timestamp: '2026-01-31T14:23:06.000Z', phase: 'hold', users: '40', response_p50_ms: '2', response_max_ms: '4.001', service_p50_ms: '1' });
    expect(rows[3]?.['response_p95_ms']).toBe('');
  });

  it('says when it takes the place of a file that holds something', async () => {
    const path = join(folder, 'again.csv');
    expect(replacedText(host, path)).toBeUndefined();
    await writeAll(await openCsv(host, path), seconds);
    expect(replacedText(host, path)).toContain('again.csv was there, and is replaced');
    const said: string[] = [];
    const outputs = await openOutputs([{ kind: 'csv', path }], { host, policy: localOnly, version: '0', labels: {}, log: (message) => said.push(message) });
    await outputs.close();
    expect(said).toEqual([expect.stringContaining('is replaced')]);
  });

  it('keeps any cell as it is', () => {
    fc.assert(fc.property(fc.array(fc.string(), { minLength: 2, maxLength: 8 }), (cells) => {
      const read: string[][] = parse(csvLine(cells), { record_delimiter: '\r\n', relax_column_count: true, skip_empty_lines: false });
      expect(read).toEqual([cells]);
    }));
  });
});

it('the JSON output is one object a line, with null where nothing was measured', async () => {
  const path = join(folder, 'seconds.ndjson');
  await writeAll(await openJsonLines(host, path), seconds);
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatchObject({
    schema: 'sora.second/v1', at: '2026-01-31T14:23:07.000Z', second: 1, users: 40,
    operations: [{ op: 'feed, first', total: 1, latencyMs: { response: { p50: 8.003 } } }, { op: 'like', failed: 1, latencyMs: { response: null } }],
  });
});

describe('the histogram log', () => {
  it('is read by the standard reader, with its tags, times and counts', async () => {
    const path = join(folder, 'seconds.hlog');
    await writeAll(await openHdrLog(host, path, '1.2.3'), seconds);
    const text = readFileSync(path, 'utf8');
    expect(listTags(text)).toEqual(['feed__first', 'like']);
    const reader = new HistogramLogReader(text);
    const read = [];
    for (let next = reader.nextIntervalHistogram(); next !== null; next = reader.nextIntervalHistogram()) read.push(next);
    expect(read.map(({ tag, startTimeStampMsec, endTimeStampMsec, totalCount }) => [tag, startTimeStampMsec, endTimeStampMsec, totalCount])).toEqual([
      ['feed__first', startedAtMs, startedAtMs + 1_000, 3], ['like', startedAtMs, startedAtMs + 1_000, 1], ['feed__first', startedAtMs + 1_000, startedAtMs + 2_000, 1],
    ]);
    expect(read[0]?.getValueAtPercentile(50)).toBe(2_000);
    expect(text).toMatch(/^#\[Logged with sora 1\.2\.3; values are microseconds\]\n#\[Histogram log format version 1\.3\]\n#\[StartTime: 1769869385\.000 /);
  });

  it('keeps apart operations whose names become one tag', async () => {
    const path = join(folder, 'tags.hlog');
    await writeAll(await openHdrLog(host, path, '1'), [secondOf(0, operationOf('a b', [1]), operationOf('a,b', [2]))]);
    expect(listTags(readFileSync(path, 'utf8'))).toEqual(['a_b', 'a_b~2']);
  });

  it('encodes every histogram so that the standard decoder finds the same counts', () => {
    const values = fc.array(fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 3_600_000_000 })), { minLength: 1, maxLength: 300 });
    fc.assert(fc.property(values, (valuesUs) => {
      const sparse = sparseOf(valuesUs);
      const encoded = encodeHdr(sparse);
      // The compressed V2 cookie, by which its readers know it.
      expect(encoded.startsWith('HISTFAAA')).toBe(true);
      const decoded = decodeFromCompressedBase64(encoded, 64);
      const own = Histogram.fromSparse(sparse);
      expect(decoded.totalCount).toBe(valuesUs.length);
      for (const percentile of [1, 50, 90, 99, 100]) expect(decoded.getValueAtPercentile(percentile)).toBe(own.quantile(percentile / 100));
    }));
  });

  it('encodes counts that need several bytes', () => {
    const sparse = Uint32Array.of(7, 127, 8, 128, 4_000, 4_000_000_000);
    const decoded = decodeFromCompressedBase64(encodeHdr(sparse), 64);
    expect(decoded.totalCount).toBe(4_000_000_255);
    expect([127, 255].map((rank) => decoded.getValueAtPercentile((rank / 4_000_000_255) * 100))).toEqual([7, 8]);
  });
});

it('refuses a file that cannot be written before the run, and says what to do', async () => {
  await expect(openCsv(host, join(folder, 'missing', 'x.csv'))).rejects.toMatchObject({ code: 'invalid_config', exitCode: 104, hint: expect.stringContaining('folder that exists') as string });
});
