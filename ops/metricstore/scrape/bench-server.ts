/** A target of benches, as a process of its own: prints its port, then serves `SERIES` series, each time with other values. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createNodeHost } from '../../core/node-host.ts';
import { createBenchPage } from './bench-page.ts';

const host = createNodeHost();
const targets = Number(host.process.env['TARGETS'] ?? 10);
const pages = Array.from({ length: targets }, (_, index) => createBenchPage(Number(host.process.env['SERIES'] ?? 5_000), index));

const server = createServer((request, response) => {
  const page = pages[Number(request.url?.split('/').at(-1) ?? 0)];
  if (page === undefined) {
    response.writeHead(404).end();
    return;
  }
  page.advance();
  response.setHeader('content-type', 'text/plain; version=0.0.4');
  response.end(page.bytes);
});
server.listen(0, '127.0.0.1', () => host.stdout.write(`${(server.address() as AddressInfo).port}\n`));
