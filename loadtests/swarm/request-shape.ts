import { closest, distance } from 'fastest-levenshtein';
import { SoraError } from '../../ops/core/error.ts';
import type { HttpRequest } from './scenario.ts';

const methods: ReadonlySet<unknown> & Iterable<string> = new Set<string>(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] satisfies HttpRequest['method'][]);
/** Every field there is; the type holds the list complete. */
const fields: Readonly<Record<keyof HttpRequest, true>> = {
  method: true, path: true, name: true, headers: true, body: true, timeoutMs: true, expect: true, refuse: true, write: true,
  redirects: true, retries: true, socket: true,
};
/** A name that differs by more is no slip of the pen. */
const slipMax = 3;

/**
 * What is wrong with a request that has no known method or no path; undefined where it has both. It is asked of every
 * request, so it looks at these two alone. What may be wrong with the path's text is `checkPath`'s to find.
 */
export function faultOf(request: HttpRequest): SoraError | undefined {
  return methods.has(request.method) && typeof request.path === 'string' ? undefined : describeFault(request);
}

/** @throws SoraError `malformed_request` on a field that requests do not have, or without a method and a path */
export function checkFields(request: HttpRequest): void {
  const fault = faultOf(request);
  if (fault !== undefined) throw fault;
  for (const name in request) if (!Object.hasOwn(fields, name)) throw unknownField(name);
}

function describeFault(request: HttpRequest): SoraError {
  const unknown = Object.keys(request).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined) return unknownField(unknown);
  const { method, path }: { readonly method: unknown; readonly path: unknown } = request;
  const allowed = [...methods];
  if (methods.has(method)) return malformed(`path is ${show(path)} in a ${String(method)} request`, 'give the path and query below the target, such as /posts?limit=20');
  const wrong = typeof method === 'string' ? `method ${show(method)} is none of ${allowed.join(', ')}${nearestOf(method.toUpperCase(), allowed)}` : `method is ${show(method)} in a request of ${show(path)}`;
  return malformed(wrong, `give one of ${allowed.join(', ')}`);
}

function unknownField(name: string): SoraError {
  const all = Object.keys(fields).filter((field) => field !== 'socket');
  return malformed(`${show(name)} is no field of a request${nearestOf(name, all)}`, `a request has ${all.join(', ')}`);
}

function nearestOf(word: string, names: readonly string[]): string {
  const nearest = closest(word, [...names]);
  return distance(word, nearest) <= slipMax ? `; did you mean ${nearest}?` : '';
}

/** A value in few words; a wrong one may be long. */
function show(value: unknown): string {
  return value === undefined ? 'missing' : ((JSON.stringify(value) as string | undefined) ?? typeof value).slice(0, 60);
}

function malformed(message: string, hint: string): SoraError {
  return new SoraError('malformed_request', message, { hint });
}
