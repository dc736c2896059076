import { STATUS_CODES } from 'node:http';
import { problemTypeOf } from '../platform/problem.ts';

/** A reply the gateway gives itself: an RFC 9457 problem document in one buffer. */
export interface ProblemReply {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly correlationId: string;
  /** Target of the request; undefined where its head could not be read. Its path becomes `instance`. */
  readonly target: string | undefined;
  readonly retryAfterS?: number;
  readonly close: boolean;
  /** HEAD gets the head alone. */
  readonly headOnly: boolean;
}

export function renderProblem(problem: ProblemReply): Buffer {
  const body = JSON.stringify({
    type: problemTypeOf(problem.code),
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    code: problem.code,
    detail: problem.detail,
    ...(problem.retryAfterS === undefined ? {} : { retryAfterS: problem.retryAfterS }),
    correlationId: problem.correlationId,
    ...(problem.target === undefined ? {} : { instance: problem.target.split('?', 1)[0] }),
  });
  const retryAfter = problem.retryAfterS === undefined ? '' : `Retry-After: ${problem.retryAfterS}\r\n`;
  return Buffer.from(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nX-Correlation-Id: ${problem.correlationId}\r\nCache-Control: no-store\r\n` +
      `${retryAfter}${problem.close ? 'Connection: close\r\n' : ''}\r\n${problem.headOnly ? '' : body}`,
  );
}

/** A short plain reply of the gateway itself, for its own health paths. */
export function renderText(status: number, text: string, close: boolean): Buffer {
  return Buffer.from(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(text)}\r\n` +
      `${close ? 'Connection: close\r\n' : ''}\r\n${text}`,
  );
}

export const overloadedDetail = 'more requests are in flight than the service can answer in time';
const overloadedBody = JSON.stringify({
  type: problemTypeOf('overloaded'), title: STATUS_CODES[503], status: 503, code: 'overloaded', detail: overloadedDetail, retryAfterS: 1, correlationId: '',
}).slice(0, -2);
const overloadedHead =
  `HTTP/1.1 503 ${STATUS_CODES[503]}\r\nContent-Type: application/problem+json\r\nCache-Control: no-store\r\nRetry-After: 1\r\nX-Correlation-Id: `;

/** The refusal of admission control, from parts made once: in overload it is most of the work. @param correlationId of plain ASCII */
export function renderOverloaded(correlationId: string, close: boolean, headOnly: boolean): Buffer {
  const sizeBytes = overloadedBody.length + correlationId.length + 2;
  return Buffer.from(
    `${overloadedHead}${correlationId}\r\nContent-Length: ${sizeBytes}\r\n${close ? 'Connection: close\r\n' : ''}\r\n` +
      (headOnly ? '' : `${overloadedBody}${correlationId}"}`),
    'latin1',
  );
}
