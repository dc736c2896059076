/**
 * The look over a log line that decides whether redaction has to read it at all: one table lookup a
 * character, about a nanosecond. It may say yes for nothing; where it says no, no rule of
 * redact-text.ts and no key of redact.ts matches, which a property test checks.
 */

/** Words, in any case, that a rule or a key needs. Separators stand for themselves. */
const words = [
  '@', 'eyj', '"pass"', 'passw', 'passphrase', 'pass-phrase', 'pass_phrase', 'pwd', 'secret', 'token', 'authori', '"auth"', 'cookie',
  'bearer', 'basic', 'credential', 'iban', 'email', 'e-mail', 'phone', '"mobile', '"jwt"', '"otp"', '"pin"', '"cvv', '"cvc', '"pan"',
  '"ssn"', '"nino"', '"dni"', '"nie"', 'sk_', 'pk_', 'rk_', 'whsec', 'ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'ghp-', 'gho-', 'ghu-',
  'ghs-', 'ghr-', 'glpat', 'xox', 'akia', 'asia', 'aiza',
  ...['api key', 'access key', 'private key', 'session id', 'card number', 'social security', 'national id', 'tax id', 'steuer id'].flatMap(
    (word) => ['', ' ', '-', '_', '.'].map((separator) => word.replace(' ', separator)),
  ),
];

const classCount = 34;
/** Class of a character: letters folded, then what words contain; 0 for all else. */
const classes = new Uint8Array(256);
Array.from('abcdefghijklmnopqrstuvwxyz"@_- .').forEach((character, index) => {
  classes[character.charCodeAt(0)] = index + 1;
  classes[character.toUpperCase().charCodeAt(0)] = index + 1;
});

/** Set in a state of the table that ends a word. */
const accepts = 0x8000;
const { table, tokenState } = buildAutomaton(words);

/** Aho and Corasick's automaton as one table; a state is the index of its row. */
function buildAutomaton(list: readonly string[]): { table: Uint16Array; tokenState: number } {
  const children: Map<number, number>[] = [new Map()];
  const ends: boolean[] = [false];
  const endOf = new Map<string, number>();
  for (const word of list) {
    let state = 0;
    for (const character of word) {
      const step = classes[character.charCodeAt(0)] ?? 0;
      const next = children[state]?.get(step) ?? children.push(new Map()) - 1;
      children[state]?.set(step, next);
      state = next;
    }
    ends[state] = true;
    endOf.set(word, state);
  }
  const next = new Uint16Array(children.length * classCount);
  const final = new Uint8Array(children.length);
  const failure = new Uint16Array(children.length);
  const queue = [0];
  for (const state of queue) {
    final[state] = ends[state] === true || final[failure[state] ?? 0] === 1 ? 1 : 0;
    for (let step = 0; step < classCount; step++) {
      const fallback = state === 0 ? 0 : (next[(failure[state] ?? 0) * classCount + step] ?? 0);
      const child = children[state]?.get(step);
      next[state * classCount + step] = child ?? fallback;
      if (child === undefined) continue;
      failure[child] = fallback;
      queue.push(child);
    }
  }
  const rows = next.map((state) => (state * classCount) | (final[state] === 1 ? accepts : 0));
  return { table: rows, tokenState: (endOf.get('token') ?? 0) * classCount };
}

/** Digits that make a number worth reading: eight in a chain of groups, decimals apart. */
const chainMin = 8;
/** Separators allowed between two digits of one chain. */
const gapMax = 2;

/** Bytes are read twice as fast as characters of a string that was just put together. */
const scratch = Buffer.alloc(32_768);

/** True where the text from `from` on holds a telling word or a number that could name a card, a phone or a person. */
export function isSuspicious(text: string, from = 0): boolean {
  // Latin-1 keeps the low byte of each character: what others become can only add to the suspicion.
  const bytes = text.length <= scratch.length ? scratch : Buffer.from(text, 'latin1');
  const length = bytes === scratch ? scratch.write(text, 'latin1') : bytes.length;
  let state = 0;
  let digits = 0;
  let inDecimals = false;
  let gap = 0;
  let grouped = false;
  for (let index = from; index < length; index++) {
    const code = bytes[index] ?? 0;
    if (code >= 48 && code <= 57) {
      // +1.4155552671 is a way to write a phone number, 12.345678901 is none.
      if (digits === 0) grouped = bytes[index - 1] === 43;
      digits++;
      gap = 0;
      if (!inDecimals && digits >= chainMin) return true;
      state = 0;
      continue;
    }
    state = table[state + (classes[code] ?? 0)] ?? 0;
    if (state >= accepts) {
      state -= accepts;
      // `tokens` are what AI models and wallets count.
      if (state !== tokenState || ((index + 1 < length ? (bytes[index + 1] ?? 0) : 0) | 32) !== 115) return true;
    }
    if (digits === 0) continue;
    if (code === 46 && gap === 0 && !inDecimals && !grouped) {
      // The first dot may begin decimals, unless something else has separated groups before.
      inDecimals = true;
      gap = 1;
    } else if ((isSeparator(code) || code === 46) && gap < gapMax) {
      grouped = true;
      inDecimals = false;
      gap++;
    } else {
      if (digits >= 6 && isPersonalNumber(text, index)) return true;
      digits = 0;
      inDecimals = false;
      gap = 0;
    }
  }
  return false;
}

/** Space ( ) - / _ and the two narrow spaces: U+00A0, and U+2009, whose low byte is 9. */
function isSeparator(code: number): boolean {
  return code === 32 || code === 40 || code === 41 || code === 45 || code === 47 || code === 95 || code === 0xa0 || code === 9;
}

const personalNumber = /(?:[a-z]{2} ?\d\d ?\d\d ?\d\d ?[a-d]|[xyz]-?\d{7}-?[a-z])$/i;

/** A UK or Spanish number that ends with the letter at `index`. */
function isPersonalNumber(text: string, index: number): boolean {
  return personalNumber.test(text.slice(Math.max(0, index - 13), index + 1));
}
