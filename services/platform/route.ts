import type { Writable } from 'node:stream';
import type { z } from 'zod';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
export type Role = 'user' | 'admin';
/** `none`: open to all; `user`: a valid access token; `admin`: an access token with that role. */
export type Auth = 'none' | Role;

/** What a handler knows of its request; params, query and body have passed their schemas. */
export interface RequestContext<Params, Query, Body> {
  /** The caller. 0 where `auth` is `none`. */
  readonly userId: number;
  readonly role: Role;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body as it came; only where the route asks for `rawBody`. */
  readonly rawBody: Buffer | undefined;
  /**
   * The `Idempotency-Key` header, a lower-case UUID; '' where the route's `idempotent` is off.
   * It is stored as `write_id` beside the row it made, which is what the audit counts.
   */
  readonly writeId: string;
  readonly correlationId: string;
  /** Address of the client, from X-Forwarded-For only where the peer is trusted. */
  readonly clientAddress: string;
  /** Aborted when the client goes away or the request times out. */
  readonly signal: AbortSignal;
}

/** A reply: `body` is serialised, `json` is sent as it is, `stream` writes it itself. */
export type Reply = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
} & (
  | { readonly body?: unknown }
  | { readonly json: Buffer | string }
  | { readonly stream: (out: Writable) => Promise<void> }
);

export interface RouteSpec<Params, Query, Body> {
  readonly method: Method;
  /** OpenAPI form: `/posts/{postId}/like`. */
  readonly path: string;
  /** Unique; the SDK's and the metrics' name for it, such as `likePost`. */
  readonly operationId: string;
  readonly summary: string;
  /** More for the OpenAPI document: prices, limits, what the parameters mean. */
  readonly description?: string;
  readonly auth: Auth;
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
  /** The schema of the reply's body by status; null for none. Goes to the OpenAPI document. */
  readonly responses: Readonly<Record<number, z.ZodType | null>>;
  /** Requires the `Idempotency-Key` header (400 without it). Default false. */
  readonly idempotent?: boolean;
  /** Keeps the unparsed body for signature checks. Default false. */
  readonly rawBody?: boolean;
  /** One of the few that carry most of the traffic: found before Express, answered the same. Default false. */
  readonly hot?: boolean;
  /** Cost in points against the caller's rate limit. Default 1. */
  readonly cost?: number;
  /** Points a reply of 401 costs the address besides; past its limit that reply becomes 429. Default 0. */
  readonly refusalCost?: number;
  /** Longest time for a reply; then 504. Default that of the process. */
  readonly timeoutMs?: number;
  handle(request: RequestContext<Params, Query, Body>): Promise<Reply> | Reply;
}

/** A route with its types erased, as the router takes it. */
export type Route = RouteSpec<unknown, unknown, unknown>;

/** Declares a route; infers the types of params, query and body from the schemas. */
export function route<Params = undefined, Query = undefined, Body = undefined>(
  spec: RouteSpec<Params, Query, Body>,
): Route {
  return spec as unknown as Route;
}
