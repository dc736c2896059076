import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatOf } from './format.ts';
import type { ExpositionFormat } from './format.ts';
import { readNumber } from './number.ts';
import { parseExposition } from './parse.ts';
import { SampleBatch } from './sample-batch.ts';
import { SeriesCache } from './series-cache.ts';
import { readSeries } from './series-text.ts';

type Read = readonly [Record<string, string>, number, number | undefined];

function read(text: string, format: ExpositionFormat = 'text', cache = new SeriesCache(), batch = new SampleBatch()): Read[] {
  const body = Buffer.from(text);
  // What follows the body in the buffer is of an earlier, longer one.
  const bytes = Buffer.concat([body, Buffer.from('junk{a="b"} 7\n')]);
  parseExposition(bytes, body.length, format, cache, batch);
  return Array.from({ length: batch.count }, (_, index): Read => {
    const { bytes: texts, from, to } = cache.text(batch.entries[index] ?? -1);
    const timestampMs = batch.timestampsMs[index] ?? Number.NaN;
    return [Object.fromEntries(readSeries(texts, from, to, 0)), batch.values[index] ?? 0, Number.isNaN(timestampMs) ? undefined : timestampMs];
  });
}

describe('the text format', () => {
  it('is read with its comments, escapes, blanks and times', () => {
    const text = `# HELP http_requests_total The total number\\nof "requests" \\\\ .
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9
metric_without_timestamp_and_labels 12.47
 indented{ a = "b" , c="}{" , } \t -Inf -1
something_weird{problem="division by zero"} +Inf
name {empty="",brace="a"}5
x NaN`;
    const batch = new SampleBatch();
    expect(read(text, 'text', new SeriesCache(), batch)).toEqual([
      [{ __name__: 'http_requests_total', method: 'post', code: '200' }, 1_027, 1_395_066_363_000],
      [{ __name__: 'http_requests_total', method: 'post', code: '400' }, 3, 1_395_066_363_000],
      [{ __name__: 'msdos_file_access_time_seconds', path: 'C:\\DIR\\FILE.TXT', error: 'Cannot find file:\n"FILE.TXT"' }, 1_458_255_915, undefined],
      [{ __name__: 'metric_without_timestamp_and_labels' }, 12.47, undefined],
      [{ __name__: 'indented', a: 'b', c: '}{' }, -Infinity, -1],
      [{ __name__: 'something_weird', problem: 'division by zero' }, Infinity, undefined],
      [{ __name__: 'name', brace: 'a' }, 5, undefined],
      [{ __name__: 'x' }, Number.NaN, undefined],
    ]);
    expect(batch.metadata.get('http_requests_total')).toEqual({ type: 'counter', help: 'The total number\nof "requests" \\ .', unit: '' });
  });

  it('is read with the quoted names of Prometheus 3', () => {
    const batch = new SampleBatch();
    expect(read('# TYPE "grün.metrik" gauge\n{"grün.metrik","a.b"="ä", c="d"} 1\n{"plain"} 2\n', 'text', new SeriesCache(), batch)).toEqual([
      [{ __name__: 'grün.metrik', 'a.b': 'ä', c: 'd' }, 1, undefined],
      [{ __name__: 'plain' }, 2, undefined],
    ]);
    expect(batch.metadata.get('grün.metrik')?.type).toBe('gauge');
  });

  it.each([
    ['a 1\nb{c="d} 2\n', 'line 2: a label value lacks its closing quote'],
    ['a{b="c" 2\n', 'line 1: labels lack their closing brace'],
    ['a{b="c"}\n', 'line 1: a series lacks its value'],
    ['a one\n', 'line 1: "one" is no value'],
    ['a 0x1f\n', 'line 1: "0x1f" is no value'],
    ['a 1_0\n', 'line 1: "1_0" is no value'],
    ['a 1e999\n', 'line 1: "1e999" is no value'],
    ['a 1 2.5\n', 'line 1: "2.5" is no time'],
    ['a 1 2 3\n', 'line 1: "3" follows a sample, where the line should end'],
    ['a 1 # {b="c"} 2\n', 'line 1: "# {b=\\"c\\"} 2" follows a sample, where the line should end'],
    ['9a 1\n', 'line 1: "9a" is no metric name; others must stand in quotes within the braces'],
    ['a{9b="c"} 1\n', 'line 1: "9b" is no label name'],
    ['a{b} 1\n', 'line 1: label "b" lacks its "="'],
    ['a{b=c} 1\n', 'line 1: the value of label "b" stands in no quotes'],
    ['a{b="c" d="e"} 1\n', 'line 1: labels lack a comma between them'],
    ['a{b="c",b="d"} 1\n', 'line 1: label "b" is given twice'],
    ['{b="c"} 1\n', 'line 1: a series lacks its name'],
    ['# TYPE a banana\n', 'line 1: "banana" is no metric type; they are counter, gauge, histogram, summary, untyped, unknown'],
  ])('that is wrong is refused by line: %j', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });

  it('that is no UTF-8 is refused', () => {
    const bytes = Buffer.concat([Buffer.from('a{b="'), Buffer.from([0xff]), Buffer.from('"} 1\n')]);
    expect(() => parseExposition(bytes, bytes.length, 'text', new SeriesCache(), new SampleBatch())).toThrow('line 1: the text is no UTF-8');
  });

  it('of more samples than allowed is refused', () => {
    expect(() => read('a 1\nb 2\nc 3\n', 'text', new SeriesCache(), new SampleBatch(2))).toThrow('more than 2 samples');
  });
});

