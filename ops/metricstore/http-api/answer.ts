import express from 'express';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { SoraError, messageOf } from '../../core/error.ts';
import { Parameters } from './parameters.ts';

/** What an endpoint answers: `data` as JSON, or a value that becomes it. */
export interface Answer {
  readonly json?: string;
  readonly data?: unknown;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

const bodyMaxBytes = 1_048_576;
/** Annotations of one answer; Prometheus gives ten of each kind too. */
const annotationsMax = 10;

const statuses: Readonly<Record<string, number>> = { bad_data: 400, execution: 422, timeout: 503, canceled: 503, not_found: 404, unavailable: 503 };

export const truncatedWarning = 'results truncated due to limit';

/** Reads a form's body as text; anything else is left alone. */
export const readForm: RequestHandler = express.text({ type: 'application/x-www-form-urlencoded', limit: bodyMaxBytes });

/** An endpoint from its parameters to its answer. */
export function endpoint(handle: (parameters: Parameters, path: Readonly<Record<string, unknown>>) => Answer | Promise<Answer>): RequestHandler {
  return async (request, response) => {
    const queryAt = request.originalUrl.indexOf('?');
    const body: unknown = request.body;
    const parameters = new Parameters(queryAt < 0 ? '' : request.originalUrl.slice(queryAt + 1), typeof body === 'string' ? body : '');
    send(response, await handle(parameters, request.params));
  };
}

function send(response: Response, { json, data, warnings = [], infos = [] }: Answer): void {
  const extra = [...annotations('warnings', warnings), ...annotations('infos', infos)].join('');
  const body = json ?? (data === undefined ? undefined : JSON.stringify(data));
  response.type('application/json').send(`{"status":"success"${body === undefined ? '' : `,"data":${body}`}${extra}}`);
}

function annotations(name: 'warnings' | 'infos', all: readonly string[]): string[] {
  if (all.length === 0) return [];
  const more = all.length - annotationsMax;
  const shown = more <= 0 ? all : [...all.slice(0, annotationsMax), `${more} more ${name.slice(0, -1)} annotations omitted`];
  return [`,"${name}":${JSON.stringify(shown)}`];
}

/** Errors in the shape of this API. What has none of its types is left to whoever comes next. */
export const answerError: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  const status = error instanceof SoraError ? statuses[error.code] : undefined;
  const { status: httpStatus } = error as { status?: unknown };
  if (error instanceof SoraError && status !== undefined) fail(response, status, error.code, error.message);
  else if (httpStatus === 413) fail(response, 413, 'bad_data', `error parsing form values: the body passes ${bodyMaxBytes} bytes`);
  else if (error instanceof SoraError && error.status < 500) next(error);
  else if (error instanceof SoraError) fail(response, error.status === 500 ? 500 : 503, error.status === 500 ? 'internal' : 'unavailable', messageOf(error));
  else next(error);
};

function fail(response: Response, status: number, errorType: string, error: string): void {
  response.status(status).type('application/json').send(JSON.stringify({ status: 'error', errorType, error }));
}
