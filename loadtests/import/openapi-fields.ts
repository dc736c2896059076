import { plainName, singular } from './names.ts';
import { listOf, objectOf, textAt } from './openapi-document.ts';
import type { Node, OpenApiDocument } from './openapi-document.ts';
import type { Operation } from './openapi-operations.ts';

/** A value that a reply is said to hold. */
export interface Field {
  /** Where; of a list the first item. */
  readonly path: readonly (string | number)[];
  readonly name: string;
  /** What it may be called besides: `Post_id` for the `id` of a Post. */
  readonly fullNames: readonly string[];
}

const depthMax = 6;
const fieldsMax = 2_000;
/** Keys that hold a list and do not say of what. */
const wrappers = new Set(['items', 'data', 'results', 'content', 'records', 'rows', 'entries', 'list', 'values', 'value']);

/** The texts and numbers of an operation's reply, by its schema. */
export function fieldsOf(document: OpenApiDocument, operation: Operation): Field[] {
  const fields: Field[] = [];
  const noun = nounOf(operation.path);
  const visit = (schema: unknown, path: readonly (string | number)[], owners: readonly string[], depth: number): void => {
    if (depth > depthMax || fields.length >= fieldsMax) return;
    const component = /\/([^/]+)$/.exec(textAt(objectOf(schema), '$ref') ?? '')?.[1];
    const node = document.resolve(schema);
    if (node === undefined) return;
    const all = component === undefined ? owners : [component, ...owners];
    for (const part of [...listOf(node['allOf']), ...listOf(node['oneOf']).slice(0, 1), ...listOf(node['anyOf']).slice(0, 1)]) visit(part, path, all, depth + 1);
    if (node['items'] !== undefined) visit(node['items'], [...path, 0], all, depth + 1);
    for (const [name, child] of Object.entries(objectOf(node['properties']) ?? {})) {
      const owner = wrappers.has(plainName(name)) ? all : [singular(name)];
      visit(child, [...path, name], owner, depth + 1);
      if (isScalar(document.resolve(child))) fields.push({ path: [...path, name], name, fullNames: all.map((of) => `${of}_${name}`) });
    }
  };
  visit(operation.reply, [], noun === '' ? [] : [noun], 0);
  return fields;
}

function isScalar(node: Node | undefined): boolean {
  const types = [node?.['type']].flat();
  return types.includes('string') || types.includes('integer') || types.includes('number');
}

/** What a path is about: `post` of `/v1/posts/{postId}`. */
function nounOf(path: string): string {
  return singular(path.split('/').findLast((segment) => segment !== '' && !segment.includes('{')) ?? '');
}

/** A field that holds the value a path needs: of the list of the same collection, else of the first reply that has one. */
export function fieldFor<Provider extends { readonly operation: Operation; readonly fields: readonly Field[] }>(
  parameter: string, path: string, providers: readonly Provider[],
): { readonly provider: Provider; readonly field: Field } | undefined {
  const before = path.slice(0, path.indexOf(`{${parameter}}`)).replace(/\/$/, '');
  const isBare = /^(?:id|uuid|guid|key|slug|name|code)$/i.test(parameter);
  const wanted = plainName(isBare ? `${nounOf(before)}${parameter}` : parameter);
  const found = providers.flatMap((provider, index) =>
    provider.fields.flatMap((field) => {
      const isSameList = provider.operation.path === before;
      const isNamed = plainName(field.name) === plainName(parameter) && (isSameList || !isBare);
      const isMeant = field.fullNames.some((name) => plainName(name) === wanted) || (isSameList && /^(?:id|uuid|guid)$/i.test(field.name) && field.path.includes(0));
      return isNamed || isMeant ? [{ provider, field, isSameList, index, depth: field.path.length }] : [];
    }),
  );
  return found.toSorted((a, b) => Number(b.isSameList) - Number(a.isSameList) || a.index - b.index || a.depth - b.depth)[0];
}
