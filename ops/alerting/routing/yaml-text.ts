/** YAML as Alertmanager reads it: what a scalar means is decided by the field it stands in. */
import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import type { z } from 'zod';
import { invalidConfig } from '../../core/error.ts';

/** Scalars as they are written, lists and maps; what is null is left out. */
export type YamlValue = string | readonly YamlValue[] | { readonly [key: string]: YamlValue };

/** Something wrong in a file, at a path such as `route.routes[1].receiver`. */
export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface YamlText {
  readonly value: YamlValue | undefined;
  /** Line of the innermost part of the path that stands in the file, from 1. */
  lineOf(path: readonly (string | number)[]): number;
}

const sizeMax = 1_048_576;

/**
 * @param name of the file, for messages
 * @throws SoraError `invalid_config` with every syntax error and double key
 */
export function readYaml(name: string, text: string): YamlText {
  if (text.length > sizeMax) throw invalidConfig(`${name} has ${text.length} characters; at most ${sizeMax} are taken`, 'split what it describes');
  const lines = new LineCounter();
  const document = parseDocument(text, { schema: 'failsafe', lineCounter: lines, prettyErrors: false, uniqueKeys: true, merge: true });
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => `${name}:${lines.linePos(error.pos[0]).line}: ${error.message}`);
    throw invalidConfig(problems.join('\n'), 'correct the YAML');
  }
  return {
    value: valueOf(document.contents, document, 0),
    lineOf: (path) => lines.linePos(offsetOf(document, path)).line,
  };
}

const depthMax = 60;

function valueOf(node: Node | null, document: Document, depth: number): YamlValue | undefined {
  if (depth > depthMax) throw invalidConfig(`the YAML is nested more than ${depthMax} levels deep`, 'make it flatter');
  if (node === null) return undefined;
  if (isAlias(node)) return valueOf(node.resolve(document) ?? null, document, depth + 1);
  if (isScalar(node)) {
    const text = typeof node.value === 'string' ? node.value : '';
    const isPlain = node.type === undefined || node.type === 'PLAIN';
    return isPlain && /^(|~|null|Null|NULL)$/.test(text) ? undefined : text;
  }
  if (isSeq<Node>(node)) return node.items.map((item) => valueOf(item, document, depth + 1) ?? '');
  if (!isMap<Node, Node | null>(node)) return undefined;
  const entries = node.items.map(({ key, value }) => [String(isScalar(key) ? key.value : key), valueOf(value ?? null, document, depth + 1)] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, YamlValue] => entry[1] !== undefined));
}

function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as Node | undefined;
    if (node?.range != null) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

/** The entries of a map; none of anything else. */
export function entriesOf(value: YamlValue | undefined): Readonly<Record<string, YamlValue | undefined>> {
  return value !== undefined && typeof value !== 'string' && !isItems(value) ? value : {};
}

/** The items of a list; none of anything else. */
export function itemsOf(value: YamlValue | undefined): readonly YamlValue[] {
  return value !== undefined && typeof value !== 'string' && isItems(value) ? value : [];
}

/** A text that is not empty. */
export function textOf(value: YamlValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

const isItems = (value: YamlValue): value is readonly YamlValue[] => Array.isArray(value);

/** `route.routes[1].receiver` */
export function formatPath(path: readonly (string | number)[]): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`)).join('');
}

/** The problems zod found, with unknown keys each as one. */
export function problemsOf(error: z.ZodError): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ path: [...path, key], message: 'is not known here' }));
    if (issue.code === 'invalid_type' && issue.input === undefined) return [{ path, message: 'is missing' }];
    return [{ path, message: issue.message }];
  });
}

/**
 * One error of all problems, in the order of the file.
 * @param name of the file
 */
export function problemsError(name: string, yaml: YamlText, problems: readonly Problem[], hint: string): Error {
  const lines = problems
    .map(({ path, message }) => ({ line: yaml.lineOf(path), text: `${formatPath(path) || 'the file'}: ${message}` }))
    .sort((one, other) => one.line - other.line);
  return invalidConfig(lines.map(({ line, text }) => `${name}:${line}: ${text}`).join('\n'), hint);
}
