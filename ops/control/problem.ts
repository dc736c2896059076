import type { ErrorRequestHandler, RequestHandler } from 'express';
import { ZodError } from 'zod';
import type { core } from 'zod';
import { SoraError, messageOf } from '../core/error.ts';

/** The one place where an error of the control plane becomes an HTTP reply: a problem document (RFC 9457). */
export function problemHandler(report: (error: unknown, path: string) => void): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const { status, code, detail, hint } = describe(error);
    if (status >= 500) report(error, request.path);
    if (status === 401) response.set('www-authenticate', 'Bearer realm="sora", Basic realm="sora"');
    response.status(status).type('application/problem+json').json({ type: `urn:sora:problem:${code}`, status, code, detail, ...(hint === undefined ? {} : { hint }) });
  };
}

export const notFoundHandler: RequestHandler = (request, _response, next) => {
  next(new SoraError('not_found', `there is no ${request.method} ${request.path}`, { status: 404 }));
};

function describe(error: unknown): { status: number; code: string; detail: string; hint?: string | undefined } {
  if (error instanceof SoraError) return { status: statusOf(error), code: error.code, detail: error.message, hint: error.hint };
  if (error instanceof ZodError) {
    const issues = error.issues.map((issue) => `${issue.path.join('.') || 'it'} ${wordsOf(issue)}`);
    return { status: 400, code: 'invalid_request', detail: issues.join('; ') };
  }
  // Express and its body parsers throw errors with a status of their own.
  const { status, type } = error as { status?: unknown; type?: unknown };
  if (typeof status === 'number' && status >= 400 && status < 500) return { status, code: typeof type === 'string' ? type.replaceAll(/\W/g, '_') : 'invalid_request', detail: messageOf(error) };
  return { status: 500, code: 'defect', detail: 'the control plane failed at this; its log says why' };
}

/** An issue in words for whoever called; those of a value out of a few are the frequent ones. */
function wordsOf(issue: core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'unrecognized_keys') return `has unknown names: ${issue.keys.join(', ')}`;
  if (issue.code === 'invalid_type') return `must be of type ${issue.expected}`;
  return `is wrong: ${issue.message}`;
}

/** What a person typed is never the server's fault. */
function statusOf({ status, code }: SoraError): number {
  return code === 'invalid_config' && status === 500 ? 400 : status;
}
