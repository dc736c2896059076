/** Regular expressions of Go's `regexp` in templates: unanchored, and `.` stops at a line break unless told otherwise. */
import { compileFind, compileSearch, expandGroups } from '../../metricstore/regex/re2.ts';
import { rememberPatterns } from '../../metricstore/regex/remember.ts';

/** Templates run again and again, with patterns that stand in them. */
const keptMax = 100;
const searchOf = rememberPatterns(keptMax, compileSearch);
const findOf = rememberPatterns(keptMax, compileFind);

/** @throws SoraError where the pattern is malformed or too long */
export function matchString(pattern: string, text: string): boolean {
  return searchOf(pattern)(text);
}

/** Replaces as `ReplaceAllString` does: `$1`, `${1}` and `${name}` stand for groups, and `$1x` for the group `1x`. */
export function replaceAll(pattern: string, replacement: string, text: string): string {
  let out = '';
  let end = 0;
  for (const match of findOf(pattern)(text)) {
    out += text.slice(end, match.at) + expandGroups(replacement, match);
    end = match.at + (match.groups[0] ?? '').length;
  }
  return out + text.slice(end);
}
