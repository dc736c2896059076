import { SoraError } from '../../ops/core/error.ts';

/** An error meant for the client: becomes an RFC 9457 problem document with this status and code. */
export class Problem extends SoraError {
  /** Extra members of the document, such as `retryAfterS` or `errors`. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** Of a 401: what would be taken instead, for `WWW-Authenticate`, which every 401 has (RFC 9110, 15.5.2). */
  readonly challenge: string;

  constructor(status: number, code: string, detail: string, extra: Readonly<Record<string, unknown>> = {}, challenge = 'Bearer') {
    super(code, detail, { status });
    this.name = 'Problem';
    this.extra = extra;
    this.challenge = challenge;
  }
}

/** The member `type` of a problem document; the gateway's own replies have it too. */
export const problemTypeOf = (code: string): string => `urn:sora:problem:${code}`;

export const badRequest = (code: string, detail: string, extra?: Record<string, unknown>): Problem =>
  new Problem(400, code, detail, extra);
/** @param challenge another scheme than an access token: `Password`, `Refresh-Token` and `Signature` are our own names */
export const unauthorized = (code: string, detail: string, challenge?: string): Problem => new Problem(401, code, detail, {}, challenge);
export const paymentRequired = (code: string, detail: string, extra?: Record<string, unknown>): Problem =>
  new Problem(402, code, detail, extra);
export const forbidden = (code: string, detail: string): Problem => new Problem(403, code, detail);
export const notFound = (code: string, detail: string): Problem => new Problem(404, code, detail);
export const conflict = (code: string, detail: string): Problem => new Problem(409, code, detail);
/** 429; the reply carries `Retry-After` in whole seconds. */
export const tooManyRequests = (detail: string, retryAfterS: number): Problem =>
  new Problem(429, 'rate_limited', detail, { retryAfterS });
/** 503; the reply carries `Retry-After` in whole seconds. */
export const overloaded = (detail: string, retryAfterS = 1): Problem =>
  new Problem(503, 'overloaded', detail, { retryAfterS });
