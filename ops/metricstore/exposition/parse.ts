/**
 * Reads Prometheus' text format and OpenMetrics 1.0 from bytes. A series seen before is known by its text alone: its labels are not
 * read again, and no object is made for it.
 */
import { badExposition } from './format.ts';
import type { ExpositionFormat } from './format.ts';
import { readMetadata } from './metadata.ts';
import { asciiOf, readNumber } from './number.ts';
import type { SampleBatch } from './sample-batch.ts';
import type { SeriesCache } from './series-cache.ts';
import { endOfSeries, isBlank, newline, openBrace, readSeries, skipBlanks } from './series-text.ts';

const hash = 0x23;

/**
 * Reads a whole exposition into `batch`, which it clears; series that are new are added to the cache. After an error the batch
 * holds the lines before it: nothing of it may be stored, as Prometheus rejects a scrape as a whole.
 * @param end bytes of the body
 * @throws SoraError `bad_exposition` with the line
 */
export function parseExposition(bytes: Buffer, end: number, format: ExpositionFormat, cache: SeriesCache, batch: SampleBatch): void {
  batch.clear();
  cache.rewind();
  let at = 0;
  let isEnded = false;
  for (let line = 1; at < end; line++) {
    if (isEnded) throw badExposition(line, 'there is text after "# EOF"');
    const first = bytes[at];
    if (first === hash) {
      const lineEnd = endOfLine(bytes, at, end);
      if (format === 'openmetrics' && asciiOf(bytes, at, lineEnd) === '# EOF') isEnded = true;
      else readMetadata(bytes, at, lineEnd, format, line, batch.metadata);
      at = lineEnd + 1;
    } else if (first === newline || isBlank(first)) {
      at = readBlankLine(bytes, at, end, format, line) ?? readSample(bytes, skipBlanks(bytes, at), end, format, line, cache, batch);
    } else {
      at = readSample(bytes, at, end, format, line, cache, batch);
    }
  }
  if (format === 'openmetrics' && !isEnded) throw badExposition(countLines(bytes, end), 'the text does not end with "# EOF"; it may be cut off');
}

/** The place after a line of blanks; undefined where there is more on it. */
function readBlankLine(bytes: Buffer, at: number, end: number, format: ExpositionFormat, line: number): number | undefined {
  const next = skipBlanks(bytes, at);
  if (format === 'openmetrics') throw badExposition(line, 'OpenMetrics allows no blanks at the beginning of a line');
  return next >= end || bytes[next] === newline ? next + 1 : undefined;
}

function readSample(bytes: Buffer, at: number, end: number, format: ExpositionFormat, line: number, cache: SeriesCache, batch: SampleBatch): number {
  let entry = cache.predict(bytes, at, end);
  let next: number;
  if (entry >= 0) {
    next = at + cache.lengthOf(entry);
  } else {
    next = endOfSeries(bytes, at, end, line);
    entry = cache.find(bytes, at, next);
    if (entry < 0) {
      // Checked before it is kept: the cache holds nothing that cannot be read.
      readSeries(bytes, at, next, line);
      entry = cache.add(bytes, at, next);
    }
  }
  cache.follow(entry);
  const from = skipBlanks(bytes, next);
  let to = from;
  while (to < end && (bytes[to] ?? 0) > 0x20) to++;
  const value = readNumber(bytes, from, to);
  if (value === undefined) throw badExposition(line, from === to ? 'a series lacks its value' : `${JSON.stringify(asciiOf(bytes, from, Math.min(to, from + 40)))} is no value`);
  if (to >= end || bytes[to] === newline) {
    batch.add(entry, value, Number.NaN);
    return to + 1;
  }
  return readRest(bytes, skipBlanks(bytes, to), end, format, line, (timestampMs) => batch.add(entry, value, timestampMs));
}

/** What may follow a value: a time, and in OpenMetrics an exemplar, which is skipped. */
function readRest(bytes: Buffer, at: number, end: number, format: ExpositionFormat, line: number, add: (timestampMs: number) => void): number {
  const lineEnd = endOfLine(bytes, at, end);
  let timestampMs = Number.NaN;
  if (at < lineEnd && bytes[at] !== hash) {
    let to = at;
    while (to < lineEnd && !isBlank(bytes[to])) to++;
    const read = readNumber(bytes, at, to);
    if (read === undefined || !Number.isFinite(read) || (format === 'text' && !Number.isInteger(read))) throw badExposition(line, `${JSON.stringify(asciiOf(bytes, at, Math.min(to, at + 40)))} is no time`);
    timestampMs = format === 'text' ? read : Math.round(read * 1_000);
    at = skipBlanks(bytes, to);
  }
  const isExemplar = format === 'openmetrics' && bytes[at] === hash && bytes[skipBlanks(bytes, at + 1)] === openBrace;
  if (at < lineEnd && !isExemplar) throw badExposition(line, `${JSON.stringify(asciiOf(bytes, at, Math.min(lineEnd, at + 40)))} follows a sample, where the line should end`);
  add(timestampMs);
  return lineEnd + 1;
}

function endOfLine(bytes: Buffer, at: number, end: number): number {
  const found = bytes.indexOf(newline, at);
  return found < 0 || found > end ? end : found;
}

function countLines(bytes: Buffer, end: number): number {
  let lines = 1;
  for (let at = 0; at < end - 1; at++) if (bytes[at] === newline) lines++;
  return lines;
}
