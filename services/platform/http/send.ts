import { STATUS_CODES, type ServerResponse } from 'node:http';
import { SoraError } from '../../../ops/core/error.ts';
import { isConnectionError } from '../postgres.ts';
import { Problem, problemTypeOf } from '../problem.ts';
import type { Reply } from '../route.ts';

/** Bodies up to this size leave in one chunk with the head: one write instead of two and a writev. */
const oneChunkMaxBytes = 256 * 1024;

/** Writes head and body. `Buffer` bodies go as Latin-1 text, byte for byte, because node joins text to the head. */
export function send(
  response: ServerResponse,
  status: number,
  correlationId: string,
  contentType: string | undefined,
  body: string | Buffer | undefined,
  extra?: Readonly<Record<string, string>>,
): void {
  const head = ['x-correlation-id', correlationId];
  if (extra !== undefined) for (const name in extra) if (name !== 'content-type') head.push(name, extra[name] ?? '');
  if (body === undefined) {
    if (status !== 204 && status !== 304) head.push('content-length', '0');
    response.writeHead(status, head);
    response.end();
    return;
  }
  const sizeBytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  head.push('content-type', extra?.['content-type'] ?? contentType ?? 'application/json; charset=utf-8', 'content-length', String(sizeBytes));
  response.writeHead(status, head);
  if (typeof body !== 'string' && sizeBytes <= oneChunkMaxBytes) response.end(body.toString('latin1'), 'latin1');
  else response.end(body);
}

/** Sends a handler's reply, other than a stream. */
export function sendReply(response: ServerResponse, correlationId: string, reply: Exclude<Reply, { stream: unknown }>): void {
  if ('json' in reply) return send(response, reply.status, correlationId, undefined, reply.json, reply.headers);
  const body = 'body' in reply && reply.body !== undefined ? JSON.stringify(reply.body) : undefined;
  send(response, reply.status, correlationId, undefined, body, reply.headers);
}

/** What the client is told of anything thrown; details of unexpected errors stay in the log. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof SoraError && error.status < 500) return new Problem(error.status, error.code, error.message);
  if (isConnectionError(error)) return new Problem(503, 'database_unavailable', 'the database cannot be reached just now', { retryAfterS: 1 });
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  // 57014 statement timeout, 40001 serialisation, 40P01 deadlock, 53300 too many connections.
  if (code === '57014' || code === '40001' || code === '40P01' || code === '53300') {
    return new Problem(503, 'database_busy', 'the database could not finish this in time', { retryAfterS: 1 });
  }
  // 22021: a character that text cannot hold, such as NUL. Schemas refuse it; this is for those that forget to.
  if (code === '22021') return new Problem(400, 'invalid_text', 'a text holds a character that cannot be stored, such as NUL');
  return new Problem(500, 'internal_error', 'something failed on our side; the correlation id finds it in our logs');
}

/** Sends an RFC 9457 problem document; 413 also closes the connection, as the body is still coming. */
export function sendProblem(response: ServerResponse, correlationId: string, problem: Problem, url: string): void {
  const question = url.indexOf('?');
  const { retryAfterS } = problem.extra;
  const headers: Record<string, string> = {};
  if (typeof retryAfterS === 'number') headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterS)));
  if (problem.status === 401) headers['www-authenticate'] = problem.challenge;
  if (problem.status === 413) headers['connection'] = 'close';
  if (typeof problem.extra['allow'] === 'string') headers['allow'] = problem.extra['allow'];
  const document = JSON.stringify({
    type: problemTypeOf(problem.code),
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.message,
    code: problem.code,
    correlationId,
    instance: question === -1 ? url : url.slice(0, question),
    ...problem.extra,
  });
  send(response, problem.status, correlationId, 'application/problem+json', document, headers);
}
