/** Who may do what at the control plane: three roles, each with a bearer token from the stack's secrets. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { SoraError } from '../core/error.ts';

/** Each may do what those before it may. */
export const roles = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];
export type RoleTokens = Readonly<Record<Role, string>>;

export interface Identity {
  readonly role: Role;
  /** As the caller names itself, or its role: tokens tell roles, not persons. */
  readonly actor: string;
}

/** Names the person behind a request; at most 100 characters, others are replaced by the role. */
export const actorHeader = 'x-sora-actor';
const actorPattern = /^[\p{L}\p{N}][\p{L}\p{N} ._@:+-]{0,99}$/u;

const identities = new WeakMap<object, Identity>();

export interface AuthOptions {
  /** Whether requests without credentials that name a loopback address may ask Prometheus' API, as `viewer`. Default false. */
  readonly anonymousRead?: boolean;
  /** Tokens that are good for one route each, so that what stands in another program's file opens nothing else. */
  readonly routeTokens?: readonly RouteToken[];
}

export interface RouteToken {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** From the server's root. */
  readonly path: string;
  readonly token: string;
  /** What its bearer is on that route. */
  readonly identity: Identity;
}

/** Nothing below it changes anything, though it takes queries by POST. */
const prometheusApi = '/api/v1/';

/**
 * Finds who asks: `Authorization: Bearer TOKEN`, or `Basic` with any user name and the token as password, as data
 * sources of Grafana and promtool send it. Basic credentials read only: a browser that keeps them adds them to forms
 * that another site has it post. Wrong credentials are refused here, missing ones by `requireRole`.
 */
export function authenticate(tokens: RoleTokens, options: AuthOptions = {}): RequestHandler {
  return (request, _response, next) => {
    const { method, path } = request;
    const isPrometheusApi = path.startsWith(prometheusApi);
    const given = readCredentials(request.headers.authorization);
    if (given?.scheme === 'basic' && !isPrometheusApi && method !== 'GET' && method !== 'HEAD') {
      next(new SoraError('basic_reads_only', 'basic credentials may only read', { status: 403, hint: 'send Authorization: Bearer TOKEN' }));
      return;
    }
    const isOpen = options.anonymousRead === true && isPrometheusApi && namesLoopback(request.headers.host);
    const identity = given === undefined
      ? (isOpen ? { role: 'viewer' as const, actor: 'anonymous' } : undefined)
      : identify(tokens, given, request.get(actorHeader)) ?? options.routeTokens?.find((one) => one.method === method && one.path === path && isSame(one.token, given.token))?.identity;
    if (given !== undefined && identity === undefined) {
      next(new SoraError('unauthorized', 'the token is not one of this control plane, or not one of this route', { status: 401, hint: 'tokens are in secrets.json of the stack\u2019s state folder' }));
      return;
    }
    if (identity !== undefined) identities.set(request, identity);
    next();
  };
}

/** A page of another site that has its name resolve to this machine still sends that name. */
function namesLoopback(header: string | undefined): boolean {
  return /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/.test(header ?? '');
}

/** Lets pass who has this role or a higher one; 401 without credentials, 403 with a lower role. */
export function requireRole(role: Role): RequestHandler {
  return (request, _response, next) => {
    const identity = identities.get(request);
    if (identity === undefined) next(new SoraError('unauthorized', 'this needs a token', { status: 401, hint: 'send Authorization: Bearer TOKEN' }));
    else if (roles.indexOf(identity.role) < roles.indexOf(role)) next(new SoraError('forbidden', `this needs the role ${role}; the token is of ${identity.role}`, { status: 403 }));
    else next();
  };
}

/** Who asks, for the event log; call it behind `authenticate`. `anonymous` where nobody said. */
export function actorOf(request: Request): string {
  return identities.get(request)?.actor ?? 'anonymous';
}

export function roleOf(request: Request): Role | undefined {
  return identities.get(request)?.role;
}

/** Whether a header carries this token, for callers that have but one. */
export function isBearer(header: string | undefined, token: string): boolean {
  return isSame(token, readCredentials(header)?.token ?? '');
}

interface Credentials {
  readonly scheme: 'bearer' | 'basic' | 'other';
  readonly token: string;
  readonly user: string | undefined;
}

function readCredentials(header: string | undefined): Credentials | undefined {
  const [, scheme = '', value = ''] = /^(\w+) +(\S+) *$/.exec(header ?? '') ?? [];
  if (header === undefined) return undefined;
  if (scheme.toLowerCase() === 'bearer') return { scheme: 'bearer', token: value, user: undefined };
  if (scheme.toLowerCase() !== 'basic') return { scheme: 'other', token: '', user: undefined };
  const [, user, token = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(value, 'base64').toString('utf8')) ?? [];
  return { scheme: 'basic', token, user };
}

function identify(tokens: RoleTokens, { token, user }: Credentials, named: string | undefined): Identity | undefined {
  // All three are compared, so that the time tells nothing of which one was nearly right.
  const found = roles.filter((role) => isSame(tokens[role], token)).at(-1);
  if (found === undefined) return undefined;
  const actor = named ?? user ?? '';
  return { role: found, actor: actorPattern.test(actor) ? actor : found };
}

function isSame(expected: string, given: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(expected), digest(given));
}
