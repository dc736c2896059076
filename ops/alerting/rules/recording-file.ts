/** A recording as a file: a line of what is known beside samples, a line for each run of samples, and a line that ends it. */
import { z } from 'zod';
import { SoraError, messageOf } from '../../core/error.ts';
import { packedSeriesSchema, SeriesUnpacker } from '../../metricstore/packed-series.ts';
import type { SeriesSamples } from '../../metricstore/series.ts';

const labels = z.record(z.string(), z.string());
const value = z.number().or(z.enum(['NaN', '+Inf', '-Inf']));
const transition = z.strictObject({
  atMs: z.number(), group: z.string(), rule: z.string(), fingerprint: z.string(), labels, annotations: labels,
  from: z.enum(['inactive', 'pending', 'firing']), to: z.enum(['pending', 'firing', 'resolved', 'inactive']), value, activeAtMs: z.number(),
});
const headSchema = z.strictObject({
  schema: z.literal('sora.rule-recording/v2'),
  /** Transitions are compared from here on; the replay begins at `replayFromMs`, before it. */
  fromMs: z.number(), toMs: z.number(), replayFromMs: z.number(),
  /** Of groups that state none. */
  intervalMs: z.number(),
  externalLabels: labels, externalUrl: z.string(),
  groups: z.array(z.strictObject({ file: z.string(), group: z.unknown() })),
  evaluations: z.array(z.strictObject({ group: z.string(), atMs: z.number(), startedAtMs: z.number() })),
  /** Transitions from a day before the replay to the end, in the order of the log. */
  transitions: z.array(transition),
  /** Begin, renewals and end of load runs, begin and end of faults of drills. */
  runs: z.array(z.strictObject({ atMs: z.number(), id: z.string(), kind: z.enum(['load-run', 'fault']), phase: z.enum(['started', 'renewed', 'ended']), plannedEndMs: z.number().optional() })),
});
const endSchema = z.strictObject({ end: z.strictObject({ lines: z.number(), problem: z.string().optional() }) });

export type RecordingHead = z.infer<typeof headSchema>;
export type RecordedTransition = z.infer<typeof transition>;

export interface RuleRecording extends RecordingHead {
  /** One series may be in several, with samples of different times or the same again. */
  readonly series: readonly SeriesSamples[];
}

/** The last line; `problem` where the recording broke off. */
export const endLine = (lines: number, problem?: string): string => `${JSON.stringify({ end: { lines, ...(problem === undefined ? {} : { problem }) } })}\n`;

/** @throws SoraError `bad_recording` for a text of another form, with the line, and for one that is not whole */
export function parseRecording(text: string, file: string): RuleRecording {
  const lines = text.split('\n').filter((line) => line !== '');
  const read = <Value>(at: number, schema: z.ZodType<Value>): Value => {
    const parsed = schema.safeParse(parseJson(lines[at] ?? ''));
    if (!parsed.success) throw bad(`${file}, line ${at + 1} is no recording of rules: ${z.prettifyError(parsed.error)}`);
    return parsed.data;
  };
  const head = read(0, headSchema);
  const { end } = read(lines.length - 1, endSchema);
  if (end.problem !== undefined) throw bad(`${file} broke off: ${end.problem}`);
  if (end.lines !== lines.length - 2) throw bad(`${file} has ${lines.length - 2} lines of samples, not ${end.lines}`);
  const unpacker = new SeriesUnpacker();
  const series = lines.slice(1, -1).map((_, index) => {
    const packed = read(index + 1, packedSeriesSchema);
    try {
      return unpacker.unpack(packed);
    } catch (error) {
      throw bad(`${file}, line ${index + 2} is damaged: ${messageOf(error)}`);
    }
  });
  return { ...head, series };
}

const bad = (message: string): SoraError => new SoraError('bad_recording', message, { exitCode: 104, hint: 'write one with: sora rules record' });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Of a transition, whose value may be none of JSON's numbers. */
export const decodeValue = (number: z.infer<typeof value>): number => (typeof number === 'number' ? number : number === 'NaN' ? Number.NaN : number === '+Inf' ? Infinity : -Infinity);
