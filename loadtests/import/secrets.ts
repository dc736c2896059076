import { isSensitiveKey } from '../../ops/telemetry/redact.ts';
import { redactText } from '../../ops/telemetry/redact-text.ts';
import { Names, plainName, upperName, wordsOf } from './names.ts';

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const opaque = /^[\w+/=.~-]{24,}$/;
/** A secret shorter than this is replaced only where it stands alone. */
const withinMin = 6;

/** Longer words of a name are judged with the whole: `tokenCount` is none, `pin` of `user[pin]` is. */
const ownWordMax = 4;

/** Whether a name, or a short word of it, says that its value is a secret or personal. */
export function isSecretName(name: string): boolean {
  return isSensitiveKey(name) || wordsOf(name.slice(0, 256)).some((word) => word.length <= ownWordMax && isSensitiveKey(word));
}

/** Whether a text of unknown shape speaks of a secret: any of its words, or two side by side, names one. */
export function mentionsSecret(text: string): boolean {
  let before = '';
  for (const [word] of text.matchAll(/[\p{L}\p{N}_-]+/gu)) {
    if (isSecretName(word) || isSensitiveKey(`${before} ${word}`)) return true;
    before = word;
  }
  return false;
}

/** Whether a value is itself JSON or markup that names a secret. */
export function holdsSecret(text: string): boolean {
  if (/^\s*[[{]/.test(text)) return [...text.matchAll(/["']([^"'\\]{1,64})(?=\\{0,3}["'])/g)].some(([, word = '']) => isSecretName(word));
  return /^\s*</.test(text) && [...text.matchAll(/<[^<>]{1,1000}>/g)].some(([tag]) => mentionsSecret(tag));
}

const valueKey = /^(?:\w*values?|val|v|data|contents?|text|answer|input|raw|plain(?:text)?|default|body|str(?:ing)?)$/;

/** Whether a key only says that here is a value, as in `{ name: 'password', value: '…' }`. */
export const isValueKey = (key: string): boolean => valueKey.test(plainName(key));

/** A text that is a name, and that of a secret. */
export const isSecretWord = (text: unknown): text is string => typeof text === 'string' && /^[\w .:/[\]-]{1,64}$/.test(text) && isSecretName(text);

/** Of values that stand beside each other, the name of a secret that one of them is: `password` in the example above. */
export function nameAmong(entries: readonly (readonly [key: string, value: unknown])[]): string | undefined {
  return entries.flatMap(([key, value]) => (!isValueKey(key) && isSecretWord(value) ? [value] : []))[0];
}

/**
 * Whether a text looks like a secret or personal data whatever its name: what the logs redact, long
 * hexadecimal digits, and long mixes of capitals, small letters and digits. A UUID is an id.
 */
export function looksSecret(text: string): boolean {
  if (redactText(text) !== text) return true;
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

/** The secrets of a recording, and the names under which a scenario reads them from the environment. */
export class SecretBook {
  readonly #prefix: string;
  readonly #names = new Names('_');
  readonly #byValue = new Map<string, string>();

  /** @param scenario its name, which begins every name */
  constructor(scenario: string) {
    const prefix = upperName(scenario, 'SCENARIO');
    this.#prefix = /^\d/.test(prefix) ? `SCENARIO_${prefix}` : prefix;
  }

  /** The name of a value, new where it has none. @param what what it is, such as `password` */
  nameOf(value: string, what: string): string {
    const known = this.#byValue.get(value);
    if (known !== undefined) return known;
    const name = this.#names.take(`${this.#prefix}_${upperName(what, 'SECRET')}`);
    this.#byValue.set(value, name);
    return name;
  }

  find(value: string): string | undefined {
    return this.#byValue.get(value);
  }

  /** The name of a value that stands within a longer text. */
  findWithin(value: string): string | undefined {
    return value.length < withinMin ? undefined : this.#byValue.get(value);
  }

  get count(): number {
    return this.#byValue.size;
  }
}
