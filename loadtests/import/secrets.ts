import { isSensitiveKey } from '../../ops/telemetry/redact.ts';
import { redactText } from '../../ops/telemetry/redact-text.ts';
import { Names, upperName } from './names.ts';

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const opaque = /^[\w+/=.~-]{24,}$/;
/** A secret shorter than this is replaced only where it stands alone. */
const withinMin = 6;

/** Whether a name says that its value is a secret or personal. */
export const isSecretName = isSensitiveKey;

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
