import { invalidConfig } from '../../core/error.ts';

/** Patterns are few: those of the configuration and of silences. */
const cacheMax = 2_000;
const cache = new Map<string, RegExp>();
const lengthMax = 1_000;

/**
 * A regular expression as Alertmanager takes it: anchored at both ends; `.` is no line break.
 * @throws SoraError `invalid_config` when it is malformed or longer than 1,000 characters
 */
export function compileRegex(pattern: string): RegExp {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > lengthMax) throw invalidConfig(`a regular expression has ${pattern.length} characters; at most ${lengthMax} are taken`, 'shorten it');
  const compiled = new RegExp(`^(?:${translate(pattern)})$`, 'u');
  if (cache.size >= cacheMax) cache.clear();
  cache.set(pattern, compiled);
  return compiled;
}

const classes: Readonly<Record<string, string>> = {
  alpha: 'a-zA-Z', digit: '0-9', alnum: 'a-zA-Z0-9', upper: 'A-Z', lower: 'a-z', space: '\\t\\n\\v\\f\\r ', punct: '!-\\/:-@\\[-`\\{-~', word: '\\w', xdigit: '0-9A-Fa-f',
};

/** From RE2's writing to ECMAScript's, where they differ. */
function translate(pattern: string): string {
  const [, flags, rest] = /^\(\?([ims]+)\)([\s\S]*)$/.exec(pattern) ?? [];
  if (flags !== undefined && rest !== undefined) return `(?${flags}:${translate(rest)})`;
  return pattern
    .replaceAll(/\\Q([\s\S]*?)(?:\\E|$)/g, (_, literal: string) => literal.replaceAll(/[$()*+.?[\\\]^{|}/-]/g, '\\$&'))
    .replaceAll(/\[:(\w+):\]/g, (whole, name: string) => classes[name] ?? whole)
    .replaceAll('(?P<', '(?<')
    .replaceAll(/\\([\s\S])/g, (whole, letter: string) => {
      if (letter === 'z') return '$';
      if (letter === 'A') return '^';
      if (letter === 'a') return '\\x07';
      // RE2 lets any punctuation be escaped; ECMAScript only what has a meaning.
      return /[^\w$()*+.?[\\\]^{|}/-]/.test(letter) ? letter : whole === '\\-' ? '\\x2d' : whole;
    });
}
