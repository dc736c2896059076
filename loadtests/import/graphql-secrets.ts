import { isSecretByLook, isSecretField, isSecretWord } from './secret-names.ts';

/** GraphQL documents (spec.graphql.org): a login that sends its values as variables holds no secret and stays readable. */

const literal = /"""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*"/g;
const argument = /(\$?[A-Za-z_]\w*)\s*:\s*(?=(\S[^\s,)}\]]*))/g;
const fallback = /\$[A-Za-z_]\w*\s*:\s*[\w![\]]+\s*=\s*\S/;

/** Whether a text is a GraphQL document, and no JSON. */
export function isGraphQl(text: string): boolean {
  return /^\s*(?:#[^\n]*\n\s*)*(?:(?:query|mutation|subscription|fragment)\b[^{;]{0,4000}\{|\{\s*\w+(?:\s*:\s*\w+)?\s*[({])/.test(text) && /\}\s*$/.test(text);
}

/**
 * Whether a document has a value written out where its argument is a secret's, or one that is a secret by itself.
 * @param isSecretText judges texts in quotes
 */
export function graphQlHoldsSecret(text: string, isSecretText: (literal: string) => boolean): boolean {
  if ([...text.matchAll(literal)].some(([quoted]) => isSecretText(unquoted(quoted)) || isSecretWord(unquoted(quoted)))) return true;
  const bare = text.replaceAll(literal, '""');
  if ([...bare.matchAll(/#([^\n]*)/g)].some(([, comment = '']) => isSecretText(comment))) return true;
  // `token: accessToken` renames a field, but within round brackets it is an argument and an enum's value.
  const inBrackets = [...bare.matchAll(/\(([^()]*)\)/g)].flatMap(([, inner = '']) => [...inner.matchAll(argument)]);
  if (fallback.test(bare) && inBrackets.some(([, name = '']) => isSecretField(name))) return true;
  if (inBrackets.some(([, name = '', value = '']) => !name.startsWith('$') && isSecretField(name) && !/^(?:\$|(?:true|false|null)$)/.test(value))) return true;
  return [...text.matchAll(argument)].some(([, name = '', value = '']) => !name.startsWith('$') && /^[\\"\d{[-]/.test(value) && (isSecretField(name) || isSecretByLook(name, unquoted(value))));
}

const unquoted = (text: string): string => text.replace(/^\\?"+/, '').replace(/\\?"+$/, '');

/** A document without what its arguments and variables refer to, which are names. */
export const withoutVariables = (text: string): string => text.replaceAll(/:\s*(?:\$\w+|\[*[A-Za-z_]\w*[!\]]*)/g, ' ');
