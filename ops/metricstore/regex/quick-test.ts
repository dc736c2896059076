/**
 * Quick tests for the patterns that people write most, after the idea of Prometheus' FastRegexMatcher: alternatives of
 * texts (`a|b|c`, `(get|put)-ok`, `10\.0\.0\.1`) are a set, and texts with `.*` or `.+` between, before or behind them are
 * looked for as text. Both take time linear in the value. Everything else is left to RE2's automata, which take 5 to 9
 * times as long as JavaScript's own backtracking would (10,000 values against `[a-z0-9]+-x`: 1.7 ms and 0.3 ms; these
 * tests, 0.05 to 0.6 ms): too little to keep the latter, and to prove of each pattern that it cannot blow up.
 */

type Test = (text: string) => boolean;

/** Texts with gaps between them, of at least `gaps[i]` characters after the i-th; the first or last may be empty. */
interface Wildcard {
  readonly texts: readonly string[];
  readonly gaps: readonly (0 | 1)[];
}

/** `(a|b)(c|d)` is written out as four texts, up to so many an alternative, and up to so many characters a pattern. */
const productMax = 1_000;
const writtenOutMax = 10_000;
/** Wildcards of a pattern; each is looked for on its own, so that many take longer than an automaton. */
const wildcardsMax = 16;
const gapsMax = 16;

/** A test of whole texts for a pattern where `.` also matches a line break; undefined where it needs an automaton, or is malformed. */
export function compileQuick(pattern: string): Test | undefined {
  const found = readAlternatives(pattern);
  if (found === undefined) return undefined;
  const texts = new Set(found.flatMap(({ texts: [text = ''], gaps }) => (gaps.length === 0 ? [text] : [])));
  const wildcards = found.filter(({ gaps }) => gaps.length > 0);
  const [first] = wildcards;
  if (first === undefined) {
    const [only] = texts;
    return texts.size === 1 ? (text) => text === only : (text) => texts.has(text);
  }
  if (wildcards.length > wildcardsMax) return undefined;
  if (wildcards.length === 1 && texts.size === 0) return (text) => meets(first, text);
  return (text) => texts.has(text) || wildcards.some((wildcard) => meets(wildcard, text));
}

/** Takes each text where it first occurs: whatever stands behind has the most room then. */
function meets({ texts, gaps }: Wildcard, value: string): boolean {
  const start = texts[0] ?? '';
  const end = texts.at(-1) ?? '';
  if (!value.startsWith(start)) return false;
  let at = start.length;
  for (let index = 1; index < texts.length - 1; index += 1) {
    const text = texts[index] ?? '';
    const found = value.indexOf(text, at + (gaps[index - 1] ?? 0));
    if (found < 0) return false;
    at = found + text.length;
  }
  return value.length - end.length >= at + (gaps.at(-1) ?? 0) && value.endsWith(end);
}

/** A text that stands for itself, its characters escaped where they must be; a gap; and what opens and closes groups. A sign of repetition is no piece. */
const pieces = /((?:[^\\.+*?()|[\]{}^$]|\\[!-/:-@[-`{-~])+)|(\.[*+])|\((?:\?:)?|\)|\|/gy;

/** The alternatives of a pattern, groups of texts written out; undefined where there is anything else, or too much. */
function readAlternatives(pattern: string): Wildcard[] | undefined {
  // Half of a surrogate pair would find itself in the middle of a character.
  if (!pattern.isWellFormed()) return undefined;
  const found: Wildcard[] = [];
  let variants: readonly Wildcard[] = [empty];
  /** The texts of the group that is open. */
  let group: string[] | undefined;
  let read = 0;
  let writtenOut = 0;
  for (const [piece, raw, gap] of pattern.matchAll(pieces)) {
    read += piece.length;
    if (raw !== undefined) {
      const text = raw.replaceAll(/\\([^])/g, '$1');
      if (group === undefined) variants = append(variants, [text]);
      else group.push(`${group.pop() ?? ''}${text}`);
    } else if (group !== undefined) {
      if (piece === '|') group.push('');
      else if (piece === ')') {
        if (variants.length * group.length > productMax) return undefined;
        variants = append(variants, group);
        group = undefined;
      } else return undefined;
    } else if (gap !== undefined) {
      if (variants.some(({ texts, gaps }) => gaps.length >= gapsMax || (gaps.length > 0 && texts.at(-1) === ''))) return undefined;
      variants = variants.map(({ texts, gaps }) => ({ texts: [...texts, ''], gaps: [...gaps, gap === '.+' ? 1 : 0] }));
    } else if (piece === '|') {
      found.push(...variants);
      variants = [empty];
    } else if (piece === ')') return undefined;
    else group = [''];
    if (variants.length > 1) writtenOut += variants.length * piece.length;
    if (writtenOut > writtenOutMax) return undefined;
  }
  return read === pattern.length && group === undefined ? [...found, ...variants] : undefined;
}

const empty: Wildcard = { texts: [''], gaps: [] };

/** Each variant with each of the texts behind its last one. */
function append(variants: readonly Wildcard[], ends: readonly string[]): Wildcard[] {
  return variants.flatMap(({ texts, gaps }) => ends.map((end) => ({ texts: [...texts.slice(0, -1), `${texts.at(-1) ?? ''}${end}`], gaps })));
}
