import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A real server with a known capacity, for tests: it answers so many requests a second (a token
 * bucket of half a second's worth) and refuses the rest with 503.
 */
export async function startLimitedServer(ratePerS: number, nowMs: () => number): Promise<{ url: string; stop: () => Promise<void> }> {
  let tokens = ratePerS / 2;
  let atMs = nowMs();
  const server: Server = createServer((_, reply) => {
    const now = nowMs();
    tokens = Math.min(ratePerS / 2, tokens + ((now - atMs) / 1_000) * ratePerS);
    atMs = now;
    reply.writeHead(tokens >= 1 ? 200 : 503).end('ok');
    if (tokens >= 1) tokens -= 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}
