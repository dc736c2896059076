/**
 * Translates RE2's regular expressions, the ones of Prometheus, into JavaScript's (flag `u`). What RE2 refuses
 * (look-around, back references) is refused; what it writes in its own way (`(?i)` in the middle, `(?P<name>…)`,
 * `[[:alpha:]]`, `\Q…\E`, `\pL`, `\z`) is rewritten. Syntax: https://github.com/google/re2/wiki/Syntax
 */
import { SoraError } from '../core/error.ts';

/** Flags in force at one place; `s` is what Prometheus sets for matchers. */
interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
  /** Swaps greedy and lazy. */
  readonly U: boolean;
}

const posixClasses: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z', alpha: 'A-Za-z', ascii: '\\x00-\\x7F', blank: '\\t ', cntrl: '\\x00-\\x1F\\x7F', digit: '0-9', graph: '!-~',
  lower: 'a-z', print: ' -~', punct: '!-\\/:-@\\[-`\\{-~', space: '\\t\\n\\v\\f\\r ', upper: 'A-Z', word: '0-9A-Za-z_', xdigit: '0-9A-Fa-f',
};
const perlClasses: Readonly<Record<string, string>> = { d: '0-9', s: '\\t\\n\\f\\r ', w: '0-9A-Za-z_' };
const controls: Readonly<Record<string, string>> = { a: '\\x07', f: '\\f', t: '\\t', n: '\\n', r: '\\r', v: '\\v' };
const scripts = /^(?:L|Lu|Ll|Lt|Lm|Lo|M|Mn|Mc|Me|N|Nd|Nl|No|P|Pc|Pd|Ps|Pe|Pi|Pf|Po|S|Sm|Sc|Sk|So|Z|Zs|Zl|Zp|C|Cc|Cf|Co|Cs)$/;

/** A regular expression is no longer than this. */
export const patternLengthMax = 16_384;
const repeatMax = 1_000;

/**
 * The JavaScript source of an RE2 pattern, for `new RegExp(source, 'us')`; not anchored.
 * @throws SoraError `bad_data`
 */
export function translateRe2(pattern: string): string {
  if (pattern.length > patternLengthMax) throw new SoraError('bad_data', `the regular expression has ${pattern.length} characters, the limit is ${patternLengthMax}`, { status: 400, hint: 'match on a label that needs no list, or by several selectors' });
  const reader = new PatternReader(pattern);
  const source = reader.alternation({ i: false, m: false, s: true, U: false });
  if (!reader.isAtEnd) throw reader.fail('unexpected )');
  return source;
}

