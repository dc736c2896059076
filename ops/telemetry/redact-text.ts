import { findCards, isDni, isSteuerId } from './redact-numbers.ts';
import { isSuspicious } from './redact-scan.ts';

/** What stands in a line where a value was. */
export const redacted = '[redacted]';

/** Names of values that are secret in free text, before `=` or `:`. */
const secretName =
  'passw(?:or)?d|passphrase|pwd|secret|token(?!s)|api[-_ ]?key|access[-_]?key|private[-_]?key|credential|session[-_]?id';
/** Quoted, quoted within JSON within text, or one word, which may follow a quote that never ends. */
const value = String.raw`"(?:[^"\\]|\\.)*"|'[^']*'|\\+"[^"]*"|["'\\]*[^\s"',;&]+`;
/** What stands between a name and its value: quotes, blanks, and = or :. */
const sign = String.raw`\\{0,3}["']?\s{0,4}[:=]\s{0,4}`;

const rules = {
  privateKey: /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g,
  /** To the end of the line: a cookie header holds several pairs, an authorization a scheme and a value. */
  header: /((?:proxy-)?authori[sz]ation|(?:set-)?cookie2?)(["']?\s{0,4}[:=]\s{0,4})[^\r\n]+/gi,
  pair: new RegExp(String.raw`((?:${secretName})[\w-]{0,40})(${sign})(?:${value})`, 'gi'),
  bearer: /\b(bearer|basic)\s{1,4}[\w.~+/=-]{16,}/gi,
  jwt: /eyJ[\w-]{4,}\.[\w-]{4,}(?:\.[\w-]*)*/g,
  /** Keys that say themselves what they are: Stripe, GitHub, GitLab, Slack, AWS, Google. */
  providerKey: /(?:[srp]k_(?:live|test)|whsec|gh[pousr]|glpat|xox[abeprs])[-_][\w-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{35}/g,
  urlCredentials: /(:\/\/)[^\s/@"']{1,256}@/g,
  email: /[\p{L}\p{N}.!#$%&*+/=?^_`{|}~'-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,63}/gu,
};

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** Hashes, trace and span ids of the usual lengths, with a letter. */
const hexId = String.raw`\b(?=\d*[a-f])(?:[0-9a-f]{16}|[0-9a-f]{24}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})\b`;
/** 13 digits or more with at most one separator between two; never the digits behind a decimal point. */
const digitGroups = String.raw`(?<!\d|\d\.)\d(?:[ ._\u00a0\u2009-]?\d){12,}(?!\.\d)`;
const cards = new RegExp(`${uuid}|${hexId}|(${digitGroups})`, 'gi');

/** A word boundary that a letter, a digit, a hyphen and a decimal point do not make. */
const open = String.raw`(?<![\w+-]|\d\.)`;
const close = String.raw`(?![\w-]|\.\d)`;
const bounded = (pattern: string): RegExp => new RegExp(open + pattern + close, 'gi');

const people: readonly { readonly pattern: RegExp; readonly mark: string; readonly accepts?: (text: string) => boolean }[] = [
  // US social security number with separators; the areas, groups and serials never issued are left alone.
  { pattern: bounded(String.raw`(?!000|666|9)\d{3}([- ])(?!00)\d\d\1(?!0000)\d{4}`), mark: '[ssn]' },
  // UK national insurance number.
  { pattern: bounded(String.raw`(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]`), mark: '[nino]' },
  { pattern: bounded(String.raw`[1-9]\d ?\d{3} ?\d{3} ?\d{3}`), mark: '[tax-id]', accepts: (text) => isSteuerId(text.replaceAll(' ', '')) },
  { pattern: bounded(String.raw`(?:[XYZ]-?\d{7}|\d{8})-?[A-Z]`), mark: '[dni]', accepts: isDni },
  // International: + and 8 to 15 digits.
  { pattern: /(?<![\w+])\+[1-9](?:[ .()/\u00a0-]{0,2}\d){7,14}(?!\d)/g, mark: '[phone]' },
  // North America: (415) 555-2671, 1-415-555-2671.
  { pattern: bounded(String.raw`(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{4}`), mark: '[phone]' },
  // A trunk 0 and 10 or 11 digits in all, as in Europe; a date (21-11-2026 10…) has the same shape.
  { pattern: bounded(String.raw`(?!\d\d([-./ ])\d\d\1(?:19|20)\d\d)\(?0[1-9](?:[ .()/-]{0,2}\d){8,9}`), mark: '[phone]' },
];

/**
 * Replaces in free text what must not be logged: e-mail addresses, phone numbers, national ids (US
 * SSN, UK NINO, German Steuer-ID, Spanish DNI and NIE), card numbers, bearer tokens, JWTs, cookies,
 * provider and private keys, passwords in URLs, and values behind names such as `password=`. Where a
 * check digit exists it decides. Not seen: phone and social security numbers written without any
 * separator or country code, and names and street addresses.
 */
export function redactText(text: string): string {
  return isSuspicious(text) ? applyRules(text) : text;
}

/** All rules, without the look beforehand that saves most texts from them. */
export function applyRules(text: string): string {
  let result = text;
  if (result.includes('PRIVATE KEY')) result = result.replace(rules.privateKey, redacted);
  result = result
    .replace(rules.header, `$1$2${redacted}`)
    .replace(rules.pair, `$1$2${redacted}`)
    .replace(rules.bearer, `$1 ${redacted}`)
    .replace(rules.providerKey, redacted);
  if (result.includes('eyJ')) result = result.replace(rules.jwt, '[jwt]');
  if (result.includes('@')) result = result.replace(rules.urlCredentials, `$1${redacted}@`).replace(rules.email, '[email]');
  return /\d\D{0,4}\d/.test(result) ? redactNumbers(result) : result;
}

function redactNumbers(text: string): string {
  let result = text.replace(cards, (match: string, digits: string | undefined) =>
    digits === undefined ? match : redactCards(digits),
  );
  for (const { pattern, mark, accepts } of people) {
    result = result.replace(pattern, (match: string) => (isDecimal(match) || accepts?.(match) === false ? match : mark));
  }
  return result;
}

/** Digits, one dot, digits: a measurement and nobody's number. */
const isDecimal = (text: string): boolean => /^\d+\.\d+$/.test(text);

function redactCards(text: string): string {
  if (isDecimal(text)) return text;
  const parts = text.split(/([^\d])/);
  const groups = parts.filter((_, index) => index % 2 === 0);
  for (const [first, last] of findCards(groups).toReversed()) parts.splice(first * 2, (last - first) * 2 + 1, '[card]');
  return parts.join('');
}
