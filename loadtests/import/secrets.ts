import { Names, plainName, upperName } from './names.ts';

/** A secret shorter than this is replaced only where it stands alone. */
const withinMin = 6;

/** The secrets of a recording, and the names under which a scenario reads them from the environment. */
export class SecretBook {
  readonly #prefix: string;
  readonly #names = new Names('_');
  readonly #byValue = new Map<string, string>();
  readonly #told: readonly string[];

  /**
   * @param scenario its name, which begins every name
   * @param told values that no name may hold: the word that names a thing in one place is a password in another
   */
  constructor(scenario: string, told: readonly string[] = []) {
    this.#told = told.map(plainName).filter((value) => value.length >= withinMin);
    const prefix = upperName(scenario, 'SCENARIO');
    this.#prefix = /^\d/.test(prefix) ? `SCENARIO_${prefix}` : prefix;
  }

  /** The name of a value, new where it has none. @param what what it is, such as `password` */
  nameOf(value: string, what: string): string {
    const known = this.#byValue.get(value);
    if (known !== undefined) return known;
    const name = this.#names.take(`${this.#prefix}_${upperName(this.untold(what, 'secret'), 'SECRET')}`);
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

  /** The name, or what is said in its place where it holds a secret. */
  untold(name: string, instead: string): string {
    const plain = plainName(name);
    return this.#told.some((value) => plain.includes(value)) ? instead : name;
  }

  get values(): string[] {
    return [...this.#byValue.keys()];
  }

  get count(): number {
    return this.#byValue.size;
  }
}