describe('OpenMetrics', () => {
  it('is read with units, times in seconds and exemplars, which are skipped', () => {
    const batch = new SampleBatch();
    const text = `# TYPE foo_seconds histogram
# UNIT foo_seconds seconds
# HELP foo_seconds with \\"quotes\\"
foo_seconds_bucket{le="0.5"} 3 1520879607.789 # {trace_id="a # } \\" b"} 0.4 1520879607.1
foo_seconds_bucket{le="+Inf"} 4 # {} 9
foo_seconds_count 4
# TYPE up stateset
# EOF
`;
    expect(read(text, 'openmetrics', new SeriesCache(), batch)).toEqual([
      [{ __name__: 'foo_seconds_bucket', le: '0.5' }, 3, 1_520_879_607_789],
      [{ __name__: 'foo_seconds_bucket', le: '+Inf' }, 4, undefined],
      [{ __name__: 'foo_seconds_count' }, 4, undefined],
    ]);
    expect(batch.metadata.get('foo_seconds')).toEqual({ type: 'histogram', help: 'with "quotes"', unit: 'seconds' });
  });

  it.each([
    ['a 1\n', 'line 1: the text does not end with "# EOF"; it may be cut off'],
    ['# EOF\na 1\n', 'line 2: there is text after "# EOF"'],
    ['\n# EOF\n', 'line 1: OpenMetrics allows no blanks'],
    ['# a comment\n# EOF\n', 'line 1: OpenMetrics knows no comments but'],
    ['a 1 x\n# EOF\n', 'line 1: "x" is no time'],
  ])('that is wrong is refused: %j', (text, message) => {
    expect(() => read(text, 'openmetrics')).toThrow(message);
  });

  it('is told by the content type', () => {
    expect(formatOf('application/openmetrics-text; version=1.0.0; charset=utf-8')).toBe('openmetrics');
    expect(formatOf('text/plain; version=0.0.4')).toBe('text');
    expect(formatOf(undefined)).toBe('text');
    expect(() => formatOf('text/html')).toThrow('no metrics format');
  });
});

describe('a target that is read again', () => {
  const line = fc.record({ name: fc.constantFrom('a', 'ab', 'a_total', 'b'), label: fc.constantFrom('', '{x="1"}', '{x="2"}', ' {x="1"}', '{x="1",y="z z"}', '{}'), value: fc.integer() });
  const page = fc.array(line, { maxLength: 12 });

  it('gives the same as one that is read for the first time, whatever came before', () => {
    fc.assert(fc.property(fc.array(page, { minLength: 2, maxLength: 6 }), (pages) => {
      const cache = new SeriesCache();
      for (const lines of pages) {
        const text = lines.map(({ name, label, value }) => `${name}${label} ${value}\n`).join('');
        expect(read(text, 'text', cache)).toEqual(read(text));
      }
    }), { numRuns: 300 });
  });
});

describe('a number', () => {
  it('is read as JavaScript reads it, to the last bit', () => {
    fc.assert(fc.property(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.integer().map((value) => value / 1_000)), (value) => {
      const bytes = Buffer.from(`[${value}]`);
      expect(Object.is(readNumber(bytes, 1, bytes.length - 1), Number(String(value)))).toBe(true);
    }), { numRuns: 1_000 });
  });

  it.each([['', undefined], ['.', undefined], ['-', undefined], ['5.', 5], ['.5', 0.5], ['+5', 5], ['1e3', 1_000], ['nan', Number.NaN], ['-inf', -Infinity], ['1..2', undefined], ['infinite', undefined]])('%j is %j', (text, value) => {
    expect(readNumber(Buffer.from(text), 0, text.length)).toEqual(value);
  });
});
