import { z } from 'zod';
import { invalidConfig } from '../../ops/core/error.ts';

/** An object of a document whose shape is not known. */
export type Node = Readonly<Record<string, unknown>>;

const shape = z.looseObject({
  openapi: z.string().regex(/^3\.[01](?:\.|$)/, 'must be 3.0 or 3.1; convert other versions first'),
  paths: z.record(z.string(), z.looseObject({})).default({}),
  servers: z.array(z.looseObject({ url: z.string() })).optional(),
  components: z.looseObject({}).optional(),
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
});

/** References followed from one to the next; a longer chain is a circle. */
const referencesMax = 20;

/** An OpenAPI 3.0 or 3.1 document, with its references followed. */
export class OpenApiDocument {
  readonly root: z.infer<typeof shape>;
  readonly #file: string;

  /**
   * @param file its name, for messages
   * @throws SoraError `invalid_config` with the path of the first fault
   */
  constructor(document: unknown, file: string) {
    const checked = shape.safeParse(document);
    if (!checked.success) {
      const first = checked.error.issues[0];
      throw invalidConfig(`${file} is no OpenAPI document: ${first?.path.map(String).join('.') ?? ''}: ${first?.message ?? 'malformed'}`, 'give an OpenAPI 3.0 or 3.1 document as JSON');
    }
    this.root = checked.data;
    this.#file = file;
  }

  /**
   * What a node is once its references within the document are followed; undefined where it is no object.
   * @throws SoraError `invalid_config` on a reference that leads nowhere, outside or in a circle
   */
  resolve(node: unknown): Node | undefined {
    let found = node;
    for (let count = 0; count < referencesMax; count++) {
      const object = objectOf(found);
      const reference = object?.['$ref'];
      if (typeof reference !== 'string') return object;
      found = this.#at(reference);
    }
    throw invalidConfig(`${this.#file} refers in a circle at ${JSON.stringify(node).slice(0, 200)}`, 'correct the document');
  }

  #at(reference: string): unknown {
    let found: unknown = this.root;
    const path = reference.startsWith('#/') ? reference.slice(2).split('/') : [];
    for (const key of path) {
      const name = decodeKey(key);
      found = objectOf(found) !== undefined && Object.hasOwn(found as object, name) ? (found as Node)[name] : undefined;
    }
    if (path.length === 0 || found === undefined) {
      throw invalidConfig(`${this.#file} refers to ${reference}, which is not in it`, 'bundle the document into one file first');
    }
    return found;
  }
}

/** RFC 6901 within a URI fragment. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return key;
  }
}

/** The node as an object; undefined for arrays, texts and what is missing. */
export function objectOf(node: unknown): Node | undefined {
  return typeof node === 'object' && node !== null && !Array.isArray(node) ? (node as Node) : undefined;
}

/** The node as a list; empty for all else. */
export function listOf(node: unknown): readonly unknown[] {
  return Array.isArray(node) ? node : [];
}

/** The node as a text; undefined for all else. */
export function textAt(node: Node | undefined, key: string): string | undefined {
  const value = node?.[key];
  return typeof value === 'string' ? value : undefined;
}
