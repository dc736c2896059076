import { listOf, objectOf, textAt } from './openapi-document.ts';
import type { Node, OpenApiDocument } from './openapi-document.ts';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header' | 'cookie';
  readonly isRequired: boolean;
  /** The whole parameter, which may hold an example beside its schema. */
  readonly node: Node;
  readonly schema: unknown;
  /** Sent as JSON: it has `content` in place of a schema. */
  readonly isJson: boolean;
}

/** One safe operation of a document. */
export interface Operation {
  readonly method: 'GET' | 'HEAD';
  /** As the document has it: `/posts/{postId}`. */
  readonly path: string;
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** Alternatives of schemes by name; one of them suffices. Empty: open to all. */
  readonly security: readonly (readonly string[])[];
  /** The one status of success that is named; undefined where there are none or several. */
  readonly status: number | undefined;
  /** The schema of the JSON that success answers. */
  readonly reply: unknown;
}

/** The safe operations, in the document's order: GET and HEAD, which change nothing (RFC 9110, 9.2.1). */
export function safeOperations(document: OpenApiDocument): Operation[] {
  return Object.entries(document.root.paths).flatMap(([path, node]) => {
    const item = path.startsWith('/') ? document.resolve(node) : undefined;
    return (['get', 'head'] as const).flatMap((key) => {
      const operation = objectOf(item?.[key]);
      return operation === undefined || item === undefined ? [] : [readOperation(document, path, key === 'get' ? 'GET' : 'HEAD', item, operation)];
    });
  });
}

function readOperation(document: OpenApiDocument, path: string, method: Operation['method'], item: Node, operation: Node): Operation {
  const parameters = new Map<string, Parameter>();
  // What an operation says of a parameter replaces what its path says.
  for (const node of [...listOf(item['parameters']), ...listOf(operation['parameters'])]) {
    const parameter = readParameter(document, node);
    if (parameter !== undefined) parameters.set(`${parameter.in} ${parameter.name}`, parameter);
  }
  return {
    method,
    path,
    name: textAt(operation, 'operationId') ?? `${method} ${path}`,
    parameters: [...parameters.values()],
    security: listOf(operation['security'] ?? document.root.security).map((alternative) => Object.keys(objectOf(alternative) ?? {})),
    ...readSuccess(document, objectOf(operation['responses']) ?? {}),
  };
}

function readParameter(document: OpenApiDocument, reference: unknown): Parameter | undefined {
  const node = document.resolve(reference);
  const name = textAt(node, 'name');
  const place = textAt(node, 'in');
  if (node === undefined || name === undefined || (place !== 'path' && place !== 'query' && place !== 'header' && place !== 'cookie')) return undefined;
  // OpenAPI has these described elsewhere and says to ignore them here.
  if (place === 'header' && /^(?:accept|content-type|authorization)$/i.test(name)) return undefined;
  const content = objectOf(Object.values(objectOf(node['content']) ?? {})[0]);
  return { name, in: place, isRequired: place === 'path' || node['required'] === true, node, schema: content?.['schema'] ?? node['schema'], isJson: content !== undefined };
}

function readSuccess(document: OpenApiDocument, responses: Node): Pick<Operation, 'status' | 'reply'> {
  const good = Object.keys(responses).filter((status) => /^[23](?:\d\d|XX)$/i.test(status)).toSorted();
  const [only] = good;
  const content = objectOf(document.resolve(responses[only ?? 'default'])?.['content']) ?? {};
  const json = Object.entries(content).find(([type]) => /[/+]json\b/i.test(type))?.[1];
  return { status: good.length === 1 && only !== undefined && /^\d+$/.test(only) ? Number(only) : undefined, reply: objectOf(json)?.['schema'] };
}
