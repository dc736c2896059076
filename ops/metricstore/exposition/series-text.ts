/** The slow path: the name and labels of a series as a target writes them. It is taken once for each text. */
import { badExposition } from './format.ts';

export const newline = 0x0a;
export const quote = 0x22;
const backslash = 0x5c;
export const openBrace = 0x7b;
const closeBrace = 0x7d;
const equals = 0x3d;
const comma = 0x2c;

export const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09;

/** The first byte from `at` on that is no blank. */
export function skipBlanks(bytes: Buffer, at: number): number {
  while (isBlank(bytes[at])) at++;
  return at;
}

/**
 * Where the text of a series ends that begins at `at`: after its closing brace, or after its name where it has no labels.
 * @throws SoraError `bad_exposition`
 */
export function endOfSeries(bytes: Buffer, at: number, limit: number, line: number): number {
  let end = at;
  while (end < limit && !isBlank(bytes[end]) && bytes[end] !== openBrace && bytes[end] !== newline) end++;
  const brace = skipBlanks(bytes, end);
  if (brace >= limit || bytes[brace] !== openBrace) return end;
  let isQuoted = false;
  for (let index = brace + 1; index < limit; index++) {
    const byte = bytes[index];
    if (byte === newline) break;
    if (isQuoted && byte === backslash) index++;
    else if (byte === quote) isQuoted = !isQuoted;
    else if (!isQuoted && byte === closeBrace) return index + 1;
  }
  throw badExposition(line, isQuoted ? 'a label value lacks its closing quote' : 'labels lack their closing brace');
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The bytes as text. @throws SoraError `bad_exposition` where they are no UTF-8 */
export function textOf(bytes: Buffer, from: number, to: number, line: number): string {
  let isAscii = true;
  for (let at = from; at < to; at++) if ((bytes[at] ?? 0) > 0x7f) isAscii = false;
  if (isAscii) return bytes.toString('latin1', from, to);
  try {
    return utf8.decode(bytes.subarray(from, to));
  } catch {
    throw badExposition(line, 'the text is no UTF-8');
  }
}

const escape = /\\([\\n"])/g;
/** Puts back what a backslash stands for; other backslashes stay, as in Prometheus. */
export const unescape = (text: string): string => (text.includes('\\') ? text.replace(escape, (_, of: string) => (of === 'n' ? '\n' : of)) : text);

const legacyName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const legacyLabel = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * The labels of a series' text, with its name as `__name__`; those with an empty value are left out.
 * @throws SoraError `bad_exposition`
 */
export function readSeries(bytes: Buffer, from: number, to: number, line: number): Map<string, string> {
  const labels = new Map<string, string>();
  const add = (name: string, value: string): void => {
    if (labels.has(name)) throw badExposition(line, `label ${JSON.stringify(name)} is given twice`);
    labels.set(name, value);
  };
  let at = from;
  while (at < to && !isBlank(bytes[at]) && bytes[at] !== openBrace) at++;
  if (at > from) {
    const name = textOf(bytes, from, at, line);
    if (!legacyName.test(name)) throw badExposition(line, `${JSON.stringify(name)} is no metric name; others must stand in quotes within the braces`);
    add('__name__', name);
  }
  at = skipBlanks(bytes, at);
  if (bytes[at] === openBrace && at < to) readLabels(bytes, at + 1, to, line, add);
  if (!labels.has('__name__')) throw badExposition(line, 'a series lacks its name');
  for (const [name, value] of labels) if (value === '') labels.delete(name);
  return labels;
}

function readLabels(bytes: Buffer, from: number, to: number, line: number, add: (name: string, value: string) => void): void {
  let at = skipBlanks(bytes, from);
  while (at < to && bytes[at] !== closeBrace) {
    let name: string;
    if (bytes[at] === quote) {
      const end = endOfQuoted(bytes, at, to, line);
      name = unescape(textOf(bytes, at + 1, end, line));
      at = skipBlanks(bytes, end + 1);
      if (bytes[at] === comma || bytes[at] === closeBrace) {
        if (name === '') throw badExposition(line, 'a metric name is empty');
        add('__name__', name);
        name = '';
      }
    } else {
      const start = at;
      while (at < to && bytes[at] !== equals && !isBlank(bytes[at]) && bytes[at] !== comma && bytes[at] !== closeBrace) at++;
      name = textOf(bytes, start, at, line);
      if (!legacyLabel.test(name)) throw badExposition(line, `${JSON.stringify(name)} is no label name`);
      at = skipBlanks(bytes, at);
    }
    if (name !== '') {
      if (bytes[at] !== equals) throw badExposition(line, `label ${JSON.stringify(name)} lacks its "="`);
      at = skipBlanks(bytes, at + 1);
      if (bytes[at] !== quote) throw badExposition(line, `the value of label ${JSON.stringify(name)} stands in no quotes`);
      const end = endOfQuoted(bytes, at, to, line);
      add(name, unescape(textOf(bytes, at + 1, end, line)));
      at = skipBlanks(bytes, end + 1);
    }
    if (bytes[at] === comma) at = skipBlanks(bytes, at + 1);
    else if (bytes[at] !== closeBrace) throw badExposition(line, 'labels lack a comma between them');
  }
}

/** Where the closing quote of the one at `at` is. */
export function endOfQuoted(bytes: Buffer, at: number, to: number, line: number): number {
  for (let index = at + 1; index < to; index++) {
    if (bytes[index] === backslash) index++;
    else if (bytes[index] === quote) return index;
  }
  throw badExposition(line, 'a quoted text lacks its closing quote');
}
