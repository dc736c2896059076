import { textAt } from './openapi-document.ts';
import type { OpenApiDocument } from './openapi-document.ts';
import type { Operation, Parameter } from './openapi-operations.ts';
import { givenValue, sampleOf } from './openapi-sample.ts';
import type { Credential } from './openapi-security.ts';
import { joinTexts, textOf } from './plan.ts';
import type { RequestPlan, Template } from './plan.ts';
import { looksSecret } from './secret-texts.ts';
import type { SecretBook } from './secrets.ts';

/** Answers a value that is carried from a reply; undefined where there is none. */
type ValueOf = (parameter: Parameter) => Template | undefined;

/** A call of an operation with all that it requires; a text says why it cannot be made. */
export function requestOf(
  document: OpenApiDocument, operation: Operation, carried: ValueOf, credentials: readonly Credential[], book: SecretBook,
): Omit<RequestPlan, 'takes'> | string {
  const path = new Map<string, Template>();
  const query: Template[] = [];
  const headers: [string, Template][] = [];
  const cookies: Template[] = [];
  for (const parameter of operation.parameters) {
    const holes = carried(parameter);
    const value = holes === undefined ? valueOf(document, parameter) : undefined;
    if (holes === undefined && value === undefined) {
      if (parameter.isRequired) return `its ${parameter.in} parameter ${parameter.name} has no example, and none can be made from its schema`;
      continue;
    }
    const text = (encode: (text: string) => string): Template => holes ?? guard(simpleText(value, parameter, encode), parameter.name, book);
    if (parameter.in === 'path') path.set(parameter.name, text(encodeURIComponent));
    else if (parameter.in === 'header') headers.push([parameter.name.toLowerCase(), text(String)]);
    else if (parameter.in === 'cookie') cookies.push([...textOf(`${parameter.name}=`), ...text(encodeURIComponent)]);
    else query.push(...queryPairs(parameter, value, book));
  }
  for (const credential of credentials) {
    const value = credential.value(book);
    if (credential.in === 'query') query.push([...textOf(`${encodeURIComponent(credential.name)}=`), ...value]);
    else if (credential.in === 'cookie') cookies.push([...textOf(`${credential.name}=`), ...value]);
    else headers.push([credential.name.toLowerCase(), value]);
  }
  if (cookies.length > 0) headers.push(['cookie', joinTexts(joinWith(cookies, '; '))]);
  return { method: operation.method, path: joinTexts([...pathOf(document, operation.path, path), ...joinQuery(query)]), headers, body: { kind: 'none' }, status: operation.status };
}

/** What the author gave; where it is required, else the plainest that fits. */
function valueOf(document: OpenApiDocument, { node, schema, isRequired }: Parameter): unknown {
  const type = document.resolve(schema);
  const given = givenValue(document, node) ?? (type === undefined ? undefined : givenValue(document, type));
  return given !== undefined || !isRequired ? given : sampleOf(document, schema);
}

/** A text that an example may hold by mistake stays out of the file. */
function guard(text: string, name: string, book: SecretBook): Template {
  return looksSecret(decodeURIComponent(text.replaceAll(/%(?![0-9A-Fa-f]{2})/g, '%25'))) ? [{ kind: 'secret', name: book.nameOf(text, name) }] : textOf(text);
}

const scalarText = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

/** Style `simple`: lists and objects with commas (OpenAPI 3, Style Values). */
function simpleText(value: unknown, { isJson, node }: Parameter, encode: (text: string) => string): string {
  if (isJson) return encode(JSON.stringify(value));
  if (Array.isArray(value)) return value.map((item) => encode(scalarText(item))).join(',');
  if (typeof value !== 'object' || value === null) return encode(scalarText(value));
  return Object.entries(value).map(([key, item]) => `${encode(key)}${node['explode'] === true ? '=' : ','}${encode(scalarText(item))}`).join(',');
}

/** Style `form`, `spaceDelimited`, `pipeDelimited` and `deepObject`, exploded unless told otherwise. */
function queryPairs(parameter: Parameter, value: unknown, book: SecretBook): Template[] {
  const { name, node, isJson } = parameter;
  const pair = (key: string, text: string): Template => [...textOf(`${encodeURIComponent(key)}=`), ...guard(encodeURIComponent(text), name, book)];
  if (isJson || typeof value !== 'object' || value === null) return [pair(name, isJson ? JSON.stringify(value) : scalarText(value))];
  const style = node['style'] ?? 'form';
  const isExploded = node['explode'] === undefined ? style === 'form' : node['explode'] === true;
  if (Array.isArray(value)) {
    const separator = style === 'spaceDelimited' ? ' ' : style === 'pipeDelimited' ? '|' : ',';
    return isExploded ? value.map((item) => pair(name, scalarText(item))) : [pair(name, value.map(scalarText).join(separator))];
  }
  const entries = Object.entries(value);
  if (style === 'deepObject') return entries.map(([key, item]) => pair(`${name}[${key}]`, scalarText(item)));
  return isExploded ? entries.map(([key, item]) => pair(key, scalarText(item))) : [pair(name, entries.flatMap(([key, item]) => [key, scalarText(item)]).join(','))];
}

/** The path below the first server's own, with its values. */
function pathOf(document: OpenApiDocument, path: string, values: ReadonlyMap<string, Template>): Template {
  const parts = path.split(/(\{[^{}]+\})/).map((part): Template => {
    const name = /^\{(.+)\}$/.exec(part)?.[1];
    return name === undefined ? textOf(encodeURI(part)) : (values.get(name) ?? []);
  });
  return [...textOf(basePath(document)), ...parts.flat()];
}

function basePath(document: OpenApiDocument): string {
  const server = document.root.servers?.[0];
  if (server === undefined) return '';
  const variables = document.resolve(server['variables']) ?? {};
  const url = server.url.replaceAll(/\{([^{}]+)\}/g, (whole, name: string) => textAt(document.resolve(variables[name]), 'default') ?? whole);
  return (URL.parse(url, 'http://server.invalid')?.pathname ?? '').replace(/\/+$/, '');
}

function joinQuery(pairs: readonly Template[]): Template {
  return pairs.length === 0 ? [] : [...textOf('?'), ...joinWith(pairs, '&')];
}

function joinWith(parts: readonly Template[], separator: string): Template {
  return parts.flatMap((part, index) => (index === 0 ? part : [...textOf(separator), ...part]));
}
