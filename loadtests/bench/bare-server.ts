import { createServer, type AddressInfo } from 'node:net';
import { stdin } from 'node:process';
import { createNodeHost } from '../../ops/core/node-host.ts';

/**
 * The least an HTTP server can do, so that a benchmark measures its client: any request without a
 * body is answered with 11 bytes, keep-alive. Prints its port, and ends when its standard input does, so it cannot outlive its parent.
 */
const host = createNodeHost();
const reply = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 11\r\nContent-Type: text/plain\r\n\r\nhello world');
const headEnd = Buffer.from('\r\n\r\n');

const server = createServer({ noDelay: true }, (socket) => {
  let open = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes) => {
    let rest = open.length === 0 ? bytes : Buffer.concat([open, bytes]);
    for (let end = rest.indexOf(headEnd); end >= 0; end = rest.indexOf(headEnd)) {
      rest = rest.subarray(end + 4);
      socket.write(reply);
    }
    open = Buffer.from(rest);
  });
});

stdin.on('end', () => host.process.exit(0)).resume();

server.listen(0, '127.0.0.1', 4_096, () => {
  host.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
