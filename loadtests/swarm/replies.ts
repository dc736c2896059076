import { tooManyRedirects } from './error-kinds.ts';
import { LastRedirect } from './reply.ts';
import type { HttpReply, HttpRequest } from './scenario.ts';

/** What a status means for the operation. */
export type StatusVerdict = 'ok' | 'failed' | 'refused';

/** 200 to 399 and what the request expects is fine; what it names as refusal is refused; all else failed. */
export function judgeStatus(status: number, request: Pick<HttpRequest, 'expect' | 'refuse'>): StatusVerdict {
  if (request.refuse?.includes(status) === true) return 'refused';
  if (status >= 200 && status < 400) return 'ok';
  return request.expect?.includes(status) === true ? 'ok' : 'failed';
}

/** As its status, but where all redirects were followed that the request allows, a further one has failed unless it is expected. */
export function judgeReply(reply: HttpReply, request: Pick<HttpRequest, 'expect' | 'refuse'>): StatusVerdict {
  const verdict = judgeStatus(reply.status, request);
  return verdict === 'ok' && reply instanceof LastRedirect && request.expect?.includes(reply.status) !== true ? 'failed' : verdict;
}

/** How a reply has failed that is judged so. */
export function failureOfReply(reply: HttpReply, { method, path }: Pick<HttpRequest, 'method' | 'path'>): { readonly kind: string; readonly message: string } {
  const answered = `${method} ${path} answered ${reply.status}`;
  if (!(reply instanceof LastRedirect)) return { kind: `status ${reply.status}`, message: answered };
  return { kind: tooManyRedirects, message: `${answered} after ${reply.followed} redirects, the limit` };
}

/** What became of a write, from its reply; undefined status means that none came. */
export type WriteFate = 'acknowledged' | 'absent' | 'unknown';

/**
 * 2xx is acknowledged and 4xx absent. A 5xx may come from a proxy whose server had committed, and a
 * request without reply may have arrived, unless no byte of it left.
 * @param doubtful an earlier try of the same request may have arrived
 */
export function fateOfWrite(status: number | undefined, written: boolean, doubtful = false): WriteFate {
  if (status === undefined) return written || doubtful ? 'unknown' : 'absent';
  if (status >= 500) return 'unknown';
  if (status >= 200 && status < 300) return 'acknowledged';
  return doubtful ? 'unknown' : 'absent';
}
