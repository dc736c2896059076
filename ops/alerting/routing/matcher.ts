/**
 * Matchers as Alertmanager 0.30 writes them: `severity="critical"`, `{a=b, "grüße"=~"x.*"}`. Its parser for UTF-8 is
 * tried and, as there, its older one beside it, whose reading wins where both read a text in different ways.
 */
import { assertNever, invalidConfig, messageOf } from '../../core/error.ts';
import { labelValue } from '../../metricstore/matchers.ts';
import type { Labels, MatchOperator, Matcher } from '../../metricstore/series.ts';
import { compileRegex } from './regex.ts';

/** Everything a matcher or label name may not hold unquoted. */
const reserved = /[\s{}!=~,\\"'`]/u;
const operatorOrder: readonly MatchOperator[] = ['=', '!=', '=~', '!~'];

/**
 * Parses zero or more matchers, with braces around them or without.
 * @throws SoraError `invalid_config` with what is wrong and where
 */
export function parseMatchers(text: string): Matcher[] {
  const modern = attempt(() => parseModern(text));
  const classic = attempt(() => parseClassic(text));
  if ('error' in modern) {
    if ('error' in classic) throw invalidConfig(`matcher ${JSON.stringify(text)}: ${modern.error}`, 'write name="value"; operators are =, !=, =~ and !~');
    return checked(classic.matchers, text);
  }
  return checked('error' in classic || sameMatchers(modern.matchers, classic.matchers) ? modern.matchers : classic.matchers, text);
}

/** Parses exactly one matcher, without braces, as commands take it. */
export function parseMatcher(text: string): Matcher {
  const matchers = /^\{|\}$/.test(text) ? [] : parseMatchers(text);
  const [matcher] = matchers;
  if (matcher === undefined || matchers.length > 1) throw invalidConfig(`${JSON.stringify(text)} is not one matcher`, 'write name="value"; operators are =, !=, =~ and !~');
  return matcher;
}

/** Whether a label set meets all matchers; a missing label counts as empty. */
export function matchesAll(matchers: readonly Matcher[], labels: Labels): boolean {
  return matchers.every((matcher) => matches(matcher, labelValue(labels, matcher.name)));
}

function matches({ operator, value }: Matcher, found: string): boolean {
  switch (operator) {
    case '=': return found === value;
    case '!=': return found !== value;
    case '=~': return compileRegex(value)(found);
    case '!~': return !compileRegex(value)(found);
    default: return assertNever(operator);
  }
}

/** In Alertmanager's order: by name, value, operator. */
export function sortMatchers(matchers: readonly Matcher[]): Matcher[] {
  const order = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));
  return [...matchers].sort((a, b) => order(a.name, b.name) || order(a.value, b.value) || operatorOrder.indexOf(a.operator) - operatorOrder.indexOf(b.operator));
}

/** As Alertmanager writes it; `parseMatchers` reads it back. */
export function formatMatcher({ name, operator, value }: Matcher): string {
  if (reserved.test(name)) return `${quoteGo(name)}${operator}${quoteGo(value)}`;
  return `${name}${operator}"${value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')}"`;
}

/** `{a="b",c=~"d"}`: a route's part of a group key. */
export function formatMatchers(matchers: readonly Matcher[]): string {
  return `{${matchers.map(formatMatcher).join(',')}}`;
}

function checked(matchers: readonly Matcher[], text: string): Matcher[] {
  for (const { operator, value } of matchers) {
    if (operator !== '=~' && operator !== '!~') continue;
    try {
      compileRegex(value);
    } catch (error) {
      throw invalidConfig(`matcher ${JSON.stringify(text)}: ${messageOf(error)}`, 'write a regular expression of RE2; it is anchored at both ends');
    }
  }
  return [...matchers];
}

function attempt(parse: () => Matcher[]): { matchers: Matcher[] } | { error: string } {
  try {
    return { matchers: parse() };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

function sameMatchers(ones: readonly Matcher[], others: readonly Matcher[]): boolean {
  return ones.length === others.length && ones.every((one, index) => JSON.stringify(one) === JSON.stringify(others[index]));
}

type Token = { readonly kind: '{' | '}' | ',' | 'operator' | 'word'; readonly text: string; readonly at: number };

/** One token each: white space, braces and comma, operators, quoted and unquoted words. */
const tokenPattern = /\s+|[{},]|=~|!=|!~|=|"(?:[^"\\]|\\[\s\S])*"|[^\s{}!=~,\\"'`]+/uy;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < text.length) {
    const at = tokenPattern.lastIndex;
    const found = tokenPattern.exec(text)?.[0];
    if (found === undefined) throw new Error(`${at}: ${JSON.stringify(text.slice(at, at + 10))} is not expected there`);
    if (found.trim() === '') continue;
    if (found === '{' || found === '}' || found === ',') tokens.push({ kind: found, text: found, at });
    else if (operatorOrder.some((operator) => operator === found)) tokens.push({ kind: 'operator', text: found, at });
    else tokens.push({ kind: 'word', text: found.startsWith('"') ? unquoteGo(found) : found, at });
  }
  return tokens;
}

