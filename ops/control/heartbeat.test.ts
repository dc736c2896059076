import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createTestHost } from '../core/test-host.ts';
import { startHeart } from './heartbeat.ts';

/** Hears POSTs; `next` resolves with the one after those already taken. */
async function listen(status = 204) {
  const heard: { path: string; authorization: string | undefined; body: string }[] = [];
  let taken = 0;
  let look = (): void => undefined;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      heard.push({ path: request.url ?? '', authorization: request.headers.authorization, body });
      response.writeHead(status).end();
      look();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const next = (): Promise<(typeof heard)[number]> => new Promise((resolve) => {
    look = () => {
      const found = heard[taken];
      if (found === undefined) return;
      taken++;
      look = () => undefined;
      resolve(found);
    };
    look();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard, next };
}

test('the heart beats at its interval for watchdogs and elsewhere, and says a last word to watchdogs only', async () => {
  const host = createTestHost();
  const watchdog = await listen();
  const outside = await listen();
  const heart = startHeart({ host, everyMs: 10_000, outsideUrl: `${outside.url}/ping/uuid`, watchdogUrls: [watchdog.url], secret: 's', problem: () => undefined, onError: (text) => expect.fail(text) });
  const first = await watchdog.next();
  expect(first).toMatchObject({ path: '/heartbeat', authorization: 'Bearer s' });
  expect(await outside.next()).toEqual({ path: '/ping/uuid', authorization: undefined, body: '' });
  // A clock that runs ahead of the replies would end them.
  await expect.poll(() => heart.counts.sent).toBe(2);
  await host.advance(10_000);
  expect(await watchdog.next()).toEqual(first);
  await expect.poll(() => heart.counts.sent).toBe(4);
  await heart.stop('stopping');
  expect(JSON.parse((await watchdog.next()).body)).toEqual({ ...(JSON.parse(first.body) as object), kind: 'stopping' });
  expect(outside.heard).toHaveLength(2);
  await host.advance(60_000);
  expect(watchdog.heard).toHaveLength(3);
});

test('while the control plane cannot work, no heartbeat goes out; one that is not taken is told', async () => {
  const host = createTestHost();
  const watchdog = await listen(401);
  const errors: string[] = [];
  let problem: string | undefined = 'no rule was evaluated for 90 s';
  const heard = Promise.withResolvers<void>();
  const heart = startHeart({ host, everyMs: 10_000, outsideUrl: undefined, watchdogUrls: [watchdog.url], secret: 's', problem: () => problem, onError(text) {
    errors.push(text);
    if (text.includes('401')) heard.resolve();
  } });
  expect(errors).toEqual(['no heartbeat: no rule was evaluated for 90 s']);
  problem = undefined;
  await host.advance(10_000);
  await heard.promise;
  expect(errors[1]).toBe(`the heartbeat to ${watchdog.url} failed: it answered 401`);
  expect(heart.counts).toEqual({ sent: 0, failed: 1, withheld: 1 });
});
