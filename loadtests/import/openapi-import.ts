import { invalidConfig } from '../../ops/core/error.ts';
import type { LeftOut } from './har-select.ts';
import { camelName, kebabName, Names } from './names.ts';
import { OpenApiDocument, objectOf, textAt } from './openapi-document.ts';
import { fieldFor, fieldsOf } from './openapi-fields.ts';
import type { Field } from './openapi-fields.ts';
import { safeOperations } from './openapi-operations.ts';
import type { Operation, Parameter } from './openapi-operations.ts';
import { requestOf } from './openapi-request.ts';
import { givenValue } from './openapi-sample.ts';
import { chooseScheme } from './openapi-security.ts';
import type { ImportReport } from './outcome.ts';
import { partsOf } from './plan.ts';
import type { RequestPlan, ScenarioPlan, Take, Template } from './plan.ts';
import { describeSource } from './reply-values.ts';
import { SecretBook } from './secrets.ts';

/** What the engine counts apart in one scenario. */
const operationsMax = 500;

interface Placed {
  readonly operation: Operation;
  readonly fields: readonly Field[];
  readonly request: Omit<RequestPlan, 'takes'>;
  readonly takes: Take[];
}

/**
 * Writes a smoke journey: each GET and HEAD of an OpenAPI document once, with the values that its author
 * gave, the plainest that fit, or ids out of the replies of other operations. Pure.
 * @throws SoraError `invalid_config` on a malformed document, or where no operation can be called
 */
export function importOpenApi(raw: unknown, file: string, name: string): { plan: ScenarioPlan; report: ImportReport } {
  const document = new OpenApiDocument(raw, file);
  const book = new SecretBook(name);
  const { placed, leftOut, carried } = placeAll(document, safeOperations(document), book);
  if (placed.length === 0) throw invalidConfig(`${file} has no GET or HEAD that can be called${leftOut.length === 0 ? '' : `: ${leftOut[0]?.what}`}`, 'give its path parameters an example');
  const names = new Names('-');
  const steps = placed.map(({ operation, request, takes }) => ({ op: names.take(kebabName(operation.name, 'operation')), thinkTimeMs: undefined, requests: [{ ...request, takes }] }));
  const secrets = [...new Set(partsOf(placed.map(({ request, takes }) => ({ ...request, takes }))).flatMap((part) => (part.kind === 'secret' || part.kind === 'basic' ? [part.name] : [])))];
  const title = textAt(objectOf(document.root['info']), 'title') ?? file;
  return {
    plan: { name, description: `every GET and HEAD of ${title} once`, thinkTimeMs: { kind: 'exponential', mean: 1_000 }, steps, secrets },
    report: { origin: title, operations: steps.length, requests: steps.length, carried, secrets, leftOut, notes: [] },
  };
}

interface Placement {
  readonly placed: readonly Placed[];
  readonly leftOut: readonly LeftOut[];
  readonly carried: ImportReport['carried'];
}

/** Places operations in order, those that need an id behind the one whose reply has it. */
function placeAll(document: OpenApiDocument, operations: readonly Operation[], book: SecretBook): Placement {
  const placed: Placed[] = [];
  const carried = new Map<string, { name: string; from: string; to: string[] }>();
  const names = new Names();
  const leftOut = new Map<Operation, string>();
  let open = operations.slice(0, operationsMax);
  for (const beyond of operations.slice(operationsMax)) leftOut.set(beyond, `the limit is ${operationsMax} operations`);
  for (let before = -1; before !== placed.length; ) {
    before = placed.length;
    open = open.filter((operation) => {
      const outcome = place(document, operation, placed, { book, names, carried });
      if (typeof outcome === 'string') leftOut.set(operation, outcome);
      else {
        leftOut.delete(operation);
        placed.push(outcome);
      }
      return typeof outcome === 'string';
    });
  }
  return { placed, carried: [...carried.values()], leftOut: [...leftOut].map(([{ method, path }, why]) => ({ what: `${method} ${path}: ${why}`, count: 1, keep: undefined })) };
}

interface Books {
  readonly book: SecretBook;
  readonly names: Names;
  readonly carried: Map<string, { name: string; from: string; to: string[] }>;
}

/** The operation with its values, or why it cannot be called (yet). */
function place(document: OpenApiDocument, operation: Operation, placed: readonly Placed[], books: Books): Placed | string {
  const scheme = chooseScheme(document, operation.security);
  if (typeof scheme === 'string') return scheme;
  const found = new Map<Parameter, { provider: Placed; field: Field }>();
  const parameters = withTemplated(operation);
  for (const parameter of parameters) {
    // What the author gave is better than what a reply happens to hold.
    if (parameter.in !== 'path' || isGiven(document, parameter)) continue;
    const value = fieldFor(parameter.name, operation.path, placed.map((each) => ({ ...each, provider: each })));
    if (value === undefined) return `no other reply has its ${parameter.name}, and the document gives no example`;
    found.set(parameter, { provider: value.provider.provider, field: value.field });
  }
  const valueOf = (parameter: Parameter): Template | undefined => {
    const source = found.get(parameter);
    return source === undefined ? undefined : [{ kind: 'carried', name: take(source.provider, source.field, parameter, operation, books) }];
  };
  const callWith = (carried: typeof valueOf): ReturnType<typeof requestOf> => requestOf(document, { ...operation, parameters }, carried, scheme, books.book);
  // Tried first, so that nothing is carried for a call that is then not made.
  const tried = callWith((parameter) => (found.has(parameter) ? [] : undefined));
  const request = typeof tried === 'string' ? tried : callWith(valueOf);
  return typeof request === 'string' ? request : { operation, fields: fieldsOf(document, operation), request, takes: [] };
}

/** Notes that a reply's value is carried; answers its name. */
function take(provider: Placed, field: Field, parameter: Parameter, to: Operation, { names, carried }: Books): string {
  const source = { kind: 'json', path: field.path } as const;
  const key = `${provider.operation.method} ${provider.operation.path} ${JSON.stringify(field.path)}`;
  let known = carried.get(key);
  if (known === undefined) {
    const wanted = field.fullNames[0] !== undefined && /^(?:id|uuid|guid|key|slug|name|code)$/i.test(parameter.name) ? field.fullNames[0] : parameter.name;
    known = { name: names.take(camelName(wanted, 'value')), from: `${describeSource(source)} of ${provider.operation.method} ${provider.operation.path}`, to: [] };
    carried.set(key, known);
    provider.takes.push({ name: known.name, source, isOptional: true });
  }
  known.to.push(`path of ${to.method} ${to.path}`);
  return known.name;
}

function isGiven(document: OpenApiDocument, { node, schema }: Parameter): boolean {
  const type = document.resolve(schema);
  return givenValue(document, node) !== undefined || (type !== undefined && givenValue(document, type) !== undefined);
}

/** Parameters that a path names and nothing describes count as texts. */
function withTemplated(operation: Operation): Parameter[] {
  const known = new Set(operation.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name));
  const unknown = [...operation.path.matchAll(/\{([^{}]+)\}/g)].map(([, name = '']) => name).filter((name) => !known.has(name));
  return [...operation.parameters, ...unknown.map((name): Parameter => ({ name, in: 'path', isRequired: true, node: {}, schema: { type: 'string' }, isJson: false }))];
}
