/** The values that templates work on, with the types Go would give them: printing and comparing depend on these. */
import { assertNever } from '../../core/error.ts';
import { formatFloat } from './go-float.ts';

export interface GoInt { readonly kind: 'int'; readonly value: number }
/** `map[string]string` or `map[string]interface {}`, which differ in what a missing key gives. */
export interface GoMap { readonly kind: 'map'; readonly entries: ReadonlyMap<string, GoValue>; readonly of: 'string' | 'any' }
export interface GoSample { readonly kind: 'sample'; readonly labels: GoMap; readonly value: number }
/** The result of a query. */
export interface GoList { readonly kind: 'list'; readonly items: readonly GoSample[] }
export interface GoTime { readonly kind: 'time'; readonly atMs: number }
export interface GoDuration { readonly kind: 'duration'; readonly ns: number }
/** What a rule's templates are given as the dot. */
export interface GoData { readonly kind: 'data'; readonly fields: ReadonlyMap<string, GoValue> }

/** A number is a float64; null is Go's nil. */
export type GoValue = string | number | boolean | null | GoInt | GoMap | GoSample | GoList | GoTime | GoDuration | GoData;

export const int = (value: number): GoInt => ({ kind: 'int', value });

/** Label sets and the like, of which a missing key is an empty string. */
export function stringMap(record: Readonly<Record<string, string>>): GoMap {
  return { kind: 'map', entries: new Map(Object.entries(record)), of: 'string' };
}

/** What `if`, `and` and `or` take for true. */
export function isTruthy(value: GoValue): boolean {
  if (value === null) return false;
  if (typeof value !== 'object') return typeof value === 'number' ? value !== 0 : Boolean(value);
  switch (value.kind) {
    case 'int': return value.value !== 0;
    case 'map': return value.entries.size > 0;
    case 'list': return value.items.length > 0;
    case 'sample': case 'time': case 'duration': case 'data': return true;
    default: return assertNever(value);
  }
}

/** The type's name as Go's `%T` writes it. */
export function typeName(value: GoValue): string {
  if (value === null) return '<nil>';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'boolean') return 'bool';
  switch (value.kind) {
    case 'int': return 'int';
    case 'map': return value.of === 'string' ? 'map[string]string' : 'map[string]interface {}';
    case 'list': return 'template.queryResult';
    case 'sample': return '*template.sample';
    case 'time': return '*time.Time';
    case 'duration': return '*time.Duration';
    case 'data': return 'struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }';
    default: return assertNever(value);
  }
}

/** As Go's `%v` writes it. */
export function plain(value: GoValue): string {
  if (value === null) return '<nil>';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return formatFloat(value, 'g', -1);
  if (typeof value === 'boolean') return String(value);
  switch (value.kind) {
    case 'int': return String(value.value);
    case 'map': return `map[${sortedEntries(value).map(([name, each]) => `${name}:${plain(each)}`).join(' ')}]`;
    case 'list': return `[${value.items.map(plain).join(' ')}]`;
    case 'sample': return `{${plain(value.labels)} ${plain(value.value)}}`;
    case 'time': return formatTime(value.atMs);
    case 'duration': return formatGoDuration(value.ns);
    case 'data': return `{${[...value.fields.values()].map(plain).join(' ')}}`;
    default: return assertNever(value);
  }
}

export function sortedEntries(map: GoMap): [string, GoValue][] {
  return [...map.entries].sort(([a], [b]) => compareBytes(a, b));
}

/** Strings in Go are compared byte by byte of UTF-8, which is the order of code points. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** `2022-01-25 12:36:43.5 +0000 UTC`, as Go's `time.Time` prints in UTC. */
function formatTime(atMs: number): string {
  const iso = new Date(atMs).toISOString();
  const fraction = iso.slice(19, 23).replace(/\.?0+$/, '');
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction} +0000 UTC`;
}

/** `1h2m3.5s`, as Go's `time.Duration` prints. */
function formatGoDuration(ns: number): string {
  if (ns === 0) return '0s';
  const sign = ns < 0 ? '-' : '';
  const size = Math.abs(ns);
  const short = (amount: number, unit: string): string => `${sign}${formatFloat(amount, 'f', -1)}${unit}`;
  if (size < 1e3) return short(size, 'ns');
  if (size < 1e6) return short(size / 1e3, '\u00b5s');
  if (size < 1e9) return short(size / 1e6, 'ms');
  const hours = Math.floor(size / 3.6e12);
  const minutes = Math.floor(size / 6e10) % 60;
  const seconds = formatFloat((size % 6e10) / 1e9, 'f', -1);
  return `${sign}${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`;
}