function parseModern(text: string): Matcher[] {
  const tokens = tokensOf(text);
  const isBraced = tokens[0]?.kind === '{';
  let next = isBraced ? 1 : 0;
  const take = (kind: Token['kind'], wanted: string): Token => {
    const token = tokens[next];
    if (token?.kind !== kind) throw new Error(`${token === undefined ? 'the end' : `${token.at}: ${JSON.stringify(token.text)}`} stands where ${wanted} is expected`);
    next += 1;
    return token;
  };
  const matchers: Matcher[] = [];
  while (tokens[next]?.kind !== '}' && next < tokens.length) {
    const name = take('word', 'a label name').text;
    const operator = take('operator', 'an operator such as =, !=, =~ or !~').text as MatchOperator;
    matchers.push({ name, operator, value: take('word', 'a value').text });
    if (tokens[next]?.kind !== ',') break;
    next += 1;
  }
  if (isBraced) take('}', 'a comma or a closing brace');
  const rest = tokens[next];
  if (rest !== undefined) throw new Error(`${rest.at}: ${JSON.stringify(rest.text)} stands where the end is expected`);
  return matchers;
}

/** The older parser: forgiving about braces, quotes and escapes, with names of letters, digits, _ and :. */
function parseClassic(text: string): Matcher[] {
  const inner = text.replace(/^\{/, '').replace(/\}$/, '');
  const parts: string[] = [];
  let [part, isQuoted, isEscaped] = ['', false, false];
  for (const letter of inner) {
    if (letter === ',' && !isQuoted) {
      parts.push(part);
      part = '';
      continue;
    }
    if (letter === '"') {
      if (isEscaped) isEscaped = false;
      else isQuoted = !isQuoted;
    } else isEscaped = letter === '\\' && !isEscaped;
    part += letter;
  }
  if (part.trim() !== '') parts.push(part.trim());
  return parts.map(parseClassicOne);
}

function parseClassicOne(text: string): Matcher {
  const [, name, operator, raw] = /^[\t\n\f\r ]*([a-zA-Z_:][a-zA-Z0-9_:]*)[\t\n\f\r ]*(=~|=|!=|!~)[\t\n\f\r ]*([\s\S]*?)[\t\n\f\r ]*$/.exec(text) ?? [];
  if (name === undefined || raw === undefined) throw new Error(`${JSON.stringify(text)} is not a matcher`);
  const isQuoted = raw.startsWith('"');
  const body = isQuoted ? raw.slice(1) : raw;
  let [value, isClosed] = ['', !isQuoted];
  for (let at = 0; at < body.length; at++) {
    const letter = body[at] ?? '';
    if (letter === '\\' && at < body.length - 1) {
      at += 1;
      const escaped = body[at] ?? '';
      value += escaped === 'n' ? '\n' : escaped === '"' || escaped === '\\' ? escaped : `\\${escaped}`;
    } else if (letter === '"') {
      if (isClosed || at < body.length - 1) throw new Error(`${JSON.stringify(text)} has an unescaped quote in its value`);
      isClosed = true;
    } else value += letter;
  }
  if (!isClosed) throw new Error(`${JSON.stringify(text)} lacks the closing quote`);
  return { name, operator: operator as MatchOperator, value };
}

const goEscapes: Readonly<Record<string, string>> = { a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', '"': '"' };

/** A string literal of Go in double quotes. */
function unquoteGo(literal: string): string {
  if (literal.includes('\n')) throw new Error(`${JSON.stringify(literal)} has a line break inside quotes; write \\n`);
  const bytes: Buffer[] = [];
  const pattern = /\\x([0-9a-fA-F]{2})|\\([0-7]{3})|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\([abfnrtv\\"])|([^\\]+)/uy;
  const body = literal.slice(1, -1);
  while (pattern.lastIndex < body.length) {
    const found = pattern.exec(body);
    if (found === null) throw new Error(`${literal} has an escape that is unknown`);
    const [, byte, octal, short, long, letter, plain] = found;
    const code = Number.parseInt(short ?? long ?? '0', 16);
    const octalByte = Number.parseInt(octal ?? '0', 8);
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000) || octalByte > 255) throw new Error(`${literal} has an escape that is no character`);
    if (byte !== undefined) bytes.push(Buffer.from([Number.parseInt(byte, 16)]));
    else if (octal !== undefined) bytes.push(Buffer.from([octalByte]));
    else if (short !== undefined || long !== undefined) bytes.push(Buffer.from(String.fromCodePoint(code)));
    else bytes.push(Buffer.from(letter === undefined ? (plain ?? '') : (goEscapes[letter] ?? '')));
  }
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes));
}

function quoteGo(text: string): string {
  const escaped = text.replaceAll(/[\\"\p{Cc}]/gu, (letter) => {
    const name = Object.entries(goEscapes).find(([, meant]) => meant === letter)?.[0];
    return name === undefined ? `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}` : `\\${name}`;
  });
  return `"${escaped}"`;
}
