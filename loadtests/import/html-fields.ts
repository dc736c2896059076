/** Reads what a page hands to its next request: hidden inputs and meta tags, without building a document. */

/** At most 4,000 characters and quoted values, so that a tag which never ends costs little. */
const tag = /<(input|meta)\b((?:[^>"']|"[^"]*"|'[^']*'){0,4000})>/gi;
const attribute = /([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?/g;
const entity = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(amp|lt|gt|quot|apos));/gi;
const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
/** Fields read of one page; the rest is not looked at. */
const fieldsMax = 500;

export interface HtmlField {
  readonly kind: 'hidden-input' | 'meta';
  readonly name: string;
  readonly value: string;
}

/** The hidden inputs and named meta tags of a page, in order; at most 500. */
export function htmlFields(html: string): HtmlField[] {
  const fields: HtmlField[] = [];
  for (const [, kind = '', text = ''] of html.matchAll(tag)) {
    const attributes = readAttributes(text);
    const name = attributes.get('name');
    if (name === undefined || name === '') continue;
    if (kind.toLowerCase() === 'meta') fields.push({ kind: 'meta', name, value: attributes.get('content') ?? '' });
    else if (attributes.get('type')?.toLowerCase() === 'hidden') fields.push({ kind: 'hidden-input', name, value: attributes.get('value') ?? '' });
    if (fields.length >= fieldsMax) break;
  }
  return fields;
}

function readAttributes(text: string): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const [, name = '', double, single, bare] of text.matchAll(attribute)) {
    // The first of a name counts, as in a browser.
    if (!attributes.has(name.toLowerCase())) attributes.set(name.toLowerCase(), decodeEntities(double ?? single ?? bare ?? ''));
  }
  return attributes;
}

/** The text that HTML or XML stands for. */
export function decodeEntities(text: string): string {
  return text.replaceAll(entity, (match, decimal: string | undefined, hex: string | undefined, name: string | undefined) => {
    if (name !== undefined) return named[name.toLowerCase()] ?? match;
    const point = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    return point <= 0x10ffff ? String.fromCodePoint(point) : match;
  });
}
