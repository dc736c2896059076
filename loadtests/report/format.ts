/** How figures are written for people, in the terminal and in the report alike. */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
export const missing = '–';

/** `12,345`, or `12.3` below 100. */
export function formatNumber(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return missing;
  if (Number.isInteger(value) || Math.abs(value) >= 100) return whole.format(value);
  return String(Number(value.toFixed(Math.abs(value) < 1 ? 3 : 1)));
}

/** `0.42 ms`, `8.3 ms`, `148 ms`, `3.03 s`, `12.3 s`. */
export function formatMs(valueMs: number | null): string {
  if (valueMs === null || !Number.isFinite(valueMs)) return missing;
  // What rounds to 1,000 ms is 1 s.
  if (valueMs >= 999.5) return `${Number((valueMs / 1_000).toFixed(valueMs >= 9_995 ? 1 : 2))} s`;
  if (valueMs >= 100) return `${whole.format(valueMs)} ms`;
  return `${Number(valueMs.toFixed(valueMs < 1 ? 2 : 1))} ms`;
}

/** `0 %`, `0.012 %`, `12.3 %`. */
export function formatPercent(ratio: number | null): string {
  if (ratio === null || !Number.isFinite(ratio)) return missing;
  const percent = ratio * 100;
  return `${Number(percent.toPrecision(percent >= 10 ? 3 : 2))} %`;
}

/** `512 B`, `1.5 kB`, `23 MB`, `1.2 GB`, in powers of 1,000. */
export function formatBytes(sizeBytes: number | null): string {
  if (sizeBytes === null || !Number.isFinite(sizeBytes)) return missing;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${Number(value.toFixed(value < 10 && unit > 0 ? 1 : 0))} ${units[unit]}`;
}

/** A threshold's figure in the unit of its metric. */
export function formatMeasured(metric: string, value: number | null, expression = ''): string {
  if (value === null) return 'nothing measured';
  if (metric === 'checks' || metric.endsWith('_failed') || metric.endsWith('_refused')) return formatPercent(value);
  const isTime = /^(response_time|service_time|pool_wait|lateness|http_req_duration|browser_web_vital_(lcp|fcp|ttfb|inp))$/.test(metric);
  return isTime && !/:\s*count/.test(expression) ? formatMs(value) : formatNumber(value);
}

/** Seconds as `5s`, `1m30s`; keeps one decimal below a minute. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`;
  const rest = Math.round(seconds % 60);
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}

export const phaseTitles = { ramp: 'Ramp', hold: 'Hold', drain: 'Drain' } as const;

/** Word and icon of each verdict; colour is never the only sign. */
export const verdictSigns = {
  pass: { icon: '✓', word: 'PASS' },
  fail: { icon: '✗', word: 'FAIL' },
  insufficient: { icon: '◌', word: 'INSUFFICIENT' },
} as const;

/** The sign of one judged line: passed, failed or not measured. */
export function okSign(ok: boolean | null): { icon: string; word: string; tone: 'pass' | 'fail' | 'insufficient' } {
  if (ok === null) return { icon: '◌', word: 'no data', tone: 'insufficient' };
  return ok ? { icon: '✓', word: 'met', tone: 'pass' } : { icon: '✗', word: 'missed', tone: 'fail' };
}
