/** Regular expressions of Go's `regexp` in templates: unanchored, and `.` stops at a line break unless told otherwise. */
import { translateRe2 } from '../../metricstore/re2-syntax.ts';

/** @throws SoraError where it is malformed or too long */
export function goRegExp(pattern: string, flags = ''): RegExp {
  return new RegExp(translateRe2(`(?-s)${pattern}`), `us${flags}`);
}

/** Replaces as `ReplaceAllString` does: `$1`, `${1}` and `${name}` stand for groups, and `$1x` for the group `1x`. */
export function replaceAll(pattern: string, replacement: string, text: string): string {
  return text.replace(goRegExp(pattern, 'g'), (...found: unknown[]) => {
    const groups = found.at(-1);
    const named = typeof groups === 'object' && groups !== null ? (groups as Record<string, string | undefined>) : {};
    // Behind the groups stand the place and the text, and the names where there are any.
    const count = found.findIndex((each) => typeof each === 'number');
    return replacement.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
      if (whole === '$$') return '$';
      const name = braced ?? bare ?? '';
      const value = /^\d+$/.test(name) ? (Number(name) < count ? found[Number(name)] : '') : named[name];
      return typeof value === 'string' ? value : '';
    });
  });
}
