import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Exchange } from './exchange.ts';

const server = createServer();
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => server.close());

async function begin(): Promise<{ exchange: Exchange; leave: () => Promise<unknown> }> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const request = once(server, 'request') as Promise<[never, ServerResponse]>;
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const [incoming, response] = await request;
  const leave = (): Promise<unknown> => {
    const closed = once(response, 'close');
    socket.destroy();
    return closed;
  };
  return { exchange: new Exchange(incoming, response, 'test-correlation', 0, 1_000), leave };
}

it('aborts when the client leaves, also where it had left before anyone asked', async () => {
  const early = await begin();
  const { signal } = early.exchange;
  expect(signal.aborted).toBe(false);
  await early.leave();
  expect(signal.aborted).toBe(true);
  const late = await begin();
  await late.leave();
  expect(late.exchange.signal.aborted).toBe(true);
});

it('aborts at the deadline, also where it had passed before anyone asked', async () => {
  const { exchange, leave } = await begin();
  exchange.abort(new Error('too late'));
  expect(exchange.signal.reason).toMatchObject({ message: 'too late' });
  await leave();
});
