import { assertNever } from '../../ops/core/error.ts';
import type { Template } from './plan.ts';

/** Source text of values: whatever they hold, what is written reads back as the same value. */

/** A string literal in single quotes. */
export function literal(text: string): string {
  return `'${escapeText(text, "'")}'`;
}

function escapeText(text: string, quote: "'" | '`'): string {
  let written = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (character === '\\' || character === quote || (quote === '`' && character === '$')) written += `\\${character}`;
    else if (character === '\n') written += '\\n';
    else if (character === '\r') written += '\\r';
    else if (character === '\t') written += '\\t';
    else if (isUnsafe(code)) written += `\\u{${code.toString(16)}}`;
    else written += character;
  }
  return written;
}

/** Controls, line separators, direction marks that hide what a line says, and halves of pairs. */
function isUnsafe(code: number): boolean {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0xad || (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) || (code >= 0xd800 && code <= 0xdfff) || code === 0xfeff || (code >= 0xfff9 && code <= 0xffff);
}

/** Text of a comment: one line that cannot end the comment. */
export function commentText(text: string): string {
  return escapeText(text, '`').replaceAll('*/', '* /').replaceAll('\\`', '`').replaceAll('\\$', '$');
}

/** A name of an object's property, quoted where it must be; `__proto__` would else set the prototype. */
export function propertyName(name: string): string {
  if (name === '__proto__') return "['__proto__']";
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name);
}

/** An expression of type string. @param encoder the function that what fills the holes goes through */
export function templateText(template: Template, encoder?: 'encodeURIComponent' | 'xmlText'): string {
  const only = template[0];
  if (only === undefined) return "''";
  if (template.length === 1 && only.kind === 'text') return literal(only.text);
  if (template.length === 1 && encoder === undefined) return holeText(only);
  const parts = template.map((part) => (part.kind === 'text' ? escapeText(part.text, '`') : `\${${encoder === undefined ? holeText(part) : `${encoder}(${holeText(part)})`}}`));
  return `\`${parts.join('')}\``;
}

function holeText(part: Template[number]): string {
  switch (part.kind) {
    case 'text':
      return literal(part.text);
    case 'carried':
      return `carried(user, ${literal(part.name)})`;
    case 'secret':
      return `secret(user, ${literal(part.name)})`;
    case 'basic':
      return `basic(secret(user, ${literal(part.name)}))`;
    case 'write-id':
      return 'user.writeId()';
    default:
      return assertNever(part);
  }
}
