import { SoraError } from '../../core/error.ts';
import { parseDurationMs } from '../../metricstore/promql/literals.ts';

/** Prometheus holds durations as nanoseconds in 64 bits. */
const durationMaxMs = 9_223_372_036_854;

/**
 * A duration of Prometheus' configuration in milliseconds: whole numbers with units from the largest to the smallest,
 * such as `1h30m`, or `0`.
 * @throws SoraError `bad_duration`
 */
export function parsePromDuration(text: string): number {
  if (text === '0') return 0;
  const durationMs = parseDurationMs(text);
  if (durationMs === undefined) throw new SoraError('bad_duration', text === '' ? 'empty duration string' : `not a valid duration string: ${JSON.stringify(text)}`, { status: 400 });
  if (durationMs > durationMaxMs) throw new SoraError('bad_duration', 'duration out of range', { status: 400 });
  return durationMs;
}
