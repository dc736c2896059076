import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { warningOf } from './watchdog-reach.ts';

async function answer(body: object): Promise<string> {
  const server = createServer((_request, response) => void response.end(JSON.stringify(body)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('status warns of a watchdog that reaches nobody, and of no other', async () => {
  expect(await warningOf(await answer({ status: 'ready', reaches: [] }))).toContain('nobody is told when the control plane falls silent');
  expect(await warningOf(await answer({ status: 'ready', reaches: ['critical/slack[0]'] }))).toBeUndefined();
  expect(await warningOf(await answer({ status: 'ready' }))).toBeUndefined();
  expect(await warningOf('http://127.0.0.1:1')).toBeUndefined();
  expect(await warningOf(undefined)).toBeUndefined();
});
