/** Names for what an import finds: variables, operations, environment values. */

/** Lower case, letters and digits only, to compare names that were written differently. */
export function plainName(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** The words of a name, however they are joined: `newPass` and `new-pass` to `new`, `pass`. */
export const wordsOf = (text: string): string[] =>
  text.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').split(/[^A-Za-z0-9]+/).filter((word) => word !== '');

/** `post-id` to `postId`; an identifier, at most 40 characters, never a name that every object has. */
export function camelName(text: string, fallback: string): string {
  const words = wordsOf(text).map((word) => (word === word.toUpperCase() ? word.toLowerCase() : word));
  const joined = words.map((word, index) => (index === 0 ? word.charAt(0).toLowerCase() : word.charAt(0).toUpperCase()) + word.slice(1)).join('').slice(0, 40);
  if (joined === '') return fallback;
  const name = /^\d/.test(joined) ? `${fallback}${joined}` : joined;
  return name in {} || reserved.has(name) ? `${name}Value` : name;
}

/** `GET /posts/{id}` to `get-posts-id`; at most 50 characters. */
export function kebabName(text: string, fallback: string): string {
  return wordsOf(text).join('-').toLowerCase().slice(0, 50).replace(/-+$/, '') || fallback;
}

/** `accessToken` to `ACCESS_TOKEN`; at most 40 characters. */
export function upperName(text: string, fallback: string): string {
  return wordsOf(text).join('_').toUpperCase().slice(0, 40).replace(/_+$/, '') || fallback;
}

/** `posts` to `post`, `categories` to `category`; English as APIs write it. */
export function singular(word: string): string {
  if (/ies$/i.test(word) && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(?:ss|us|is)$/i.test(word)) return word;
  if (/(?:x|ch|sh|ss|z)es$/i.test(word)) return word.slice(0, -2);
  return /s$/i.test(word) && word.length > 3 ? word.slice(0, -1) : word;
}

/** Gives each name once: `name`, `name2`, … */
export class Names {
  readonly #taken: Set<string>;
  readonly #separator: string;

  constructor(separator = '', taken: readonly string[] = []) {
    this.#separator = separator;
    this.#taken = new Set(taken);
  }

  take(wanted: string): string {
    let name = wanted;
    for (let count = 2; this.#taken.has(name); count++) name = `${wanted}${this.#separator}${count}`;
    this.#taken.add(name);
    return name;
  }
}

/** Words that cannot name a function. */
const reserved = new Set(
  ('await async break case catch class const continue debugger default delete do else enum export extends false finally for function if implements import in ' +
    'instanceof interface let new null package private protected public return static super switch this throw true try typeof undefined var void while with ' +
    'yield eval arguments NaN Infinity').split(' '),
);
