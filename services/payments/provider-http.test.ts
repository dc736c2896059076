import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { host } from './fixture.ts';
import { createHttpProvider, type HttpProviderOptions } from './provider-http.ts';
import type { PaymentProvider } from './provider.ts';

const cleanups: (() => void)[] = [];
afterEach(() => cleanups.splice(0).forEach((cleanup) => cleanup()));

async function providerOf(listener: RequestListener, options: Partial<HttpProviderOptions> = {}): Promise<{ provider: PaymentProvider; connections: () => number }> {
  const server = createServer(listener);
  let connections = 0;
  server.on('connection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const provider = createHttpProvider(host, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/base/`, ...options });
  cleanups.push(() => {
    provider.close();
    server.closeAllConnections();
    server.close();
  });
  return { provider, connections: () => connections };
}

const charge = { reference: randomUUID(), amountCents: 499, currency: 'usd', paymentMethod: 'card_ok', webhookUrl: 'http://127.0.0.1/hook' };
const payment = { id: 'pi_1', reference: charge.reference, status: 'processing', amountCents: 499, failureCode: null, updatedMs: 5 };
const unavailable = expect.objectContaining({ status: 503, code: 'payment_provider_unavailable' });

describe('the HTTP provider', () => {
  it('sends the reference as the idempotency key and keeps its connection', async () => {
    const seen: unknown[] = [];
    const { provider, connections } = await providerOf((request, response) => {
      seen.push([request.method, request.url, request.headers['idempotency-key']]);
      request.resume().on('end', () => response.end(JSON.stringify(payment)));
    });
    expect(await provider.charge(charge)).toEqual(payment);
    expect(await provider.find(charge.reference)).toEqual(payment);
    expect(seen).toEqual([
      ['POST', '/base/v1/payment_intents', charge.reference],
      ['GET', `/base/v1/payment_intents?reference=${charge.reference}`, undefined],
    ]);
    expect(connections()).toBe(1);
  });

  it('repeats once under the same key after a broken connection or a 5xx, then gives up with 503', async () => {
    const keys: unknown[] = [];
    const answers = ['destroy', '500', 'ok', '500', '500'];
    const { provider } = await providerOf((request, response) => {
      keys.push(request.headers['idempotency-key']);
      const answer = answers.shift();
      if (answer === 'destroy') return request.socket.destroy();
      response.statusCode = answer === 'ok' ? 200 : 500;
      return response.end(answer === 'ok' ? JSON.stringify(payment) : '{}');
    });
    await expect(provider.charge(charge)).rejects.toEqual(unavailable);
    expect(await provider.charge(charge)).toEqual(payment);
    await expect(provider.charge(charge)).rejects.toEqual(unavailable);
    expect(keys).toEqual(Array.from({ length: 5 }, () => charge.reference));
  });

  it('does not repeat an answer that will not change', async () => {
    let calls = 0;
    const { provider } = await providerOf((_, response) => {
      calls++;
      response.writeHead(409).end('{}');
    });
    await expect(provider.charge(charge)).rejects.toEqual(unavailable);
    expect(calls).toBe(1);
  });

  it('takes 402 with a payment as a decline and 404 as unknown', async () => {
    const { provider } = await providerOf((request, response) => {
      if (request.method === 'GET') return response.writeHead(404).end('{}');
      return response.writeHead(402).end(JSON.stringify({ ...payment, status: 'failed', failureCode: 'card_declined' }));
    });
    expect(await provider.charge(charge)).toMatchObject({ status: 'failed', failureCode: 'card_declined' });
    expect(await provider.find(charge.reference)).toBeUndefined();
  });

  it('gives up on silence, nonsense and endless replies', async () => {
    const { provider } = await providerOf(() => undefined, { timeoutMs: 20 });
    await expect(provider.charge(charge)).rejects.toThrow('no reply within 20 ms');
    const nonsense = await providerOf((_, response) => response.end('<html>'));
    await expect(nonsense.provider.charge(charge)).rejects.toEqual(unavailable);
    const endless = await providerOf((_, response) => {
      const more = (): void => void (response.destroyed || response.write('x'.repeat(10_000), () => setImmediate(more)));
      more();
    });
    await expect(endless.provider.charge(charge)).rejects.toThrow('larger than 65536 bytes');
  });

  it('refuses at once beyond its bound of calls', async () => {
    const { provider } = await providerOf(() => undefined, { callsMax: 1, timeoutMs: 50 });
    const first = provider.charge(charge);
    await expect(provider.charge(charge)).rejects.toMatchObject({ status: 503, code: 'overloaded' });
    await expect(first).rejects.toEqual(unavailable);
  });
});
