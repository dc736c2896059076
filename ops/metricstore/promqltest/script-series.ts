import { MemorySource } from '../memory-source.ts';
import type { Labels } from '../series.ts';
import { loadSeries } from './load-series.ts';
import type { LoadCommand } from './script.ts';
import type { SequenceValue } from './series-notation.ts';

/** Stands for a native histogram among floats: a value that no script uses. */
const standIn: SequenceValue = { kind: 'float', value: -731_317_131_713.5 };

/** The series that a script has loaded. */
export class ScriptSeries {
  /** Floats and staleness markers; native histograms are left out. */
  readonly floats = new MemorySource();
  readonly #loads: LoadCommand[] = [];
  #withStandIns: MemorySource | undefined;

  load(command: LoadCommand): void {
    this.#withStandIns = undefined;
    this.#loads.push(command);
    for (const series of command.series) loadSeries(this.floats, series, { startMs: 0, intervalMs: command.intervalMs });
  }

  clear(): void {
    this.#withStandIns = undefined;
    this.#loads.length = 0;
    this.floats.clear();
  }

  /** Whether any native histogram was loaded. */
  get hasNative(): boolean {
    return this.#loads.some(({ isWithNative, series }) => isWithNative || series.some(({ values }) => values.some(({ kind }) => kind === 'native')));
  }

  /** The same series with a number wherever a native histogram is. */
  withStandIns(): MemorySource {
    if (this.#withStandIns !== undefined) return this.#withStandIns;
    const source = new MemorySource();
    for (const { series, intervalMs, isWithNative } of this.#loads) {
      for (const { labels, values } of series) {
        const place = { startMs: 0, intervalMs };
        loadSeries(source, { labels, values: values.map((value) => (value.kind === 'native' ? standIn : value)) }, place);
        const converted = isWithNative ? convertedLabels(labels) : undefined;
        if (converted !== undefined) loadSeries(source, { labels: converted, values: values.map((value) => (value.kind === 'gap' ? value : standIn)) }, place);
      }
    }
    this.#withStandIns = source;
    return source;
  }
}

/** The native histogram that `load_with_nhcb` makes of a classic one's series; undefined for any other series. */
function convertedLabels(labels: Labels): Labels | undefined {
  const name = labels['__name__'] ?? '';
  const base = name.replace(/_(?:bucket|count|sum)$/, '');
  // An empty label is a missing one.
  return base === name ? undefined : { ...labels, ['__name__']: base, le: '' };
}
