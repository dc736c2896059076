import { invalidConfig } from '../../core/error.ts';

const unitsMs = [31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1_000, 1] as const;
const pattern = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
/** What Prometheus' durations can hold: 2^63 nanoseconds. */
const maxMs = 9_223_372_036_854;

/**
 * A duration of Prometheus (`30s`, `1h30m`, `2w`, `0`) in milliseconds: whole numbers, units in falling order, a year of 365 days.
 * @throws SoraError `invalid_config`
 */
export function parsePrometheusDuration(text: string): number {
  if (text === '0') return 0;
  const parts = text === '' ? null : pattern.exec(text);
  const totalMs = unitsMs.reduce((sum, unitMs, index) => sum + Number(parts?.[index + 1] ?? 0) * unitMs, 0);
  if (parts === null || totalMs > maxMs) throw invalidConfig(`${JSON.stringify(text)} is not a duration`, 'write whole numbers with y, w, d, h, m, s or ms, for example 30s or 1h30m');
  return totalMs;
}
