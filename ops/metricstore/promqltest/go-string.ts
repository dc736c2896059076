import { SoraError } from '../../core/error.ts';

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', "'": "'", '"': '"',
};
const escape = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([^]))/g;

/** The quoted string that begins at `from`, quotes included; undefined when none does, or it does not end. */
export function scanQuoted(text: string, from: number): string | undefined {
  const quoted = /"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'|`[^`]*`/y;
  quoted.lastIndex = from;
  return quoted.exec(text)?.[0];
}

/**
 * What a string literal of Go stands for: in double or single quotes with escapes, or raw in backquotes.
 * @throws SoraError `bad_data` for an escape that Go does not know
 */
export function unquote(literal: string): string {
  const body = literal.slice(1, -1);
  if (literal.startsWith('`') || !body.includes('\\')) return body;
  // Escapes by byte may spell one character in several parts, so they are joined before they are read as UTF-8.
  const bytes: Buffer[] = [];
  let read = 0;
  for (const match of body.matchAll(escape)) {
    bytes.push(Buffer.from(body.slice(read, match.index), 'utf8'), unescape(match, literal));
    read = match.index + match[0].length;
  }
  bytes.push(Buffer.from(body.slice(read), 'utf8'));
  return Buffer.concat(bytes).toString('utf8');
}

function unescape([whole, hex, short, long, octal, letter]: RegExpExecArray, literal: string): Buffer {
  if (hex !== undefined) return Buffer.from([Number.parseInt(hex, 16)]);
  if (octal !== undefined) return Buffer.from([Number.parseInt(octal, 8) & 0xff]);
  const point = short ?? long;
  if (point !== undefined) return Buffer.from(String.fromCodePoint(Number.parseInt(point, 16)), 'utf8');
  const found = letter === undefined ? undefined : simpleEscapes[letter];
  if (found === undefined) throw new SoraError('bad_data', `unknown escape ${whole} in ${literal}`, { status: 400 });
  return Buffer.from(found, 'utf8');
}
