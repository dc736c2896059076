import { createServer, type AddressInfo } from 'node:net';
import { stdin } from 'node:process';
import { createNodeHost } from '../../ops/core/node-host.ts';

/**
 * The least an HTTP server can do, so that a benchmark measures its client: any request without a body is
 * answered with 11 bytes, keep-alive, and `GET /page?after=N` that carries a token with five items of JSON.
 * Prints its port, and ends when its standard input does, so it cannot outlive its parent. A first argument makes it
 * take so many milliseconds for each answer, a second lets it answer at most so many requests a second, one after the other.
 */
const host = createNodeHost();
const delayMs = Number(host.process.argv[0] ?? 0);
const gapMs = 1_000 / Number(host.process.argv[1] ?? Number.POSITIVE_INFINITY);
/** Time that the machine took from the server and that it may make up, so that the rate is the one asked for. */
const creditMs = 20;
let freeMs = 0;

/** Holds the whole server, as work would, until it may answer again. */
function keepRate(): void {
  freeMs = Math.max(freeMs, host.clock.monotonicMs() - creditMs) + gapMs;
  while (host.clock.monotonicMs() < freeMs);
}

const hello = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 11\r\nContent-Type: text/plain\r\n\r\nhello world');
const refusal = Buffer.from('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
const headEnd = Buffer.from('\r\n\r\n');
const pageStart = Buffer.from('GET /page?after=');
const tokenPattern = /\r\nauthorization: Bearer token-of-user-(\d+)\r\n/i;

function pageFor(head: Buffer): Buffer {
  const text = head.toString('latin1');
  const user = tokenPattern.exec(text)?.[1];
  if (user === undefined) return refusal;
  const after = Number.parseInt(text.slice(pageStart.length), 10);
  const items = Array.from({ length: 5 }, (_, index) => ({ id: after + index + 1, title: `item ${after + index + 1}` }));
  const body = JSON.stringify({ user: Number(user), items });
  return Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nContent-Type: application/json\r\n\r\n${body}`, 'latin1');
}

const isPage = (head: Buffer): boolean => head.length > pageStart.length && pageStart.equals(head.subarray(0, pageStart.length));

const server = createServer({ noDelay: true }, (socket) => {
  let open = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes) => {
    let rest = open.length === 0 ? bytes : Buffer.concat([open, bytes]);
    for (let end = rest.indexOf(headEnd); end >= 0; end = rest.indexOf(headEnd)) {
      const head = rest.subarray(0, end + 2);
      const reply = isPage(head) ? pageFor(head) : hello;
      if (delayMs > 0) host.timers.after(delayMs, () => socket.write(reply));
      else {
        if (gapMs > 0) keepRate();
        socket.write(reply);
      }
      rest = rest.subarray(end + 4);
    }
    open = Buffer.from(rest);
  });
});

stdin.on('end', () => host.process.exit(0)).resume();

server.listen(0, '127.0.0.1', 4_096, () => {
  host.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
