import type { Fill } from './correlate.ts';
import { decodeEntities } from './html-fields.ts';
import { textOf } from './plan.ts';
import type { Template } from './plan.ts';
import { isSecretField, isSecretWord, nameAmong, ownerAmong } from './secret-names.ts';
import { xmlText } from './xml-text.ts';

/** A text or an attribute's value; `name` is the attribute's, '' for a text. */
interface Value {
  readonly raw: string;
  readonly name: string;
}

interface Element {
  /** Without its namespace. */
  readonly name: string;
  /** From `<` to `>`. */
  readonly open: (string | Value)[];
  readonly children: (string | Value | Element)[];
  close: string;
}

const depthMax = 64;
const attributes = /(\s+([^\s<>/="']+)\s*=\s*)(?:"([^"<]*)"|'([^'<]*)')/g;
const declaration = /^\s*<\?xml[^<>]*\?>/;
const token = /<(\/?)([^\s<>/="'!?]+)((?:\s+[^\s<>/="']+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)(\s*\/?>)|([^<]+)/y;

/**
 * The holes of an XML document, each value asked for by the name of its element or attribute.
 * @returns undefined for what is no XML, or XML with comments, CDATA or a document type
 */
export function planXml(text: string, fill: Fill): Template | undefined {
  const root = readXml(text);
  return root === undefined ? undefined : root.children.flatMap((child) => planChild(child, root, undefined, fill));
}

function readXml(text: string): Element | undefined {
  const root: Element = { name: '', open: [], children: [], close: '' };
  const stack = [root];
  const head = declaration.exec(text)?.[0] ?? '';
  root.children.push(head);
  token.lastIndex = head.length;
  while (token.lastIndex < text.length) {
    const [all, slash, name = '', inner = '', end = '', raw] = token.exec(text) ?? [];
    const current = stack.at(-1);
    if (all === undefined || current === undefined) return undefined;
    if (raw !== undefined) current.children.push(...(raw.trim() === '' ? [raw] : [{ raw, name: '' }]));
    else if (slash === '/') {
      if (stack.length === 1 || localOf(name) !== current.name) return undefined;
      current.close = all;
      stack.pop();
    } else {
      const element: Element = { name: localOf(name), open: [`<${name}`, ...readAttributes(inner), end], children: [], close: '' };
      current.children.push(element);
      if (!end.endsWith('/>') && stack.push(element) > depthMax) return undefined;
    }
  }
  const isOne = root.children.filter((child) => typeof child === 'object').length === 1 && root.children.every((child) => typeof child === 'string' || 'open' in child);
  return stack.length === 1 && isOne ? root : undefined;
}

const localOf = (name: string): string => name.slice(name.lastIndexOf(':') + 1);

function readAttributes(text: string): (string | Value)[] {
  return [...text.matchAll(attributes)].flatMap(([, start = '', name = '', double, single]) => {
    const quote = double === undefined ? "'" : '"';
    return [start + quote, { raw: double ?? single ?? '', name: localOf(name) }, quote];
  });
}

/** @param of the secret name that everything within belongs to */
function planElement(element: Element, of: string | undefined, fill: Fill): Template {
  const attributesOf = element.open.flatMap((part) => (typeof part === 'string' ? [] : [[part.name, decodeEntities(part.raw)] as const]));
  const held = nameAmong(attributesOf);
  const ownerOf = ownerAmong(attributesOf);
  const open = element.open.flatMap((part) => (typeof part === 'string' ? textOf(part) : planValue(part, part.name, of ?? ownerOf(part.name), fill)));
  const inner = of ?? (isSecretField(element.name) ? element.name : held);
  return [...open, ...element.children.flatMap((child) => planChild(child, element, inner, fill)), ...textOf(element.close)];
}

function planChild(child: string | Value | Element, parent: Element, of: string | undefined, fill: Fill): Template {
  if (typeof child === 'string') return textOf(child);
  if (!('open' in child)) return planValue(child, parent.name, of, fill);
  return planElement(child, of ?? nameBeside(child, parent), fill);
}

/** `<name>password</name><value>…</value>`, and `<key>password</key><string>…</string>`. */
function nameBeside(child: Element, parent: Element): string | undefined {
  const leaves = parent.children.flatMap((each) => (typeof each === 'object' && 'open' in each ? [each] : []));
  const before = leaves[leaves.indexOf(child) - 1];
  const text = before === undefined ? undefined : leafText(before);
  if (isSecretWord(text)) return text;
  return ownerAmong(leaves.map((leaf) => [leaf.name, leafText(leaf)]))(child.name);
}

function leafText({ children: [only, ...more] }: Element): string | undefined {
  return more.length === 0 && typeof only === 'object' && 'raw' in only ? decodeEntities(only.raw).trim() : undefined;
}

function planValue({ raw }: Value, name: string, of: string | undefined, fill: Fill): Template {
  const core = raw.trim();
  const at = raw.indexOf(core);
  const filled = fill({ text: decodeEntities(core), name, kind: 'xml', of });
  // What stays as recorded keeps its spelling.
  const template: Template = filled.every(({ kind }) => kind === 'text') ? textOf(core) : filled.map((part) => (part.kind === 'text' ? { kind: 'text', text: xmlText(part.text) } : part));
  return [...textOf(raw.slice(0, at)), ...template, ...textOf(raw.slice(at + core.length))];
}
