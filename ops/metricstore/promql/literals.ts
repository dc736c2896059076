/** Numbers, durations and strings as PromQL writes them. */
import { SoraError } from '../../core/error.ts';

const durationForm = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const durationUnits = [['y', 31_536_000_000], ['w', 604_800_000], ['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1_000], ['ms', 1]] as const;

/** A duration such as `1h30m` in ms; undefined when it is none. */
export function parseDurationMs(text: string): number | undefined {
  const parts = text === '' ? null : durationForm.exec(text);
  if (parts === null) return undefined;
  return durationUnits.reduce((sumMs, [, unitMs], index) => sumMs + Number(parts[index + 1] ?? 0) * unitMs, 0);
}

/** Writes whole ms as a duration: `1h30m`, `0s`. */
export function formatDurationMs(durationMs: number): string {
  if (durationMs === 0) return '0s';
  let left = Math.abs(durationMs);
  let text = durationMs < 0 ? '-' : '';
  for (const [unit, unitMs] of durationUnits) {
    const count = Math.floor(left / unitMs);
    left -= count * unitMs;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

/**
 * A number without a sign: decimal, with exponent, hexadecimal, octal (a leading 0), with underscores, `Inf`, `NaN`,
 * or a duration, which counts seconds.
 */
export function parseNumber(text: string): { readonly value: number; readonly isDuration: boolean } {
  const plain = text.replaceAll('_', '').toLowerCase();
  if (plain === 'inf') return { value: Infinity, isDuration: false };
  if (plain === 'nan') return { value: Number.NaN, isDuration: false };
  const durationMs = parseDurationMs(plain);
  // Seconds and the rest on their own, as Go does it, so that the last digit is the same.
  if (durationMs !== undefined) return { value: Math.floor(durationMs / 1_000) + ((durationMs % 1_000) * 1e6) / 1e9, isDuration: true };
  return { value: /^0[0-7]+$/.test(plain) ? Number.parseInt(plain, 8) : Number(plain), isDuration: false };
}

/** A number as Go writes it without exponent: `1e21` is 1000000000000000000000, infinity `+Inf`. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const form = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(String(value));
  if (form === null) return String(value);
  const [, sign = '', whole = '', fraction = '', exponentText = '0'] = form;
  const exponent = Number(exponentText);
  const digits = whole + fraction;
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  return sign + digits.padEnd(exponent + 1, '0');
}

/** A number as Go's `%g` writes it. */
export function formatShort(value: number): string {
  if (!Number.isFinite(value)) return formatNumber(value);
  const exponent = value === 0 ? 0 : Number((/e([+-]\d+)$/.exec(value.toExponential()) ?? ['', '0'])[1]);
  if (exponent >= -4 && exponent < 21) return formatNumber(value);
  const [mantissa = '', power = '+0'] = value.toExponential().split('e');
  return `${mantissa}e${power.slice(0, 1)}${power.slice(1).padStart(2, '0')}`;
}

const simpleEscapes: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92, "'": 39, '"': 34 };
const escapeForm = /\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^]))/g;

/**
 * What a quoted string stands for. Bytes that are no UTF-8 become lone surrogates U+DC80 to U+DCFF, so that they stay
 * apart and can be told (`isWellFormed`).
 * @throws SoraError `bad_data`
 */
export function unquote(literal: string): string {
  const quote = literal[0] ?? '';
  if (literal.length < 2 || !literal.endsWith(quote)) throw new SoraError('bad_data', 'unterminated quoted string', { status: 400 });
  const body = literal.slice(1, -1);
  if (quote === '`' || !body.includes('\\')) return body;
  let read = 0;
  const bytes: number[] = [];
  const copy = (text: string): void => void bytes.push(...new TextEncoder().encode(text));
  for (const match of body.matchAll(escapeForm)) {
    copy(body.slice(read, match.index));
    bytes.push(...escapedBytes(match, quote));
    read = match.index + match[0].length;
  }
  copy(body.slice(read));
  return decodeUtf8(Uint8Array.from(bytes));
}

function escapedBytes([whole, hex, octal, short, long, letter = '']: RegExpExecArray, quote: string): Iterable<number> {
  if (hex !== undefined) return [Number.parseInt(hex, 16)];
  if (octal !== undefined) return [Number.parseInt(octal, 8) & 0xff];
  const point = short ?? long;
  if (point !== undefined) {
    const code = Number.parseInt(point, 16);
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) throw new SoraError('bad_data', 'escape sequence is an invalid Unicode code point', { status: 400 });
    return new TextEncoder().encode(String.fromCodePoint(code));
  }
  const found = (letter === '"' || letter === "'") && letter !== quote ? undefined : simpleEscapes[letter];
  if (found === undefined) throw new SoraError('bad_data', `unknown escape sequence ${whole}`, { status: 400 });
  return [found];
}

/** Reads UTF-8; a byte that belongs to no character becomes U+DC00 plus its value. */
function decodeUtf8(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    const character = first >= 0x80 && first < 0xc2 ? '\ufffd' : new TextDecoder().decode(bytes.subarray(at, at + length));
    const isBroken = character.startsWith('\ufffd') && !(first === 0xef && bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd);
    text += isBroken ? String.fromCharCode(0xdc00 + first) : character;
    at += isBroken ? 1 : length;
  }
  return text;
}

const namedEscapes: Readonly<Record<string, string>> = { '\x07': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v', '\\': '\\\\', '"': '\\"' };

/** A string in double quotes, escaped as Go's `%q` does it; `unquote` reverses it. */
export function quote(text: string): string {
  // Backslash, quote, controls, bytes that are no UTF-8, and spaces of other kinds.
  const escaped = text.replace(/[\\"\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, (character) => {
    const named = namedEscapes[character];
    if (named !== undefined) return named;
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}
