import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { internalSegments } from '../internal-paths.ts';
import type { Route } from '../route.ts';

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    correlationId: z.string(),
    instance: z.string(),
  })
  .loose()
  .meta({ id: 'Problem', description: 'RFC 9457 problem document' });

const idempotencyHeader = z.object({
  'idempotency-key': z.uuid().meta({
    description: 'The same UUID on each retry of one write, another for each write. A retry is answered as the first try was, with the header idempotent-replayed: true; the same key with another path or body gets 409 idempotency_key_reused',
  }),
});

const replayedHeaders = z.object({
  'idempotent-replayed': z.literal('true').optional().meta({ description: 'Present where an earlier try with the same key has made it' }),
});

const about = [
  'Errors are problem documents; `code` is stable. `correlationId` finds in the logs what failed (5xx), what an operation refused (4xx) and what took more than a second; of one operation and code at most 60 lines a minute are kept.',
  'Access: POST /accounts/register and /accounts/login give an access token; send it as Authorization: Bearer <token>.',
  'Operations for administrators want the token of an account whose role is admin, which logs in like any other; `sora db seed` makes one, admin@seed.avalo.test, with the password that services/seeding/README.md names. What operators alone use (/admin, /metrics) answers on the port of an api process only and is described in services/README.md.',
].join('\n\n');

/** Generates the OpenAPI 3.1 document from the schemas that validate requests, without the routes that the gateway hides. */
export function createOpenApi(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  const open = routes.filter(({ path }) => !internalSegments.has(path.split('/')[1] ?? ''));
  for (const route of open) (paths[route.path] ??= {})[route.method] = operationOf(route);
  return createDocument({
    openapi: '3.1.0',
    info: { title: 'Avalo API', version, description: about },
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    paths: paths as ZodOpenApiPathsObject,
  });
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  return {
    operationId: route.operationId,
    summary: route.summary,
    tags: [route.path.split('/')[1] ?? ''],
    ...descriptionOf(route),
    // Roles beside a scheme that has no scopes: OpenAPI 3.1, "Security Requirement Object".
    ...(route.auth === 'none' ? {} : { security: [{ bearer: route.auth === 'admin' ? ['admin'] : [] }] }),
    requestParams: {
      ...(route.params instanceof z.ZodObject ? { path: route.params } : {}),
      ...(route.query instanceof z.ZodObject ? { query: route.query } : {}),
      ...(route.idempotent === true ? { header: idempotencyHeader } : {}),
    },
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: route.body } } } }),
    responses: {
      ...Object.fromEntries(Object.entries(route.responses).map(([status, schema]) => [status, responseOf(schema, route.idempotent === true)])),
      default: { description: 'A problem', content: { 'application/problem+json': { schema: problemSchema } } },
    },
  };
}

function descriptionOf({ auth, description }: Route): { description?: string } {
  const parts = [...(auth === 'admin' ? ['Needs an access token with the role admin.'] : []), ...(description === undefined ? [] : [description])];
  return parts.length === 0 ? {} : { description: parts.join(' ') };
}

type Response = { description: string; headers?: z.ZodObject; content?: Record<string, { schema: z.ZodType }> };

function responseOf(schema: z.ZodType | null, isIdempotent: boolean): Response {
  if (schema === null) return { description: 'No body' };
  const headers = isIdempotent ? { headers: replayedHeaders } : {};
  return { description: schema.meta()?.description ?? 'Success', ...headers, content: { 'application/json': { schema } } };
}
