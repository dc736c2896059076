import { isSensitiveKey } from '../../ops/telemetry/redact.ts';
import { redactText } from '../../ops/telemetry/redact-text.ts';
import { isGraphQl, graphQlHoldsSecret, withoutVariables } from './graphql-secrets.ts';
import { isPersonalName, isSecretByLook, isSecretField, isSecretName, isSecretWord, ownerAmong } from './secret-names.ts';
import { isOrdinary, isWordy } from './wordy.ts';

/** What texts hold, whatever their own name: JSON, markup, GraphQL, addresses and what people write. */

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const opaque = /^[\w+/=.~-]{24,}$/;
/** Texts within texts are looked into so deep. */
const depthMax = 4;

/** Whether a text of unknown shape names a secret: any of its words, or two side by side. */
export function namesSecret(text: string): boolean {
  return secretWordsOf(text).length > 0;
}

/** The names of secrets in a text. @param others takes the words that are none */
function secretWordsOf(text: string, others: string[] = []): string[] {
  const found: string[] = [];
  let before = '';
  for (const [word] of text.matchAll(/[\p{L}\p{N}_-]+/gu)) {
    const isSecret = isSecretName(word);
    if (isSecret) {
      found.push(word);
      // `password-hunter2` is one word and tells both.
      others.push(...word.split(/[-_]/).filter((piece) => piece !== word && piece !== '' && !isSecretName(piece)));
    } else if (before !== '' && areSecret(before, word)) {
      found.push(`${before} ${word}`);
      others.pop();
    } else others.push(word);
    before = isSecret ? '' : word;
  }
  return found;
}

/** `api key`, `verification code`: two words that name a secret together. */
const areSecret = (before: string, word: string): boolean => isSensitiveKey(`${before} ${word}`) || (/^codes?$/i.test(word) && isSecretName(`${before}${word}`));

/** Whether a text speaks of a secret and may tell it: "forgot password" does not, "password hunter2" does. */
export function mentionsSecret(text: string): boolean {
  const others: string[] = [];
  const found = secretWordsOf(text, others);
  if (found.length === 0) return false;
  // An address or a number of somebody has its own shape; a message may speak of e-mail.
  if (found.every(isPersonalName)) return /\d{5,}|@/.test(text.replaceAll(/(?<=\d)[\s()/.-]{1,2}(?=\d)/g, ''));
  return others.some((word) => !isOrdinary(word));
}

/** Whether a value holds a secret within it, be it JSON, markup, GraphQL, an address, or what somebody wrote. */
export function holdsSecret(text: string, depth = 0): boolean {
  if (text.length < 4 || depth > depthMax) return false;
  const decoded = decodedOf(text);
  if (decoded !== undefined && holdsSecret(decoded, depth + 1)) return true;
  const document = /^\s*[[{"]/.test(text) ? parse(text) : undefined;
  if (document !== undefined) return treeHoldsSecret(document, depth);
  if (isGraphQl(text)) return graphQlHoldsSecret(text, (literal) => holdsSecret(literal, depth + 1) || looksSecret(literal));
  if (/^\s*[[{]/.test(text) && [...text.matchAll(/["']([^"'\\]{1,64})(?=\\{0,3}["'])/g)].some(([, word = '']) => isSecretName(word))) return true;
  if (/^\s*</.test(text) && [...text.matchAll(/<[^<>]{1,1000}>/g)].some(([tag]) => namesSecret(tag))) return true;
  return pairsHoldSecret(text) || (/[\s([{]/.test(text.trim()) ? mentionsSecret(text) : tellsSecret(text));
}

/** `pin-4711`: one word that names a secret and has digits beside it. */
function tellsSecret(text: string): boolean {
  const pieces = text.split(/[^\p{L}\p{N}]+/u);
  return pieces.some((piece) => isSecretName(piece) && !isPersonalName(piece)) && pieces.some((piece) => piece.length >= 4 && /\d/.test(piece) && !isSecretName(piece) && !isOrdinary(piece));
}

/** What percent encoding or base64 hides; undefined where a text is neither. */
function decodedOf(text: string): string | undefined {
  try {
    if (/%[0-9a-f]{2}/i.test(text)) return decodeURIComponent(text);
  } catch {
    return undefined;
  }
  // What JSON and markup begin with.
  return /^(?:ey|W3|WyJ|PD|PG)[\w+/=-]{6,}$/.test(text) ? Buffer.from(text, 'base64').toString('utf8') : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function treeHoldsSecret(value: unknown, depth: number): boolean {
  if (depth > 64) return true;
  if (typeof value === 'string') return isSecretWord(value) || holdsSecret(value, Math.min(depth, depthMax - 1) + 1) || looksSecret(value);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some((item) => treeHoldsSecret(item, depth));
  const entries = Object.entries(value);
  const ownerOf = ownerAmong(entries);
  return entries.some(([key, child]) => (child !== null && typeof child !== 'boolean' && (isSecretField(key) || ownerOf(key) !== undefined || isSecretByLook(key, String(child)))) || looksSecret(key) || treeHoldsSecret(child, depth));
}

const pair = /(?<![\p{L}\p{N}_.[\]-])([\p{L}\p{N}_.[\]-]{1,64})\\{0,3}["']?\s{0,4}(=(?!=)|:(?!\/\/))\s{0,4}\\{0,3}(["']?[^\s"',;&]?[^\s"',;&?]*)/gu;

/** Whether a text has `name=value` or `name: value` with the name of a secret, as addresses and settings have. */
function pairsHoldSecret(text: string): boolean {
  const entries = [...text.matchAll(pair)].map(([, name = '', sign = '', value = '']) => ({ name, sign, value: value.replace(/^["']/, '') })).filter(({ value }) => value !== '');
  const queried = entries.filter(({ sign }) => sign === '=').map(({ name, value }) => [name, value] as const);
  const ownerOf = ownerAmong(queried);
  return entries.some(({ name, value }) => isSecretField(name) || isSecretByLook(name, value)) || queried.some(([name]) => ownerOf(name) !== undefined);
}

/** Keys that say what they are, of more kinds than the logs look for. */
const prefixed = /(?<![\w-])(?:tok|token|pat|sess|secret|key|shpat|npm|hf|dapi|sq0[a-z]{3})[-_][A-Za-z0-9]{10,}/g;

/**
 * Whether a text looks like a secret or personal data whatever its name: what the logs redact, long
 * hexadecimal digits, and long mixes of capitals, small letters and digits. A UUID is an id.
 */
export function looksSecret(text: string): boolean {
  const judged = isGraphQl(text) ? withoutVariables(text) : text;
  if (redactText(judged) !== judged || isOpaque(text)) return true;
  if ([...text.matchAll(prefixed)].some(([key]) => !isWordy(key))) return true;
  return text.length >= 24 && /[^\w+=~-]/.test(text) && text.split(/[^\w+=~-]+/).some((piece) => isOpaque(piece) && !isWordy(piece));
}

function isOpaque(text: string): boolean {
  if (uuid.test(text) || !opaque.test(text)) return false;
  if (/^[0-9a-f]{32,}$/i.test(text)) return true;
  return /[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text) && bitsPerCharacter(text) > 3.5;
}

/** Shannon entropy of the characters. */
function bitsPerCharacter(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((bits, count) => bits - (count / text.length) * Math.log2(count / text.length), 0);
}
