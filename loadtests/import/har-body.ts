import type { Fill } from './correlate.ts';
import { isGraphQl } from './graphql-secrets.ts';
import { sentTextOf } from './har.ts';
import type { HarEntry } from './har.ts';
import { boundaryOf, readMultipart, writeMultipart } from './multipart.ts';
import type { Multipart } from './multipart.ts';
import { joinTexts, textOf } from './plan.ts';
import type { BodyPlan, JsonPlan, Template } from './plan.ts';
import { plainName } from './names.ts';
import { isSecretField, isSecretName, isSecretWord, ownerAmong } from './secret-names.ts';
import { holdsSecret, looksSecret, mentionsSecret } from './secret-texts.ts';
import { looksRandom } from './wordy.ts';
import { planXml } from './xml-body.ts';

/** A body, and the type to send where the engine does not set it. */
export interface PlannedBody {
  readonly body: BodyPlan;
  readonly type: string | undefined;
}

/** Deeper bodies are sent as text. */
const depthMax = 64;
const formType = 'application/x-www-form-urlencoded';
/** Of a form that was recorded without its own. */
const ownBoundary = 'sora-import-boundary';

/**
 * The body of a recorded request, taken apart so that every value is asked for with its name: forms,
 * multipart, JSON and XML. Of a text of another kind nothing is kept where it speaks of a secret.
 */
export function planBody(entry: HarEntry, fill: Fill): PlannedBody {
  const { mimeType = '', params = [] } = entry.request.postData ?? {};
  const text = sentTextOf(entry) ?? '';
  if (text === '' && params.length === 0) return { body: { kind: 'none' }, type: undefined };
  const mime = mimeType.replaceAll(/[^\x20-\x7e]/g, '').trim();
  const type = mime === '' ? undefined : mime;
  if (/^multipart\//i.test(mime)) return planMultipart(entry, text, mime, fill);
  if (mime.toLowerCase().startsWith(formType) || text === '') return { body: planForm(text === '' ? params.map(({ name, value }) => [name, value ?? '']) : [...new URLSearchParams(text)], fill), type: type ?? formType };
  const document = /json/i.test(mime) ? parseJson(text) : undefined;
  if (document !== undefined && !hasSecretKey(document.value)) {
    return { body: { kind: 'json', json: planJson(document.value, 'body', undefined, fill) }, type: /^application\/json\s*(?:;\s*charset=utf-8\s*)?$/i.test(mime) ? undefined : type };
  }
  const xml = /xml/i.test(mime) || /^\s*</.test(text) ? planXml(text, fill) : undefined;
  return { body: xml === undefined ? planText(text, document !== undefined, fill) : { kind: 'text', text: joinTexts(xml), isXml: true }, type };
}

function planText(text: string, isSecret: boolean, fill: Fill): BodyPlan {
  return { kind: 'text', text: fill({ text, name: 'body', kind: 'text', of: isSecret || (isGraphQl(text) ? holdsSecret(text) : mentionsSecret(text) || holdsSecret(text)) ? 'body' : undefined }) };
}

function planForm(pairs: readonly (readonly [name: string, text: string])[], fill: Fill): BodyPlan {
  // Names are written into the scenario, and one may be an address or a token.
  if (pairs.some(([name]) => looksSecret(name))) return planText(new URLSearchParams(pairs.map(([name, text]): [string, string] => [name, text])).toString(), true, fill);
  const ownerOf = ownerAmong(pairs);
  return { kind: 'form', fields: pairs.map(([name, text]) => [name, fill({ text, name, kind: 'form', of: ownerOf(name) })]) };
}

function planMultipart(entry: HarEntry, recorded: string, mime: string, fill: Fill): PlannedBody {
  const named = boundaryOf(mime);
  const boundary = named ?? ownBoundary;
  const text = recorded === '' ? writeMultipart(entry.request.postData?.params ?? [], boundary) : recorded;
  const read = readMultipart(text, boundary);
  const body: BodyPlan = read === undefined ? planText(text, false, fill) : { kind: 'text', text: joinTexts(planFields(read, fill)) };
  return { body, type: named === undefined && recorded === '' ? `${mime.replace(/\s*;.*$/s, '')}; boundary=${boundary}` : mime };
}

function planFields({ delimiter, fields, end }: Multipart, fill: Fill): Template {
  const ownerOf = ownerAmong(fields.map(({ name, value }) => [name, value]));
  const planned = fields.flatMap(({ head, name, isFile, value, tail }) => {
    const isFree = isFile || name === '';
    const of = isFree ? (mentionsSecret(value) || holdsSecret(value) ? 'file' : undefined) : ownerOf(name);
    return [...textOf(delimiter), ...fill({ text: head, name: 'part', kind: 'text' }), ...fill({ text: value, name: name === '' ? 'part' : name, kind: 'form', of }), ...textOf(tail)];
  });
  return [...planned, ...textOf(delimiter + end)];
}

/** Undefined where the text is no JSON, or writing it again would change it. */
function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    // A bare text would go out without its quotes.
    return typeof value === 'object' && value !== null && isExact(value, 0) ? { value } : undefined;
  } catch {
    return undefined;
  }
}

function isExact(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  return depth < depthMax && Object.values(value).every((child) => isExact(child, depth + 1));
}

/** Keys are written into the scenario, and one may be an address or a token, or the session among `tokens`. */
function hasSecretKey(value: unknown, isWithin = false): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, child]) => (!Array.isArray(value) && (looksSecret(key) || (isWithin && looksRandom(key)))) || hasSecretKey(child, isWithin || isSecretEntry(key, child)));
}

/** Answers to questions may be many things; numbers of tokens are what AI models and wallets count. */
function isSecretEntry(key: string, child: unknown): boolean {
  if (plainName(key) === 'tokens') return typeof child !== 'number';
  return typeof child === 'object' ? isSecretName(key) || (isSecretField(key) && !/answers?$/i.test(key)) : isSecretField(key);
}

/** @param of the secret name that the value belongs to, at any depth */
function planJson(value: unknown, name: string, of: string | undefined, fill: Fill): JsonPlan {
  if (typeof value === 'string' || typeof value === 'number') {
    const template = fill({ text: String(value), name, kind: typeof value === 'number' ? 'number' : 'json', of });
    return template.every(({ kind }) => kind === 'text') ? { kind: 'value', value } : { kind: 'template', template, isNumber: typeof value === 'number' };
  }
  if (Array.isArray(value)) {
    const [first, ...rest] = value as readonly unknown[];
    // ['password', '…']
    const held = rest.length === 1 && isSecretWord(first) ? first : undefined;
    return { kind: 'array', items: value.map((item, index) => planJson(item, name, of ?? (index === 1 ? held : undefined), fill)) };
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    const ownerOf = ownerAmong(entries);
    return { kind: 'object', entries: entries.map(([key, child]) => [key, planJson(child, key, of ?? (isSecretEntry(key, child) ? key : ownerOf(key)), fill)]) };
  }
  return { kind: 'value', value: value === true ? true : value === false ? false : null };
}
