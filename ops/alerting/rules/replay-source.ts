/** Samples as the evaluator saw them at the time: none from later, and none that had not yet been scraped. */
import { MemorySource } from '../../metricstore/memory-source.ts';
import type { Labels, Matcher, MetricMetadata, SampleSource, SeriesSamples, TimeSpan } from '../../metricstore/series.ts';
import { seriesKey } from '../lifecycle/samples.ts';
import type { RuleSample } from '../lifecycle/state.ts';
import type { RuleRecording } from './recording-file.ts';

export interface ReplaySourceOptions {
  readonly recording: Pick<RuleRecording, 'series' | 'replayFromMs'>;
  /** Whether rules make series of this name: of these only what lies before the replay is taken from the recording. */
  readonly isMade: (name: string) => boolean;
}

export class ReplaySource implements SampleSource {
  readonly #recorded = new MemorySource();
  readonly #made = new MemorySource();
  readonly #isMade: (name: string) => boolean;
  readonly #replayFromMs: number;
  /** How long the scrape of a target at a time took: its samples bear the time at which it began. */
  readonly #durations = new Map<string, Map<number, number>>();
  #nowMs = 0;
  #startedAtMs = 0;

  constructor({ recording, isMade }: ReplaySourceOptions) {
    this.#isMade = isMade;
    this.#replayFromMs = recording.replayFromMs;
    for (const { labels, timestampsMs, values, stale } of recording.series) {
      const samples = Array.from(timestampsMs, (atMs, at) => ({ atMs, value: values[at] ?? 0, isStale: stale?.[at] === 1 }));
      this.#recorded.addAll(labels, samples);
      if (labels['__name__'] === 'scrape_duration_seconds') this.#addDurations(targetKey(labels), samples);
    }
  }

  #addDurations(target: string, samples: readonly { readonly atMs: number; readonly value: number }[]): void {
    const durations = this.#durations.get(target) ?? new Map<number, number>();
    for (const { atMs, value } of samples) durations.set(atMs, value * 1_000);
    this.#durations.set(target, durations);
  }

  /** Goes on to the evaluation of a time that began at another. */
  moveTo(nowMs: number, startedAtMs: number): void {
    this.#nowMs = nowMs;
    this.#startedAtMs = startedAtMs;
  }

  append(samples: readonly RuleSample[]): void {
    for (const { labels, atMs, value, isStale } of samples) {
      if (isStale === true) this.#made.addStale(labels, atMs);
      else this.#made.add(labels, atMs, value);
    }
  }

  async select(matchers: readonly Matcher[], span: TimeSpan): Promise<readonly SeriesSamples[]> {
    const known = { fromMs: span.fromMs, toMs: Math.min(span.toMs, this.#nowMs) };
    const recorded = (await this.#recorded.select(matchers, known)).map((series) => this.#seen(series)).filter(({ timestampsMs }) => timestampsMs.length > 0);
    const made = new Map((await this.#made.select(matchers, known)).map((series) => [seriesKey(series.labels), series]));
    if (made.size === 0) return recorded;
    const joined = recorded.map((series) => {
      const key = seriesKey(series.labels);
      const later = made.get(key);
      made.delete(key);
      return later === undefined ? series : join(series, later);
    });
    return [...joined, ...made.values()];
  }

  series(selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly Labels[]> {
    return this.#recorded.series(selectors, span);
  }

  labelNames(selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly string[]> {
    return this.#recorded.labelNames(selectors, span);
  }

  labelValues(label: string, selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly string[]> {
    return this.#recorded.labelValues(label, selectors, span);
  }

  metadata(name?: string): Promise<readonly MetricMetadata[]> {
    return this.#recorded.metadata(name);
  }

  #seen(series: SeriesSamples): SeriesSamples {
    const { labels, timestampsMs } = series;
    let end = timestampsMs.length;
    if (this.#isMade(labels['__name__'] ?? '')) while (end > 0 && (timestampsMs[end - 1] ?? 0) >= this.#replayFromMs) end--;
    const durations = this.#durations.get(targetKey(labels));
    if (durations !== undefined) while (end > 0 && this.#isLate(timestampsMs[end - 1] ?? 0, durations)) end--;
    if (end === timestampsMs.length) return series;
    return { labels, timestampsMs: timestampsMs.subarray(0, end), values: series.values.subarray(0, end), ...(series.stale === undefined ? {} : { stale: series.stale.subarray(0, end) }) };
  }

  #isLate(atMs: number, durations: ReadonlyMap<number, number>): boolean {
    return atMs + (durations.get(atMs) ?? 0) > this.#startedAtMs;
  }
}

const targetKey = ({ job = '', instance = '' }: Labels): string => JSON.stringify([job, instance]);

function join(a: SeriesSamples, b: SeriesSamples): SeriesSamples {
  const stale = new Uint8Array(a.timestampsMs.length + b.timestampsMs.length);
  stale.set(a.stale ?? []);
  stale.set(b.stale ?? [], a.timestampsMs.length);
  return { labels: a.labels, timestampsMs: Float64Array.of(...a.timestampsMs, ...b.timestampsMs), values: Float64Array.of(...a.values, ...b.values), stale };
}
