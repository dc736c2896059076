import { templateError } from './lex.ts';
import type { Token } from './lex.ts';
import { int } from './value.ts';
import type { GoValue } from './value.ts';

const simple: Readonly<Record<string, string>> = { a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', '"': '"', "'": "'" };

/** The text of a quoted Go string, or of a raw one. */
export function readQuoted(token: Token): string {
  if (token.kind === 'raw') return token.text.slice(1, -1).replaceAll('\r', '');
  const bytes: Buffer[] = [];
  const body = token.text.slice(1, -1);
  // Escapes of bytes may form one letter together, so the whole is put together as bytes.
  for (const [part, escape] of body.matchAll(/\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{3}|[\s\S])|[^\\]+/g)) {
    bytes.push(escape === undefined ? Buffer.from(part) : readEscape(escape, token));
  }
  return Buffer.concat(bytes).toString('utf8');
}

function readEscape(escape: string, token: Token): Buffer {
  if (escape.length === 1) {
    const known = simple[escape];
    if (known === undefined) throw templateError(token.line, 'invalid syntax');
    return Buffer.from(known);
  }
  const code = Number.parseInt(escape.replace(/^[xuU]/, ''), /^[0-7]{3}$/.test(escape) ? 8 : 16);
  if (escape.startsWith('u') || escape.startsWith('U')) {
    if (code > 0x10ffff) throw templateError(token.line, 'invalid syntax');
    return Buffer.from(String.fromCodePoint(code));
  }
  return Buffer.from([code]);
}

/** An integer or a float, by its spelling: `1` is an int, `1.0` and `1e3` are floats, `'a'` is an int. */
export function readNumber(token: Token): GoValue {
  if (token.kind === 'char') {
    const [letter, ...more] = Array.from(readQuoted({ ...token, text: `"${token.text.slice(1, -1)}"` }));
    if (letter === undefined || more.length > 0) throw templateError(token.line, `malformed character constant: ${token.text}`);
    return int(letter.codePointAt(0) ?? 0);
  }
  const text = token.text.replaceAll('_', '');
  const isHex = /^[+-]?0[xX]/.test(text);
  if (!isHex && /[.eE]/.test(text)) {
    const value = Number(text);
    if (!Number.isFinite(value)) throw templateError(token.line, `number overflow: ${text}`);
    return value;
  }
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.replace(/^[+-]/, '');
  // A leading zero is octal, as in Go.
  const value = sign * Number(/^0\d+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (!Number.isSafeInteger(value)) throw templateError(token.line, `${token.text} overflows int`);
  return int(value);
}