class PatternReader {
  readonly #pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#pattern.length;
  }

  fail(what: string): SoraError {
    return new SoraError('bad_data', `error parsing regexp: ${what}: \`${this.#pattern}\``, { status: 400 });
  }

  /** Reads up to the closing bracket of the group, or the end. */
  alternation(outer: Flags): string {
    let flags = outer;
    let out = '';
    let isOpen = false;
    /** Whether something stands before that a repetition may follow. */
    let hasAtom = false;
    while (!this.isAtEnd && this.#peek() !== ')') {
      const inline = this.#inlineFlags(flags);
      if (inline !== undefined) {
        out += isOpen ? ')' : '';
        flags = inline;
        const opening = modifierGroup(outer, flags);
        isOpen = opening !== '';
        out += opening;
        hasAtom = false;
      } else if (this.#take('|')) {
        out += isOpen ? `)|${modifierGroup(outer, flags)}` : '|';
        hasAtom = false;
      } else {
        const repetition = this.#repetition(flags);
        if (repetition !== undefined && !hasAtom) throw this.fail('missing argument to repetition operator');
        out += repetition ?? this.#atom(flags);
        hasAtom = repetition === undefined;
      }
    }
    return isOpen ? `${out})` : out;
  }

  #peek(ahead = 0): string {
    return this.#pattern[this.#at + ahead] ?? '';
  }

  #take(text: string): boolean {
    if (!this.#pattern.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #match(form: RegExp): RegExpExecArray | undefined {
    form.lastIndex = this.#at;
    const found = form.exec(this.#pattern);
    if (found === null) return undefined;
    this.#at = form.lastIndex;
    return found;
  }

  #inlineFlags(flags: Flags): Flags | undefined {
    const found = this.#match(/\(\?([imsU]*)(?:-([imsU]+))?\)/y);
    return found === undefined ? undefined : withFlags(flags, found[1] ?? '', found[2] ?? '');
  }

  #repetition(flags: Flags): string | undefined {
    const simple = this.#match(/[*+?]\??/y)?.[0];
    if (simple !== undefined) return greed(simple, flags);
    const counted = this.#match(/\{(\d+)(?:(,)(\d*))?\}\??/y);
    if (counted === undefined) return undefined;
    const [whole, from = '', , to = ''] = counted;
    if (Number(from) > repeatMax || Number(to) > repeatMax || (to !== '' && Number(to) < Number(from))) throw this.fail(`invalid repeat count ${whole}`);
    return greed(whole, flags);
  }

  #atom(flags: Flags): string {
    const next = this.#peek();
    if (next === '(') return this.#group(flags);
    if (next === '[') return this.#charClass();
    if (next === '\\') return this.#escape(false);
    const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at) ?? 0);
    this.#at += character.length;
    // In brackets, so that a repetition may follow them, which is idle but allowed.
    if (character === '^' || character === '$') return `(?:${character})`;
    return character === '.' ? character : escapeLiteral(character);
  }

  #group(flags: Flags): string {
    const named = this.#match(/\(\?P?<([A-Za-z_0-9]+)>/y);
    const marked = named === undefined ? this.#match(/\(\?([imsU]*)(?:-([imsU]+))?:/y) : undefined;
    if (named === undefined && marked === undefined && this.#pattern.startsWith('(?', this.#at)) throw this.fail('invalid or unsupported Perl syntax');
    let opening = named === undefined ? '(' : `(?<${named[1]}>`;
    let inner = flags;
    if (marked !== undefined) {
      inner = withFlags(flags, marked[1] ?? '', marked[2] ?? '');
      const group = modifierGroup(flags, inner);
      opening = group === '' ? '(?:' : group;
    } else if (named === undefined) this.#at += 1;
    const body = this.alternation(inner);
    if (!this.#take(')')) throw this.fail('missing closing )');
    return `${opening}${body})`;
  }

  #charClass(): string {
    this.#at += 1;
    let out = this.#take('^') ? '[^' : '[';
    let isFirst = true;
    while (isFirst || this.#peek() !== ']') {
      if (this.isAtEnd) throw this.fail('missing closing ]');
      out += this.#classItem();
      isFirst = false;
    }
    this.#at += 1;
    return `${out}]`;
  }

  #classItem(): string {
    const posix = this.#match(/\[:(\^?)([a-z]+):\]/y);
    if (posix !== undefined) {
      const inside = posixClasses[posix[2] ?? ''];
      if (inside === undefined || posix[1] !== '') throw this.fail(`invalid character class range ${posix[0]}`);
      return inside;
    }
    if (this.#peek() === '\\') return this.#escape(true);
    const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at) ?? 0);
    this.#at += character.length;
    return character === '-' ? '-' : escapeLiteral(character);
  }

  #escape(isInClass: boolean): string {
    const quoted = isInClass ? undefined : this.#match(/\\Q([^]*?)(?:\\E|$)/y);
    if (quoted !== undefined) return `(?:${Array.from(quoted[1] ?? '', (each) => escapeLiteral(each)).join('')})`;
    const code = this.#match(/\\(?:x\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{2})|(0[0-7]{0,2}|[1-7][0-7]{2}))/y);
    if (code !== undefined) return `\\u{${(code[3] === undefined ? Number.parseInt(code[1] ?? code[2] ?? '', 16) : Number.parseInt(code[3], 8)).toString(16)}}`;
    const property = this.#match(/\\([pP])(?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))/y);
    if (property !== undefined) return this.#property(property);
    const letter = this.#peek(1);
    this.#at += 2;
    const perl = perlClasses[letter.toLowerCase()];
    if (perl !== undefined) return this.#perlClass(letter, perl, isInClass);
    if (controls[letter] !== undefined) return controls[letter];
    if (!isInClass && (letter === 'b' || letter === 'B')) return `(?:\\${letter})`;
    if (!isInClass && letter === 'A') return '(?:(?<![^]))';
    if (!isInClass && letter === 'z') return '(?:(?![^]))';
    if (letter === '') throw this.fail('trailing backslash at end of expression');
    if (/[0-9A-Za-z]/.test(letter) || letter > '\x7f') throw this.fail(`invalid escape sequence \\${letter}`);
    return letter === '-' ? '\\x2d' : escapeLiteral(letter);
  }

  #perlClass(letter: string, inside: string, isInClass: boolean): string {
    const isNegated = letter !== letter.toLowerCase();
    if (!isInClass) return `[${isNegated ? '^' : ''}${inside}]`;
    if (!isNegated) return inside;
    return letter === 'D' ? '\\D' : letter === 'W' ? '\\W' : '\\x00-\\x08\\v\\x0e-\\x1f!-\\u{10FFFF}';
  }

  #property([, kind, negation, long, short]: RegExpExecArray): string {
    const name = long ?? short ?? '';
    const isNegated = (kind === 'P') !== (negation === '^');
    return `\\${isNegated ? 'P' : 'p'}{${scripts.test(name) ? name : `Script=${name}`}}`;
  }
}

function withFlags(flags: Flags, on: string, off: string): Flags {
  const after = (flag: keyof Flags): boolean => (flags[flag] || on.includes(flag)) && !off.includes(flag);
  return { i: after('i'), m: after('m'), s: after('s'), U: after('U') };
}

/** What opens a group in which `inner` holds inside `outer`; empty where nothing changes. */
function modifierGroup(outer: Flags, inner: Flags): string {
  const flags = ['i', 'm', 's'] as const;
  const on = flags.filter((flag) => inner[flag] && !outer[flag]).join('');
  const off = flags.filter((flag) => !inner[flag] && outer[flag]).join('');
  if (on === '' && off === '') return '';
  return `(?${on}${off === '' ? '' : `-${off}`}:`;
}

function greed(repetition: string, { U }: Flags): string {
  if (!U) return repetition;
  return repetition.length > 1 && repetition.endsWith('?') ? repetition.slice(0, -1) : `${repetition}?`;
}

const escapeLiteral = (character: string): string => (/[\\^$.*+?()[\]{}|/-]/.test(character) ? (character === '-' ? '\\x2d' : `\\${character}`) : character);
