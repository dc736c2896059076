import { Writer } from 'protobufjs/minimal.js';

/** One series with one sample, as remote write 1.0 carries it. */
export interface SeriesSample {
  /** With `__name__`; none may be empty. */
  readonly labels: Readonly<Record<string, string>>;
  /** `stale` says that the series ends here. */
  readonly value: number | 'stale';
  /** ms since the epoch. */
  readonly atMs: number;
}

/** Protobuf tags: field number times 8 plus wire type (1: eight bytes, 2: with length). */
const tags = { timeseries: 10, labels: 10, samples: 18, name: 10, value: 18, sampleValue: 9, timestamp: 16 } as const;
/** The NaN 0x7ff0000000000002, by its halves: a double would not keep it. */
const staleMarker = { low: 2, high: 0x7ff00000 };

/**
 * Writes a `WriteRequest` of the remote write 1.0 specification (prometheus.io/docs/specs/remote_write_spec).
 * Labels go out sorted by name, as it demands.
 */
export function encodeWriteRequest(samples: readonly SeriesSample[]): Uint8Array {
  const writer = Writer.create();
  for (const sample of samples) {
    writer.uint32(tags.timeseries).fork();
    for (const [name, value] of Object.entries(sample.labels).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      writer.uint32(tags.labels).fork().uint32(tags.name).string(name).uint32(tags.value).string(value).ldelim();
    }
    writer.uint32(tags.samples).fork().uint32(tags.sampleValue);
    if (sample.value === 'stale') writer.fixed64(staleMarker as unknown as string);
    else writer.double(sample.value);
    writer.uint32(tags.timestamp).int64(sample.atMs).ldelim();
    writer.ldelim();
  }
  return writer.finish();
}
