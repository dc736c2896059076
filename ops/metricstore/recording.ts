/** Samples of a span in a file, and a source that reads them: so that rules can be replayed over a run elsewhere. */
import { z } from 'zod';
import { SoraError, messageOf } from '../core/error.ts';
import type { Files } from '../core/host.ts';
import { ByteSink, ByteSource } from './long-term/byte-sink.ts';
import { compileMatcher, labelValue } from './matchers.ts';
import type { Labels, Matcher, MetricMetadata, SampleSource, SeriesSamples, TimeSpan } from './series.ts';

const headSchema = z.object({ format: z.literal('sora-samples'), version: z.literal(1), fromMs: z.number(), toMs: z.number() });
const seriesSchema = z.object({
  labels: z.record(z.string(), z.string()),
  count: z.int().min(1),
  /** Missing where they are those of the series before. */
  times: z.string().optional(),
  values: z.string(),
});
const metadataSchema = z.object({
  metadata: z.object({ name: z.string(), type: z.enum(['counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset', 'unknown']), help: z.string(), unit: z.string() }),
});

export interface RecordOptions {
  /** Samples of the file at most. Default 10 million. */
  readonly samplesMax?: number;
}

/**
 * Writes all samples of a span that meet the matchers, one JSON line a series.
 * @returns how many series and samples
 * @throws SoraError `too_many_samples`
 */
export async function writeRecording(files: Files, path: string, source: SampleSource, span: TimeSpan, matchers: readonly Matcher[] = [], options: RecordOptions = {}): Promise<{ readonly series: number; readonly samples: number }> {
  const { samplesMax = 10_000_000 } = options;
  const found = await source.select(matchers, span);
  const samples = found.reduce((sum, { values }) => sum + values.length, 0);
  if (samples > samplesMax) throw new SoraError('too_many_samples', `${samples} samples are more than the ${samplesMax} of one recording`, { hint: 'record a shorter span or fewer series' });
  const lines = [JSON.stringify({ format: 'sora-samples', version: 1, fromMs: span.fromMs, toMs: span.toMs })];
  for (const metadata of await source.metadata()) lines.push(JSON.stringify({ metadata }));
  let before = '';
  for (const { labels, timestampsMs, values, stale } of found) {
    const times = packed(timestampsMs);
    lines.push(JSON.stringify({ labels, count: values.length, ...(times === before ? {} : { times }), values: packed(values, stale) }));
    before = times;
  }
  files.writeText(path, `${lines.join('\n')}\n`);
  return { series: found.length, samples };
}

/**
 * Reads a file that `writeRecording` wrote.
 * @throws SoraError `bad_recording` with the line
 */
export function readRecording(files: Files, path: string): RecordedSource {
  const lines = files.readText(path).split('\n');
  if (lines.at(-1) === '') lines.pop();
  const series: SeriesSamples[] = [];
  const metadata: MetricMetadata[] = [];
  let times = '';
  let span: TimeSpan = { fromMs: 0, toMs: 0 };
  lines.forEach((line, index) => {
    try {
      const value: unknown = JSON.parse(line);
      if (index === 0) {
        span = headSchema.parse(value);
      } else if (typeof value === 'object' && value !== null && 'metadata' in value) {
        metadata.push(metadataSchema.parse(value).metadata);
      } else {
        const read = seriesSchema.parse(value);
        times = read.times ?? times;
        series.push({ labels: read.labels, ...unpacked(times, read.values, read.count) });
      }
    } catch (error) {
      throw new SoraError('bad_recording', `${path}, line ${index + 1} is no recording of samples: ${messageOf(error)}`, { hint: 'record it again', cause: error });
    }
  });
  return new RecordedSource(series, metadata, span);
}

/** Series that are held as they were read. */
export class RecordedSource implements SampleSource {
  readonly span: TimeSpan;
  readonly #series: readonly SeriesSamples[];
  readonly #metadata: readonly MetricMetadata[];

  constructor(series: readonly SeriesSamples[], metadata: readonly MetricMetadata[], span: TimeSpan) {
    this.#series = series;
    this.#metadata = metadata;
    this.span = span;
  }

  select(matchers: readonly Matcher[], span: TimeSpan): Promise<readonly SeriesSamples[]> {
    return Promise.resolve(this.#find(matchers, span));
  }

  series(selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly Labels[]> {
    const found = selectors.length === 0 ? this.#find([], span) : selectors.flatMap((matchers) => this.#find(matchers, span));
    return Promise.resolve([...new Set(found.map(({ labels }) => labels))]);
  }

  async labelNames(selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly string[]> {
    return sorted((await this.series(selectors, span)).flatMap((labels) => Object.keys(labels)));
  }

  async labelValues(label: string, selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly string[]> {
    return sorted((await this.series(selectors, span)).map((labels) => labelValue(labels, label)).filter((value) => value !== ''));
  }

  metadata(name?: string): Promise<readonly MetricMetadata[]> {
    return Promise.resolve(this.#metadata.filter((each) => name === undefined || each.name === name));
  }

  #find(matchers: readonly Matcher[], { fromMs, toMs }: TimeSpan): SeriesSamples[] {
    const conditions = matchers.map((matcher) => ({ name: matcher.name, isMet: compileMatcher(matcher) }));
    return this.#series.flatMap((series) => {
      if (!conditions.every(({ name, isMet }) => isMet(labelValue(series.labels, name)))) return [];
      const from = firstFrom(series.timestampsMs, fromMs);
      const to = firstFrom(series.timestampsMs, toMs + 0.5);
      if (from >= to) return [];
      const stale = series.stale?.subarray(from, to);
      return [{ labels: series.labels, timestampsMs: series.timestampsMs.subarray(from, to), values: series.values.subarray(from, to), ...(stale?.includes(1) === true ? { stale } : {}) }];
    });
  }
}

const sink = new ByteSink();

function packed(numbers: ArrayLike<number>, stale?: ArrayLike<number>): string {
  sink.clear();
  sink.numbers(numbers, stale);
  return sink.written().toString('base64');
}

function unpacked(times: string, values: string, count: number): Omit<SeriesSamples, 'labels'> {
  const stale = new Uint8Array(count);
  const read = new ByteSource(Buffer.from(values, 'base64')).numbers(count, (index) => (stale[index] = 1));
  return { timestampsMs: new ByteSource(Buffer.from(times, 'base64')).numbers(count), values: read, ...(stale.includes(1) ? { stale } : {}) };
}

/** The first place whose time is not before `atMs`. */
function firstFrom(times: Float64Array, atMs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

const sorted = (values: readonly string[]): string[] => [...new Set(values)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
