/** Numbers for people, as Prometheus' template functions write them (docs/configuration/template_reference.md). */
import { SoraError } from '../../core/error.ts';
import { formatFloat } from './go-float.ts';
import { typeName } from './value.ts';
import type { GoValue } from './value.ts';

const above = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
const below = ['m', 'u', 'n', 'p', 'f', 'a', 'z', 'y'];
const binary = ['ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'];

const four = (value: number): string => formatFloat(value, 'g', 4);

/** A float of a number or of a number's text. */
export function toFloat(value: GoValue): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return parseFloatGo(value);
  if (typeof value === 'object' && value?.kind === 'int') return value.value;
  throw new SoraError('bad_template', `can't convert ${typeName(value)} to float`);
}

function parseFloatGo(text: string): number {
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special !== null) return special[2]?.toLowerCase() === 'nan' ? Number.NaN : special[1] === '-' ? -Infinity : Infinity;
  if (!/^[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw new SoraError('bad_template', `strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text.replaceAll('_', ''));
}

/** 1,500,000 is `1.5M`, 0.002 is `2m`. */
export function humanize(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return four(value);
  if (Math.abs(value) >= 1) return scaled(value, above, 1_000);
  return shrunk(value, '');
}

function shrunk(value: number, unit: string): string {
  let [left, prefix] = [value, ''];
  for (const next of below) {
    if (Math.abs(left) >= 1) break;
    prefix = next;
    left *= 1_000;
  }
  return `${four(left)}${prefix}${unit}`;
}

function scaled(value: number, prefixes: readonly string[], base: number): string {
  let [left, prefix] = [value, ''];
  for (const next of prefixes) {
    if (Math.abs(left) < base) break;
    prefix = next;
    left /= base;
  }
  return `${four(left)}${prefix}`;
}

export function humanize1024(value: number): string {
  return Math.abs(value) <= 1 || !Number.isFinite(value) ? four(value) : scaled(value, binary, 1_024);
}

/** Seconds as `1d 2h 3m 4s`, and as `2.5s` or `10ms` below a minute. */
export function humanizeDuration(value: number): string {
  if (!Number.isFinite(value)) return four(value);
  if (value === 0) return `${four(value)}s`;
  if (Math.abs(value) < 1) return shrunk(value, 's');
  const sign = value < 0 ? '-' : '';
  const size = Math.abs(value);
  const whole = Math.trunc(size);
  const [seconds, minutes, hours, days] = [whole % 60, Math.floor(whole / 60) % 60, Math.floor(whole / 3_600) % 24, Math.floor(whole / 86_400)];
  if (days !== 0) return `${sign}${days}d ${hours}h ${minutes}m ${seconds}s`;
  if (hours !== 0) return `${sign}${hours}h ${minutes}m ${seconds}s`;
  if (minutes !== 0) return `${sign}${minutes}m ${seconds}s`;
  return `${sign}${four(size)}s`;
}

export const humanizePercentage = (value: number): string => `${four(value * 100)}%`;

/** Milliseconds since the epoch of a time in seconds; undefined for no number. */
export function timeOf(seconds: number): number | undefined {
  if (!Number.isFinite(seconds)) return undefined;
  const atMs = Math.trunc((seconds * 1e9) / 1e6);
  if (Math.abs(atMs) > 8.64e15 || Math.abs(seconds) > 9_223_372_036) {
    throw new SoraError('bad_template', `${formatFloat(seconds, 'g', -1)} cannot be represented as a nanoseconds timestamp since it overflows int64`);
  }
  return atMs;
}
