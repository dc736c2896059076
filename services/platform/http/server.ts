import { rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { invalidConfig, messageOf } from '../../../ops/core/error.ts';
import type { Host } from '../../../ops/core/host.ts';

export interface ListenOptions {
  /** On 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** Also listens on this unix socket; a left-over file of that name is replaced. */
  readonly socketPath?: string;
}

export interface Listening {
  readonly port: number;
  /** Takes no new connections, ends idle ones, waits for `idle` or `graceMs`, then closes the rest. */
  stop(idle: Promise<void>, graceMs: number): Promise<void>;
}

/**
 * Serves `listener` on a port and, if asked, a unix socket.
 * @throws SoraError `invalid_config` when the port or socket cannot be had
 */
export async function listen(host: Host, listener: RequestListener, options: ListenOptions): Promise<Listening> {
  const servers = [createTunedServer(listener)];
  const port = await bind(servers[0] as Server, { port: options.port, host: '127.0.0.1' }, `port ${options.port}`);
  if (options.socketPath !== undefined) {
    rmSync(options.socketPath, { force: true });
    const server = createTunedServer(listener);
    await bind(server, { path: options.socketPath }, `socket ${options.socketPath}`);
    servers.push(server);
  }
  return {
    port,
    async stop(idle, graceMs) {
      const closed = Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
      const closeIdle = (): void => servers.forEach((server) => server.closeIdleConnections());
      const grace = new AbortController();
      const timeUp = host.timers.sleep(graceMs, grace.signal).catch(() => undefined);
      await Promise.race([idle, timeUp]);
      // A connection counts as idle once its last reply is with the kernel.
      closeIdle();
      const sweeper = host.timers.every(20, closeIdle);
      await Promise.race([closed, timeUp]);
      grace.abort();
      sweeper.cancel();
      for (const server of servers) server.closeAllConnections();
      await closed;
    },
  };
}

function createTunedServer(listener: RequestListener): Server {
  const server = createServer({ maxHeaderSize: 16_384, connectionsCheckingInterval: 5_000 }, listener);
  // Longer than any client's pool keeps an idle connection, so that the client closes first.
  server.keepAliveTimeout = 75_000;
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.maxHeadersCount = 64;
  return server;
}

function bind(server: Server, where: { port: number; host: string } | { path: string }, what: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(invalidConfig(`cannot listen on ${what}: ${messageOf(error)}`, 'free it or choose another', error)));
    server.listen({ ...where, backlog: 4_096 }, () => {
      const address = server.address();
      resolve(address !== null && typeof address === 'object' ? address.port : 0);
    });
  });
}
