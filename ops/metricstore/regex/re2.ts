/**
 * Regular expressions as people write them for Prometheus and Alertmanager: RE2's syntax and semantics, matched by
 * automata in time linear in the text, so that no pattern (`(a+)+b`) can hold up the process. Two things of Go's newest
 * releases are refused here: one name for two groups, and names of Unicode classes in another case (`\p{greek}`).
 */
import { RE2JS, RE2Set } from 're2js';
import { SoraError, messageOf } from '../../core/error.ts';

/** A regular expression is no longer than this, in characters, also when counted repetitions are written out. */
export const patternLengthMax = 16_384;
/** What the automaton of one pattern may take for states it has met; above, it forgets them, or goes without. */
const automatonBytesMax = 256 * 1_024;

/** A match: its text, and those of its groups, undefined where a group took no part. */
export interface Re2Match {
  /** Where it begins in the text, in UTF-16 units. */
  readonly at: number;
  readonly groups: readonly (string | undefined)[];
  readonly named: Readonly<Record<string, string | undefined>>;
}

/**
 * Tests whole texts as Prometheus' matchers do, `^(?s:…)$`: `.` also matches a line break.
 * @throws SoraError `bad_data` in Go's words where the pattern is malformed, or where it is too long
 */
export function compileWhole(pattern: string): (text: string) => boolean {
  return compileTest(pattern, RE2Set.ANCHOR_BOTH, RE2JS.DOTALL);
}

/**
 * Tests whether a text contains a match, as Go's `MatchString`; `.` stops at a line break unless the pattern says `(?s)`.
 * @throws SoraError `bad_data` in Go's words where the pattern is malformed, or where it is too long
 */
export function compileSearch(pattern: string): (text: string) => boolean {
  return compileTest(pattern, RE2Set.UNANCHORED, 0);
}

/**
 * Finds matches with their groups, leftmost first, as Go's `FindAllStringSubmatch` does: each begins where the one before
 * ends, and an empty one does not directly follow another. Ask for the first only, and no more is searched.
 * @throws SoraError `bad_data` in Go's words where the pattern is malformed, or where it is too long
 */
export function compileFind(pattern: string): (text: string) => Generator<Re2Match, void> {
  checkLength(pattern);
  const compiled = attempt(pattern, () => RE2JS.compile(pattern));
  return function* find(text) {
    let end = -1;
    for (const match of compiled.matchAll(text)) {
      const at = match.index ?? 0;
      const isRepeated = match[0] === '' && at === end;
      end = at + match[0].length;
      if (!isRepeated) yield { at, groups: [...match], named: match.groups ?? {} };
    }
  };
}

/** Expands `$1`, `${1}`, `$name`, `${name}` and `$$` as Go does: the longest name, and nothing for an unknown one. */
export function expandGroups(template: string, match: Re2Match): string {
  return template.replace(/\$(?:(\$)|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu, (_, dollar: string | undefined, braced: string | undefined, plain: string | undefined) => {
    if (dollar !== undefined) return '$';
    const name = braced ?? plain ?? '';
    return (/^(?:0|[1-9]\d{0,8})$/.test(name) ? match.groups[Number(name)] : match.named[name]) ?? '';
  });
}

function compileTest(pattern: string, anchor: number, flags: number): (text: string) => boolean {
  checkLength(pattern);
  // A set of one pattern: the form of the package whose automaton has a limit of memory.
  const set = new RE2Set(anchor, flags, automatonBytesMax);
  attempt(pattern, () => {
    set.add(pattern);
    set.compile();
  });
  return (text) => set.match(text).length > 0;
}

function attempt<Result>(pattern: string, compile: () => Result): Result {
  try {
    return compile();
  } catch (error) {
    throw new SoraError('bad_data', inGosWords(pattern, error), { status: 400, cause: error });
  }
}

/** Compiles once more without flags, which the package would quote as part of the pattern, and ends as Go does. */
function inGosWords(pattern: string, error: unknown): string {
  let message = messageOf(error);
  try {
    new RE2Set().add(pattern);
  } catch (plain) {
    message = messageOf(plain);
  }
  return message.includes('`') ? message : `${message}: \`${message.endsWith('trailing backslash at end of expression') ? '' : pattern}\``;
}

function checkLength(pattern: string): void {
  const length = Math.max(pattern.length, writtenOutLength(pattern));
  if (length <= patternLengthMax) return;
  const repetitions = pattern.length > patternLengthMax ? '' : ', counted repetitions written out';
  throw new SoraError('bad_data', `the regular expression has ${length} characters${repetitions}; the limit is ${patternLengthMax}`, { status: 400, hint: 'match on a label that needs no list, or by several selectors' });
}

/** Quoted text, classes and escapes that are one character, brackets, counted repetitions, and any other character. */
const pieces = /\\Q[^]*?(?:\\E|$)|\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\[^]|\[\^?\]?(?:\[:\^?\w+:\]|\\[^]|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|\((?:\?(?:P?<\w+>|[imsU-]*:))?|[^]/gu;

/** About the number of characters that a pattern means: `(ab){3}` is six. Automata grow with it, and so does matching. */
function writtenOutLength(pattern: string): number {
  if (!pattern.includes('{')) return pattern.length;
  /** Lengths of the groups that are open, outermost first, and of the last piece, which a repetition may follow. */
  const open = [0];
  let last = 0;
  for (const [piece, from, to] of pattern.matchAll(pieces)) {
    const inner = open.length - 1;
    if (from !== undefined) {
      const more = last * (Math.max(Number(from), Number(to ?? 0), 1) - 1);
      open[inner] = (open[inner] ?? 0) + more;
      last += more;
    } else if (piece.startsWith('(')) open.push((last = 0));
    else {
      const isClosing = piece === ')' && inner > 0;
      last = isClosing ? (open.pop() ?? 0) : piece.startsWith('\\Q') ? piece.length : 1;
      open[open.length - 1] = (open.at(-1) ?? 0) + last;
    }
  }
  return open.reduce((sum, each) => sum + each, 0);
}
