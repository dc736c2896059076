import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { exitCodes } from '../../../ops/core/error.ts';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { MockAi } from './server.ts';

/** After SIGTERM replies under way get this long. */
const graceMs = 5_000;

const host = createNodeHost();
const port = z.coerce.number().int().min(0).max(65_535).safeParse(host.process.env['PORT']);
if (!port.success) {
  host.stderr.write(`PORT is "${host.process.env['PORT'] ?? ''}": give a port from 0 to 65535\n`);
  host.process.exit(exitCodes.invalidConfig);
}
const server = new MockAi(host, true).createServer();
server.once('error', (error) => {
  host.stderr.write(`the mock AI cannot listen on port ${port.data}: ${error.message}\n`);
  host.process.exit(exitCodes.invalidConfig);
});
server.listen(port.data, '127.0.0.1', () => {
  const bound = (server.address() as AddressInfo).port;
  host.stderr.write(`${JSON.stringify({ level: 'info', time: new Date(host.clock.nowMs()).toISOString(), service: 'mock-ai', msg: 'listening', port: bound })}\n`);
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  host.process.onSignal(signal, () => {
    host.timers.after(graceMs, () => host.process.exit(exitCodes.pass)).unref();
    server.close(() => host.process.exit(exitCodes.pass));
    server.closeIdleConnections();
  });
}
