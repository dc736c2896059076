import express from 'express';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { notFound, Problem } from '../problem.ts';
import { correlationIdOf } from './exchange.ts';
import { createHotRoutes, type MountedRoute } from './hot-routes.ts';
import { sendProblem } from './send.ts';

type Next = (error?: unknown) => void;

/**
 * Builds the Express application: one router for each first segment of a path, found by name, so
 * that a request walks the layers of its own domain only. Routes marked `hot` are found before it.
 */
export function createRouter(mounted: readonly MountedRoute[], makeId: () => string): RequestListener {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.set('env', 'production');

  const routers = new Map<string, express.Router>();
  for (const { route, endpoint } of mounted) {
    const segment = firstSegment(route.path);
    let router = routers.get(segment);
    if (router === undefined) routers.set(segment, (router = express.Router({ caseSensitive: true, strict: true })));
    router[route.method](route.path.replaceAll(/\{(\w+)\}/g, ':$1'), endpoint as unknown as express.RequestHandler);
  }
  app.use((request, response, next) => {
    const router = routers.get(firstSegment(request.url));
    if (router === undefined) next();
    else router(request, response, next);
  });
  const allowed = methodsByPath(mounted);
  const answer = (request: IncomingMessage, response: ServerResponse, problem: Problem): void =>
    sendProblem(response, correlationIdOf(request, makeId), problem, request.url ?? '');
  app.use((request, response) => answer(request, response, unmatched(request, allowed)));
  // Express tells an error handler by its four parameters; only a malformed path ends here.
  app.use((_error: unknown, request: IncomingMessage, response: ServerResponse, _next: Next) => {
    answer(request, response, new Problem(400, 'malformed_path', 'the path is not validly encoded'));
  });
  const findHot = createHotRoutes(mounted);
  return (request, response) => {
    const hot = findHot(request.method ?? '', request.url ?? '');
    if (hot === undefined) {
      app(request, response);
      return;
    }
    (request as { params?: unknown }).params = hot.params;
    hot.mounted.endpoint(request, response);
  };
}

function firstSegment(path: string): string {
  for (let index = 1; index < path.length; index++) {
    const code = path.charCodeAt(index);
    // '/' or '?'
    if (code === 47 || code === 63) return path.slice(1, index);
  }
  return path.slice(1);
}

function methodsByPath(mounted: readonly MountedRoute[]): { pattern: RegExp; method: string }[] {
  return mounted.map(({ route }) => ({
    pattern: new RegExp(`^${route.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    method: route.method.toUpperCase(),
  }));
}

function unmatched(request: IncomingMessage, allowed: readonly { pattern: RegExp; method: string }[]): Problem {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const methods = allowed.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
  if (methods.length === 0) return notFound('route_not_found', `there is nothing at ${path.slice(0, 200)}; /openapi.json lists what there is`);
  const allow = [...new Set(methods)].join(', ');
  return new Problem(405, 'method_not_allowed', `${request.method} is not possible here; allowed: ${allow}`, { allow });
}
