import { assertNever } from '../../ops/core/error.ts';
import type { Distribution } from '../swarm/scenario.ts';

/** What an import writes: a journey as data, before it is text. */

/** A piece of a value: as recorded, carried from a reply, read from the environment, or new each time. */
export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'carried'; readonly name: string }
  | { readonly kind: 'secret'; readonly name: string }
  /** The credentials of HTTP Basic, from `name:password` in the environment. */
  | { readonly kind: 'basic'; readonly name: string }
  /** A new id for each write. */
  | { readonly kind: 'write-id' };

/** A value with holes, in order. Empty is the empty text. */
export type Template = readonly Part[];

/** A JSON body whose texts and numbers may have holes. */
export type JsonPlan =
  | { readonly kind: 'value'; readonly value: string | number | boolean | null }
  | { readonly kind: 'template'; readonly template: Template; readonly isNumber: boolean }
  | { readonly kind: 'array'; readonly items: readonly JsonPlan[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, JsonPlan])[] };

export type BodyPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'json'; readonly json: JsonPlan }
  | { readonly kind: 'form'; readonly fields: readonly (readonly [string, Template])[] }
  /** `isXml`: what fills the holes is written as XML holds it. */
  | { readonly kind: 'text'; readonly text: Template; readonly isXml?: boolean };

/** Where in a reply a value is. */
export type Source =
  | { readonly kind: 'json'; readonly path: readonly (string | number)[] }
  /** `isDecoded`: without its percent encoding, as pages read it to send it back in a header. */
  | { readonly kind: 'cookie'; readonly cookie: string; readonly isDecoded?: boolean }
  | { readonly kind: 'header'; readonly header: string }
  /** Of the address it redirects to: a segment of the path by its index, or a value of the query. */
  | { readonly kind: 'location'; readonly segment: number }
  | { readonly kind: 'location'; readonly query: string }
  | { readonly kind: 'hidden-input'; readonly input: string }
  | { readonly kind: 'meta'; readonly meta: string };

/** A value that a reply hands to later requests. */
export interface Take {
  readonly name: string;
  readonly source: Source;
  /** A reply without it is right too, as an empty list is; what needs the value then fails. Default false. */
  readonly isOptional?: boolean;
}

export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type Method = (typeof methods)[number];

export interface RequestPlan {
  readonly method: Method;
  /** Path and query as they go on the wire; holes are URI-encoded when they are filled. */
  readonly path: Template;
  readonly headers: readonly (readonly [string, Template])[];
  readonly body: BodyPlan;
  /** The status that must come; undefined takes any below 400. */
  readonly status: number | undefined;
  readonly takes: readonly Take[];
}

export interface StepPlan {
  /** The operation's name in reports. */
  readonly op: string;
  /** Pause before it; undefined takes the scenario's. */
  readonly thinkTimeMs: Distribution | undefined;
  readonly requests: readonly RequestPlan[];
}

export interface ScenarioPlan {
  readonly name: string;
  readonly description: string;
  readonly thinkTimeMs: Distribution;
  readonly steps: readonly StepPlan[];
  /** Names of the environment's values that requests need. */
  readonly secrets: readonly string[];
}

/** A value without holes. */
export function textOf(text: string): Template {
  return text === '' ? [] : [{ kind: 'text', text }];
}

/** The value with neighbouring texts as one. */
export function joinTexts(template: Template): Template {
  const parts: Part[] = [];
  for (const part of template) {
    const last = parts.at(-1);
    if (part.kind === 'text' && last?.kind === 'text') parts[parts.length - 1] = { kind: 'text', text: last.text + part.text };
    else parts.push(part);
  }
  return parts;
}

/** The value with what stands for its holes, for people. */
export function showTemplate(template: Template): string {
  return template.map((part) => (part.kind === 'text' ? part.text : `{${part.kind === 'write-id' ? 'new id' : part.name}}`)).join('');
}

/** Every part of every value of some requests, in order. */
export function partsOf(requests: readonly RequestPlan[]): Part[] {
  return requests.flatMap(({ path, headers, body }) => [...path, ...headers.flatMap(([, value]) => value), ...bodyParts(body)]);
}

function bodyParts(body: BodyPlan): Template {
  switch (body.kind) {
    case 'none':
      return [];
    case 'json':
      return jsonParts(body.json);
    case 'form':
      return body.fields.flatMap(([, value]) => value);
    case 'text':
      return body.text;
    default:
      return assertNever(body);
  }
}

function jsonParts(json: JsonPlan): Template {
  switch (json.kind) {
    case 'value':
      return [];
    case 'template':
      return json.template;
    case 'array':
      return json.items.flatMap(jsonParts);
    case 'object':
      return json.entries.flatMap(([, value]) => jsonParts(value));
    default:
      return assertNever(json);
  }
}
