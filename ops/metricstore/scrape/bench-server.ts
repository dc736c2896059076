/**
 * Targets of benches, as a process of its own: prints its port, then serves `SERIES` series a target, each time with other values. With
 * `PORTS` (with commas) each port is a target, else the last part of the path is its number.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createNodeHost } from '../../core/node-host.ts';
import { createBenchPage } from './bench-page.ts';

const host = createNodeHost();
const ports = (host.process.env['PORTS'] ?? '').split(',').filter((port) => port !== '').map(Number);
const targets = ports.length > 0 ? ports.length : Number(host.process.env['TARGETS'] ?? 10);
const pages = Array.from({ length: targets }, (_, index) => createBenchPage(Number(host.process.env['SERIES'] ?? 5_000), index));

const answer = (request: IncomingMessage, response: ServerResponse): void => {
  const page = pages[ports.length > 0 ? ports.indexOf(request.socket.localPort ?? 0) : Number(request.url?.split('/').at(-1) ?? 0)];
  if (page === undefined) {
    response.writeHead(404).end();
    return;
  }
  page.advance();
  response.setHeader('content-type', 'text/plain; version=0.0.4');
  response.end(page.bytes);
};
const listening = await Promise.all((ports.length > 0 ? ports : [0]).map(async (port) => {
  const server = createServer(answer).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}));
host.stdout.write(`${listening[0]}\n`);
