/** Splits a template into text and the tokens of its actions, as Go's text/template does. */
import { SoraError } from '../../core/error.ts';

export type Token =
  | { readonly kind: 'text'; readonly text: string; readonly line: number }
  | { readonly kind: 'open' | 'close' | 'end'; readonly text: string; readonly line: number }
  | {
    readonly kind: 'word' | 'field' | 'variable' | 'number' | 'char' | 'string' | 'raw' | 'mark' | 'dot';
    readonly text: string;
    readonly line: number;
    /** Whether a space stands before it: `.A .B` are two operands, `.A.B` is one. */
    readonly isSpaced: boolean;
  };

/** A template that cannot be read; `line` counts from 1. */
export function templateError(line: number, message: string): SoraError {
  return new SoraError('bad_template', `template: ${line}: ${message}`, { status: 400 });
}

const comment = /^\{\{(?:-\s)?\s*\/\*[\s\S]*?\*\/(\s-)?\}\}/;
const lexemes: readonly [Extract<Token, { isSpaced: boolean }>['kind'], RegExp][] = [
  ['number', /[+-]?(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?\d+)?|\.\d[\d_]*(?:[eE][+-]?\d+)?)/y],
  ['string', /"(?:[^"\\\n]|\\[\s\S])*"/y],
  ['raw', /`[^`]*`/y],
  ['char', /'(?:[^'\\\n]|\\[\s\S])+'/y],
  ['variable', /\$[\p{L}\p{Nd}_]*/uy],
  ['field', /\.[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ['dot', /\./y],
  ['word', /[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ['mark', /:=|[=|(),]/y],
];

/** @throws SoraError `bad_template` with the line */
export function lexTemplate(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  let trimsNext = false;
  while (at < text.length) {
    const open = text.indexOf('{{', at);
    const raw = text.slice(at, open === -1 ? undefined : open);
    const trimsEnd = open !== -1 && /^\{\{-\s/.test(text.slice(open, open + 4));
    const body = trimsEnd ? raw.replace(/[ \t\r\n]+$/, '') : raw;
    const shown = trimsNext ? body.replace(/^[ \t\r\n]+/, '') : body;
    if (shown !== '') tokens.push({ kind: 'text', text: shown, line });
    line += countLines(raw);
    if (open === -1) break;
    const skipped = comment.exec(text.slice(open));
    if (skipped !== null) {
      trimsNext = skipped[1] !== undefined;
      line += countLines(skipped[0]);
      at = open + skipped[0].length;
      continue;
    }
    if (/^\{\{(?:-\s)?\s*\/\*/.test(text.slice(open))) throw templateError(line, 'unclosed comment');
    tokens.push({ kind: 'open', text: '{{', line });
    const inside = lexAction(text, open + (trimsEnd ? 3 : 2), line, tokens);
    ({ at, line, trims: trimsNext } = inside);
  }
  tokens.push({ kind: 'end', text: 'EOF', line });
  return tokens;
}

function lexAction(text: string, from: number, startLine: number, tokens: Token[]): { at: number; line: number; trims: boolean } {
  let at = from;
  let line = startLine;
  let isSpaced = true;
  for (;;) {
    const close = /\s-\}\}|\}\}/y;
    close.lastIndex = at;
    const closed = close.exec(text);
    if (closed !== null) {
      tokens.push({ kind: 'close', text: '}}', line });
      return { at: close.lastIndex, line: line + countLines(closed[0]), trims: closed[0].length > 2 };
    }
    const letter = text[at];
    if (letter === undefined) throw templateError(startLine, 'unclosed action');
    if (/\s/.test(letter)) {
      if (letter === '\n') line++;
      isSpaced = true;
      at++;
      continue;
    }
    const token = lexOne(text, at, line, isSpaced);
    tokens.push(token);
    line += countLines(token.text);
    at += token.text.length;
    isSpaced = false;
  }
}

function lexOne(text: string, at: number, line: number, isSpaced: boolean): Extract<Token, { isSpaced: boolean }> {
  for (const [kind, pattern] of lexemes) {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return { kind, text: found, line, isSpaced };
  }
  const letter = text[at] ?? '';
  if (letter === '"' || letter === '`' || letter === "'") throw templateError(line, `unterminated quoted string: ${text.slice(at, at + 20)}`);
  throw templateError(line, `unexpected ${JSON.stringify(letter)} in action`);
}

const countLines = (text: string): number => text.split('\n').length - 1;
