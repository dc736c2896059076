import { createServer } from 'node:http';
import type { Server } from 'node:http';
import express from 'express';
import type { Express, RequestHandler, Router } from 'express';
import { SoraError } from '../core/error.ts';
import type { Host } from '../core/host.ts';

/** A part of the API with the path below which it lies. */
export interface Mount {
  readonly path: string;
  readonly handler: RequestHandler | Router | (RequestHandler | Router)[];
}

export interface AppParts {
  /** Asked without credentials, before everything else: probes, metrics, and pages that carry their own proof. */
  readonly open: readonly Mount[];
  readonly authenticate: RequestHandler;
  /** Behind authentication; each guards itself by role. */
  readonly guarded: readonly Mount[];
  readonly last: readonly (RequestHandler | express.ErrorRequestHandler)[];
}

/** Express without a word about itself; replies name no server and are not cached. */
export function createApp(parts: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((_request, response, next) => {
    response.set({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    next();
  });
  for (const { path, handler } of parts.open) app.use(path, handler);
  app.use(parts.authenticate);
  for (const { path, handler } of parts.guarded) app.use(path, handler);
  for (const handler of parts.last) app.use(handler);
  return app;
}

/** What is served until there is anything to serve: it lives and is not ready. */
export function createWaitingApp(): Express {
  return createApp({
    open: [
      { path: '/livez', handler: (_request, response) => void response.json({ status: 'live' }) },
      { path: '/readyz', handler: (_request, response) => void response.status(503).json({ status: 'not ready', reason: 'another control plane works on this database' }) },
    ],
    authenticate: (_request, response) => void response.status(503).json({ status: 503, detail: 'another control plane works on this database', code: 'control_waits' }),
    guarded: [], last: [],
  });
}

export interface Listening {
  readonly url: string;
  /** Ends listening, lets what is in flight end for at most `graceMs`, and cuts off the rest. */
  stop(graceMs: number): Promise<void>;
}

/** Connections at the same time beyond which new ones are refused. */
const connectionsMax = 500;

/** @throws SoraError `invalid_config` when the port is taken */
export function listen(host: Host, app: RequestListenerOf, options: { readonly port: number; readonly address: string }): Promise<Listening> {
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 60_000 }, app);
  server.maxConnections = connectionsMax;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new SoraError('invalid_config', `cannot listen on ${options.address}:${options.port}: ${error.message}`, { hint: 'stop the program that has the port, or choose another with --port', exitCode: 104, cause: error }));
    });
    server.listen({ port: options.port, host: options.address }, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : options.port;
      resolve({ url: `http://${options.address}:${port}`, stop: (graceMs) => stop(host, server, graceMs) });
    });
  });
}

type RequestListenerOf = Parameters<typeof createServer>[1] & {};

async function stop(host: Host, server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = host.timers.after(graceMs, () => server.closeAllConnections());
  await closed;
  cut.cancel();
}
