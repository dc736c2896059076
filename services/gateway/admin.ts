import { createServer, type Server } from 'node:http';
import { invalidConfig } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import type { Gateway } from './gateway.ts';

/** The gateway's own port: /livez, /readyz (503 while no upstream is up) and /metrics. */
export function listenAdmin(host: Host, gateway: Gateway, address: string, port: number): Promise<Server> {
  const server = createServer((request, reply) => {
    const path = (request.url ?? '').split('?', 1)[0];
    if (path === '/livez') reply.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
    else if (path === '/readyz') {
      reply.writeHead(gateway.ready ? 200 : 503, { 'content-type': 'text/plain' }).end(gateway.ready ? 'ok\n' : 'no upstream is ready\n');
    } else if (path === '/metrics') {
      reply.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      reply.end(gateway.metrics.render(host.process.cpuUs(), host.process.rssBytes()));
    } else reply.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(invalidConfig(`the gateway's admin port ${address}:${port}: ${error.code ?? error.message}`, 'choose another with SORA_ADMIN_PORT', error)));
    server.listen(port, address, () => resolve(server));
  });
}
