import { SoraError } from '../../core/error.ts';

const unitMs: readonly (readonly [string, number])[] = [['y', 31_536_000_000], ['w', 604_800_000], ['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1_000], ['ms', 1]];
const shape = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/**
 * A duration of Prometheus' configuration in milliseconds: whole numbers with units from the largest to the smallest,
 * such as `1h30m`, or `0`.
 * @throws SoraError `bad_duration`
 */
export function parsePromDuration(text: string): number {
  if (text === '0') return 0;
  if (text === '') throw new SoraError('bad_duration', 'empty duration string', { status: 400 });
  const found = shape.exec(text);
  if (found === null) throw new SoraError('bad_duration', `not a valid duration string: ${JSON.stringify(text)}`, { status: 400 });
  const totalMs = unitMs.reduce((sum, [, ms], at) => sum + Number(found[at + 1] ?? 0) * ms, 0);
  // Prometheus holds nanoseconds in 64 bits.
  if (totalMs > 9_223_372_036_854) throw new SoraError('bad_duration', 'duration out of range', { status: 400 });
  return totalMs;
}

/** The shortest such text; weeks and years only for whole ones, as Prometheus writes it. */
export function formatPromDuration(durationMs: number): string {
  if (durationMs === 0) return '0s';
  let left = durationMs;
  let text = '';
  for (const [unit, ms] of unitMs) {
    const isWholeOnly = unit === 'y' || unit === 'w';
    if (isWholeOnly && left % ms !== 0) continue;
    const count = Math.floor(left / ms);
    if (count > 0) text += `${count}${unit}`;
    left -= count * ms;
  }
  return text;
}
