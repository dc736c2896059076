import { listOf, objectOf, textAt } from './openapi-document.ts';
import type { Node, OpenApiDocument } from './openapi-document.ts';

/** Values for parameters, from their schemas: what the author gave first, then the plainest that fits. */

const depthMax = 32;
/** Schemas looked at for one value; one that holds itself twice would else be endless. */
const schemasMax = 2_000;
const repeatMax = 4_096;
const formats: Readonly<Record<string, string>> = {
  uuid: '00000000-0000-4000-8000-000000000001', date: '2026-01-31', 'date-time': '2026-01-31T12:00:00Z', time: '12:00:00Z', duration: 'PT1M', email: 'user@example.com',
  uri: 'https://example.com/', url: 'https://example.com/', 'uri-reference': '/', hostname: 'example.com', ipv4: '192.0.2.1', ipv6: '2001:db8::1', byte: 'YQ==',
};
/** Tried in turn where a text must match a pattern. */
const guesses = ['a', 'abc', 'abcdefgh', '1', '12', '123', '12345678', 'A', 'ABC', 'en', 'en-US', 'a-b', 'a_b', 'a1', 'A1', '0', '2026', '2026-01-31', '1.0.0', 'EUR', 'a@example.com', ...Object.values(formats)];

/** What the author of a parameter or schema gave: an example, a constant, a default or the first of an enumeration. */
export function givenValue(document: OpenApiDocument, node: Node): unknown {
  if (node['example'] !== undefined) return node['example'];
  const examples = node['examples'];
  // A parameter names its examples, a schema of 3.1 lists them.
  const named = objectOf(examples);
  const first = named === undefined ? listOf(examples)[0] : document.resolve(Object.values(named)[0])?.['value'];
  return first ?? node['const'] ?? node['default'] ?? listOf(node['enum']).find((value) => value !== null);
}

/** The plainest value that a schema allows; undefined where none is found, as with a pattern nobody can guess. */
export function sampleOf(document: OpenApiDocument, schema: unknown): unknown {
  return sample({ document, left: schemasMax }, schema, 0);
}

interface Search {
  readonly document: OpenApiDocument;
  left: number;
}

function sample(search: Search, schema: unknown, depth: number): unknown {
  const { document } = search;
  const node = document.resolve(schema);
  if (node === undefined) return schema === true || schema === undefined ? 'a' : undefined;
  const given = givenValue(document, node);
  if (given !== undefined || depth > depthMax || search.left-- <= 0) return given;
  const all = listOf(node['allOf']).map((part) => document.resolve(part) ?? {});
  if (all.length > 0) return sample(search, mergeAll([...all, { ...node, allOf: [] }]), depth + 1);
  for (const part of [...listOf(node['oneOf']), ...listOf(node['anyOf'])]) {
    const value = sample(search, part, depth + 1);
    if (value !== undefined && value !== null) return value;
  }
  return sampleOfType(search, node, depth);
}

function sampleOfType(search: Search, node: Node, depth: number): unknown {
  switch (typeOf(node)) {
    case 'integer':
    case 'number':
      return sampleNumber(node);
    case 'boolean':
      return true;
    case 'array': {
      const item = sample(search, node['items'], depth + 1);
      const length = Math.min(100, Math.max(1, numberAt(node, 'minItems') ?? 1));
      return item === undefined ? undefined : Array.from({ length }, () => item);
    }
    case 'object': {
      const properties = objectOf(node['properties']) ?? {};
      const entries = listOf(node['required']).map((name): [string, unknown] => [String(name), sample(search, properties[String(name)], depth + 1)]);
      return entries.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(entries);
    }
    case 'null':
      return null;
    default:
      return sampleText(node);
  }
}

/** The type; of several the first that is not null, of none what the keywords tell. */
function typeOf(node: Node): string {
  const { type } = node;
  if (typeof type === 'string') return type;
  const several = listOf(type).find((name) => typeof name === 'string' && name !== 'null');
  if (typeof several === 'string') return several;
  if (node['properties'] !== undefined) return 'object';
  if (node['items'] !== undefined) return 'array';
  return node['minimum'] !== undefined || node['maximum'] !== undefined ? 'number' : 'string';
}

/** 1 where it is allowed, else the bound nearest to it, on a multiple where one is asked for. */
function sampleNumber(node: Node): number | undefined {
  const isWhole = typeOf(node) === 'integer';
  // 3.0 says that a bound is exclusive by a boolean beside it, 3.1 by the bound itself.
  const step = isWhole ? 1 : 1e-6;
  const lowest = Math.max(bound(node, 'minimum', 'exclusiveMinimum', step) ?? Number.NEGATIVE_INFINITY, bound(node, 'exclusiveMinimum', '', step) ?? Number.NEGATIVE_INFINITY);
  const highest = Math.min(bound(node, 'maximum', 'exclusiveMaximum', -step) ?? Number.POSITIVE_INFINITY, bound(node, 'exclusiveMaximum', '', -step) ?? Number.POSITIVE_INFINITY);
  const grain = numberAt(node, 'multipleOf') ?? (isWhole ? 1 : undefined);
  const wanted = Math.min(highest, Math.max(lowest, 1));
  const value = grain === undefined ? wanted : Math.ceil(wanted / grain) * grain;
  return value <= highest && value >= lowest ? value : grain === undefined ? undefined : lastMultiple(highest, lowest, grain);
}

function lastMultiple(highest: number, lowest: number, grain: number): number | undefined {
  const value = Math.floor(highest / grain) * grain;
  return value >= lowest ? value : undefined;
}

function bound(node: Node, key: string, exclusiveKey: string, step: number): number | undefined {
  const value = numberAt(node, key);
  if (value === undefined) return undefined;
  return exclusiveKey === '' || node[exclusiveKey] === true ? value + step : value;
}

function sampleText(node: Node): string | undefined {
  const least = numberAt(node, 'minLength') ?? 0;
  const most = numberAt(node, 'maxLength') ?? Number.POSITIVE_INFINITY;
  const plain = 'a'.repeat(Math.min(repeatMax, Math.max(Math.min(1, most), least)));
  const format = formats[textAt(node, 'format') ?? ''];
  const pattern = patternOf(node);
  const fits = (text: string): boolean => text.length >= least && text.length <= most && (pattern?.test(text) ?? true);
  return [...(format === undefined ? [] : [format]), ...(pattern === undefined ? [plain] : guesses), plain].find(fits);
}

function patternOf(node: Node): RegExp | undefined {
  const pattern = node['pattern'];
  if (typeof pattern !== 'string') return undefined;
  try {
    return new RegExp(pattern, 'u');
  } catch {
    // Not of ECMA-262; then nothing can be said to fit it.
    return /(?!)/;
  }
}

function numberAt(node: Node, key: string): number | undefined {
  const value = node[key];
  return typeof value === 'number' ? value : undefined;
}

/** Schemas that must all hold, as one; what several say of the same is taken from the last. */
function mergeAll(parts: readonly Node[]): Node {
  const properties = Object.fromEntries(parts.flatMap((part) => Object.entries(objectOf(part['properties']) ?? {})));
  const required = parts.flatMap((part) => listOf(part['required']));
  return { ...Object.fromEntries(parts.flatMap((part) => Object.entries(part))), ...(Object.keys(properties).length > 0 ? { properties } : {}), required };
}
