/** Go's `fmt.Sprintf`, `Sprint` and `Sprintln` for the values of templates. */
import { formatFloat } from './go-float.ts';
import type { FloatVerb } from './go-float.ts';
import { plain, typeName } from './value.ts';
import type { GoValue } from './value.ts';

/** Widths and precisions beyond this are refused, as Go refuses those beyond a million. */
const widthMax = 1_000;

interface Flags {
  readonly minus: boolean;
  readonly plus: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  readonly sharp: boolean;
  readonly width: number | undefined;
  readonly precision: number | undefined;
}

/** Operands in a row; a space between two of which neither is a string. */
export function sprint(values: readonly GoValue[]): string {
  return values.map((value, at) => {
    const before = values[at - 1];
    const isSpaced = at > 0 && typeof before !== 'string' && typeof value !== 'string';
    return `${isSpaced ? ' ' : ''}${plain(value)}`;
  }).join('');
}

export function sprintln(values: readonly GoValue[]): string {
  return `${values.map(plain).join(' ')}\n`;
}

const directive = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?(?:\[(\d+)\])?([\s\S])?/gu;

/** Formats as `fmt.Sprintf` does, with its notes such as `%!d(string=x)` for a verb that does not fit. */
export function sprintf(format: string, values: readonly GoValue[]): string {
  let next = 0;
  let isReordered = false;
  const takeInt = (text: string | undefined): number | undefined => {
    if (text !== '*') return text === undefined ? undefined : Number(text);
    const value = values[next++];
    return typeof value === 'object' && value?.kind === 'int' ? value.value : undefined;
  };
  const text = format.replace(directive, (whole: string, marks: string, width?: string, precision?: string, index?: string, verb?: string) => {
    if (verb === undefined) return '%!(NOVERB)';
    if (verb === '%') return '%';
    const starred = takeInt(width);
    const hasPoint = /\.(\*|\d+)?(\[\d+\])?.$/su.test(whole);
    const places = takeInt(precision) ?? (hasPoint ? 0 : undefined);
    if (Math.abs(starred ?? 0) > widthMax || (places ?? 0) > widthMax) return '%!(BADWIDTH)';
    if (index !== undefined) {
      next = Number(index) - 1;
      isReordered = true;
    }
    if (next < 0 || next >= values.length) return index === undefined ? `%!${verb}(MISSING)` : `%!${verb}(BADINDEX)`;
    const value = values[next++] ?? null;
    return formatOne(verb, value, {
      minus: marks.includes('-') || (starred ?? 0) < 0, plus: marks.includes('+'), space: marks.includes(' '), zero: marks.includes('0'),
      sharp: marks.includes('#'), width: starred === undefined ? undefined : Math.abs(starred), precision: places,
    });
  });
  if (isReordered || next >= values.length) return text;
  const extra = values.slice(next).map((value) => (value === null ? '<nil>' : `${typeName(value)}=${plain(value)}`));
  return `${text}%!(EXTRA ${extra.join(', ')})`;
}

function formatOne(verb: string, value: GoValue, flags: Flags): string {
  if (verb === 'T') return pad(typeName(value), flags);
  if (value === null) return verb === 'v' ? pad('<nil>', flags) : `%!${verb}(<nil>)`;
  if (typeof value === 'string') return formatString(verb, value, flags) ?? misfit(verb, value);
  if (typeof value === 'number') return formatNumber(verb, value, flags) ?? misfit(verb, value);
  if (typeof value === 'boolean') return verb === 't' || verb === 'v' ? pad(String(value), flags) : misfit(verb, value);
  if (value.kind === 'int') return formatInt(verb, value.value, flags) ?? misfit(verb, value);
  if (verb === 's' || verb === 'v') return pad(plain(value), flags);
  if (verb === 'q') return pad(quote(plain(value)), flags);
  return misfit(verb, value);
}

const misfit = (verb: string, value: GoValue): string => `%!${verb}(${typeName(value)}=${plain(value)})`;

function formatString(verb: string, value: string, flags: Flags): string | undefined {
  const cut = flags.precision === undefined ? value : Array.from(value).slice(0, flags.precision).join('');
  if (verb === 's' || verb === 'v') return pad(verb === 'v' && flags.sharp ? quote(value) : cut, flags);
  if (verb === 'q') return pad(flags.sharp && !/[`\p{Cc}]/u.test(cut) ? `\`${cut}\`` : quote(cut), flags);
  if (verb === 'x' || verb === 'X') {
    const hex = Buffer.from(value).subarray(0, flags.precision).toString('hex');
    const spaced = flags.space ? hex.replace(/(..)(?!$)/g, '$1 ') : hex;
    return pad(verb === 'X' ? spaced.toUpperCase() : spaced, flags);
  }
  return undefined;
}

function formatNumber(verb: string, value: number, flags: Flags): string | undefined {
  const form = verb === 'v' ? 'g' : verb === 'F' ? 'f' : verb;
  if (!['e', 'E', 'f', 'g', 'G'].includes(form)) return undefined;
  const precision = flags.precision ?? (form === 'g' || form === 'G' ? -1 : 6);
  const text = formatFloat(value, form as FloatVerb, precision);
  // The sign of an infinity is part of it; only a plus that nobody asked for is left out.
  const unsigned = text.startsWith('+') && !flags.plus && !Number.isFinite(value) ? text : text.replace(/^\+/, '');
  const signed = /^[-+]/.test(unsigned) ? unsigned : flags.plus ? `+${unsigned}` : flags.space ? ` ${unsigned}` : unsigned;
  return pad(signed, Number.isFinite(value) ? flags : { ...flags, zero: false }, true);
}

function formatInt(verb: string, value: number, flags: Flags): string | undefined {
  const base = { d: 10, v: 10, b: 2, o: 8, O: 8, x: 16, X: 16 }[verb];
  if (base === undefined) {
    if (verb === 'c') return pad(String.fromCodePoint(Math.max(0, Math.min(value, 0x10ffff))), flags);
    if (verb === 'q') return pad(`'${String.fromCodePoint(Math.max(0, Math.min(value, 0x10ffff)))}'`, flags);
    if (verb === 'U') return pad(`U+${value.toString(16).toUpperCase().padStart(4, '0')}`, flags);
    return undefined;
  }
  const prefix = verb === 'O' ? '0o' : !flags.sharp ? '' : { 2: '0b', 8: '0', 16: verb === 'X' ? '0X' : '0x', 10: '' }[base] ?? '';
  const digits = Math.abs(value).toString(base).padStart(flags.precision ?? 0, '0');
  const sign = value < 0 ? '-' : flags.plus ? '+' : flags.space ? ' ' : '';
  return pad(`${sign}${prefix}${verb === 'X' ? digits.toUpperCase() : digits}`, flags.precision === undefined ? flags : { ...flags, zero: false }, true);
}

function pad(text: string, { width, minus, zero }: Flags, isNumber = false): string {
  const missing = (width ?? 0) - Array.from(text).length;
  if (missing <= 0) return text;
  if (minus) return text + ' '.repeat(missing);
  if (!zero) return ' '.repeat(missing) + text;
  const sign = isNumber ? (/^[-+ ]/.exec(text)?.[0] ?? '') : '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

const escapes: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\u0007': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v' };

/** A string as Go source, such as `"a\nb"`. */
export function quote(text: string): string {
  const body = Array.from(text, (letter) => {
    const known = escapes[letter];
    if (known !== undefined) return known;
    const code = letter.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
    return /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(letter) ? letter : code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
  return `"${body.join('')}"`;
}
