import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
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
  'idempotency-key': z.uuid().meta({ description: 'The same UUID on each retry of one write' }),
});

/** Generates the OpenAPI 3.1 document from the schemas that validate requests. */
export function createOpenApi(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method] = operationOf(route);
  return createDocument({
    openapi: '3.1.0',
    info: { title: 'Avalo API', version, description: 'Errors are problem documents; `code` is stable, `correlationId` finds the request in the logs.' },
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    paths: paths as ZodOpenApiPathsObject,
  });
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  return {
    operationId: route.operationId,
    summary: route.summary,
    tags: [route.path.split('/')[1] ?? ''],
    ...(route.auth === 'none' ? {} : { security: [{ bearer: [] }] }),
    requestParams: {
      ...(route.params instanceof z.ZodObject ? { path: route.params } : {}),
      ...(route.query instanceof z.ZodObject ? { query: route.query } : {}),
      ...(route.idempotent === true ? { header: idempotencyHeader } : {}),
    },
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: route.body } } } }),
    responses: {
      ...Object.fromEntries(Object.entries(route.responses).map(([status, schema]) => [status, responseOf(schema)])),
      default: { description: 'A problem', content: { 'application/problem+json': { schema: problemSchema } } },
    },
  };
}

function responseOf(schema: z.ZodType | null): { description: string; content?: Record<string, { schema: z.ZodType }> } {
  if (schema === null) return { description: 'No body' };
  return { description: schema.meta()?.description ?? 'Success', content: { 'application/json': { schema } } };
}
