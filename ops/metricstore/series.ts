/**
 * What lies between the metric store and PromQL: label sets, matchers and samples. The raw store, the long-term
 * store, a file of recorded samples and a Prometheus elsewhere each are a `SampleSource`.
 */

/** A label set; `__name__` holds the metric's name. No value is empty: an empty label is a missing one. */
export type Labels = Readonly<Record<string, string>>;

export type MatchOperator = '=' | '!=' | '=~' | '!~';

/** A condition on one label; regular expressions are RE2's and anchored at both ends. */
export interface Matcher {
  readonly name: string;
  readonly operator: MatchOperator;
  readonly value: string;
}

/** Samples of one series in order of time, with columns of equal length. */
export interface SeriesSamples {
  readonly labels: Labels;
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  /** 1 where a sample is a staleness marker, whose value means nothing; undefined where there is none. */
  readonly stale?: Uint8Array | undefined;
}

/** A span of time, both ends in it. */
export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'gaugehistogram' | 'summary' | 'info' | 'stateset' | 'unknown';

export interface MetricMetadata {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly unit: string;
}

/** Anything that holds series. */
export interface SampleSource {
  /**
   * The series that meet every matcher and have a sample or a marker in the span, in any order.
   * @param samplesMax how many samples may be read. A source counts as it must read, such as whole chunks, and refuses before it does.
   * @throws SoraError `execution` (422) where there are more; see limit-samples.ts
   */
  select(matchers: readonly Matcher[], span: TimeSpan, samplesMax?: number): Promise<readonly SeriesSamples[]>;
  /** The label sets of series that meet all matchers of at least one list, with a sample in the span. */
  series(selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly Labels[]>;
  /** Sorted names of labels of such series; every series where `selectors` is empty. */
  labelNames(selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly string[]>;
  /** Sorted values of one label over such series. */
  labelValues(label: string, selectors: readonly (readonly Matcher[])[], span: TimeSpan): Promise<readonly string[]>;
  /** What targets told of their metrics; of one where `name` is given. */
  metadata(name?: string): Promise<readonly MetricMetadata[]>;
}
