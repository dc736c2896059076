import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { createTestHost } from '../../../ops/core/test-host.ts';
import { Ticks } from '../http/ticks.ts';
import { Books } from './books.ts';
import { endEvent, extraEvents } from './events.ts';
import { createDraw, noFaults, type Faults } from './faults.ts';
import { Journal } from './journal.ts';
import { Processor, type Charge, type Payment } from './processor.ts';
import { createProcessorServer } from './server.ts';

const host = createNodeHost();
const draw = createDraw(1);
const secret = 'secret of the mock test';
const cleanups: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function chargeOf(more: Partial<Charge> = {}): Charge {
  return { reference: randomUUID(), amountCents: 499, currency: 'usd', paymentMethod: 'card_ok', ...more };
}

function made(processor: Processor, charge = chargeOf(), faults: Faults = noFaults): Payment {
  const answer = processor.charge(charge.reference, charge, faults);
  if (!('payment' in answer) || answer.payment === undefined) throw new Error(`no payment: ${answer.kind}`);
  return answer.payment;
}

interface Taken {
  readonly body: string;
  readonly signature: string;
}

/** A receiver of events on a socket; answers the statuses given, then 200. */
async function receive(statuses: number[] = []): Promise<{ url: string; taken: Taken[]; next(count: number): Promise<void> }> {
  const taken: Taken[] = [];
  const server = createServer((incoming, response) => {
    void readAll(incoming).then((body) => {
      taken.push({ body, signature: String(incoming.headers['payment-signature']) });
      response.writeHead(statuses.shift() ?? 200).end();
      server.emit('taken');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    taken,
    next: async (count) => {
      while (taken.length < count) await once(server, 'taken');
    },
  };
}

async function readAll(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of incoming) text += String(chunk);
  return text;
}

function booksOf(webhookUrl: string | undefined, journalPath?: string): Books {
  const books = new Books(host, { secret, webhookUrl, seed: 1, journalPath });
  books.faults = { ...noFaults, webhookDelayMs: 0, settleMs: 0 };
  cleanups.push(() => books.close());
  return books;
}

function journalPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sora-mock-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'journal.jsonl');
}

describe('the processor', () => {
  it('answers the same payment to a repeat of a key, and refuses the key for another payment', () => {
    const processor = new Processor(host.clock, draw);
    const charge = chargeOf();
    const payment = made(processor, charge);
    expect(processor.charge(charge.reference, charge, noFaults)).toEqual({ kind: 'repeated', payment });
    expect(processor.charge(charge.reference, { ...charge, amountCents: 1 }, noFaults)).toEqual({ kind: 'key_reused' });
    expect(processor.find('reference', charge.reference)).toBe(payment);
    expect(processor.find('id', payment.id)).toBe(payment);
  });

  it('settles after its time: a card that is ok, slow or declined', async () => {
    const test = createTestHost();
    const processor = new Processor(test.clock, draw);
    const [ok, slow, declined] = ['card_ok', 'card_slow', 'card_declined'].map((paymentMethod) => made(processor, chargeOf({ paymentMethod })));
    const statuses = (): string[] => [ok, slow, declined].flatMap((payment) => (payment === undefined ? [] : processor.view(payment).status));
    expect(statuses()).toEqual(['processing', 'processing', 'failed']);
    await test.advance(noFaults.settleMs);
    expect(statuses()).toEqual(['succeeded', 'processing', 'failed']);
    await test.advance(3_000);
    expect(statuses()).toEqual(['succeeded', 'succeeded', 'failed']);
  });

  it('declines the share asked for, and the same payments whatever their order', () => {
    const charges = Array.from({ length: 2_000 }, () => chargeOf());
    const faults = { ...noFaults, declineRatio: 0.25 };
    const declined = (list: readonly Charge[]): Set<string> => {
      const processor = new Processor(host.clock, createDraw(9));
      return new Set(list.filter((charge) => made(processor, charge, faults).isDeclined).map((charge) => charge.reference));
    };
    const first = declined(charges);
    expect(first.size).toBeGreaterThan(400);
    expect(first.size).toBeLessThan(600);
    expect(declined(charges.toReversed())).toEqual(first);
  });

  it('fails tries before and after the payment was made, and never makes it twice', () => {
    const faults = { ...noFaults, failRatio: 0.8 };
    const kinds = new Set<string>();
    const processor = new Processor(host.clock, draw);
    for (let n = 0; n < 200; n++) {
      const charge = chargeOf();
      const answers = Array.from({ length: 20 }, () => processor.charge(charge.reference, charge, faults));
      for (const answer of answers) kinds.add(answer.kind === 'failed' && answer.payment ? 'failed_after' : answer.kind);
      // A payment leaves with exactly one answer that made it; later ones repeat it or fail.
      expect(answers.filter((answer) => answer.kind === 'made' || (answer.kind === 'failed' && answer.payment !== undefined)).length).toBeLessThanOrEqual(1);
    }
    expect([...kinds].toSorted()).toEqual(['failed', 'failed_after', 'made', 'repeated']);
  });
});

describe('draws', () => {
  it('depend on seed and subject only and lie in [0, 1)', () => {
    fc.assert(fc.property(fc.integer(), fc.string(), (seed, subject) => {
      const value = createDraw(seed)(subject);
      expect(value).toBe(createDraw(seed)(subject));
      expect(value >= 0 && value < 1).toBe(true);
    }));
  });
});

describe('extra events', () => {
  it('repeat the end event under its id, and bring late ones behind it', () => {
    const payment = made(new Processor(host.clock, draw));
    expect(extraEvents(payment, 'http://x/', noFaults, draw)).toEqual([]);
    const [repeat, late] = extraEvents(payment, 'http://x/', { ...noFaults, duplicateRatio: 1, outOfOrderRatio: 1 }, draw);
    const end = endEvent(payment, 'http://x/');
    expect(repeat).toEqual(end);
    expect(late?.id).not.toBe(end.id);
    expect(late?.dueMs).toBeGreaterThan(end.dueMs);
  });
});

describe('the sender', () => {
  it('signs the body it sends, and tries again until the answer is 2xx', async () => {
    const receiver = await receive([500, 404]);
    const books = booksOf(receiver.url);
    const charge = chargeOf();
    await books.charge(charge.reference, charge);
    await receiver.next(3);
    expect(new Set(receiver.taken.map((one) => one.body)).size).toBe(1);
    const [last] = receiver.taken.slice(-1);
    const stamp = /^t=(\d+),/.exec(last?.signature ?? '')?.[1] ?? '';
    expect(last?.signature).toBe(`t=${stamp},v1=${createHmac('sha256', secret).update(`${stamp}.${last?.body}`).digest('hex')}`);
    expect(JSON.parse(last?.body ?? '')).toMatchObject({ type: 'payment_intent.succeeded', data: { reference: charge.reference, amountCents: 499 } });
  });

  it('loses events while told to', async () => {
    const receiver = await receive();
    const books = booksOf(receiver.url);
    books.faults = { ...books.faults, dropWebhooks: true };
    const lost = chargeOf();
    await books.charge(lost.reference, lost);
    while (books.sender.counts.dropped === 0) await host.timers.sleep(1);
    books.faults = { ...books.faults, dropWebhooks: false };
    const sent = chargeOf();
    await books.charge(sent.reference, sent);
    await receiver.next(1);
    expect(receiver.taken.map((one) => (JSON.parse(one.body) as { data: { reference: string } }).data.reference)).toEqual([sent.reference]);
  });
});

describe('the journal', () => {
  it('gives back payments and what is done; a torn last line is left out', async () => {
    const path = journalPath();
    const journal = new Journal(host, path, new Ticks(host, { tickMs: 1 }));
    journal.open();
    const processor = new Processor(host.clock, draw);
    const [first, second] = [made(processor), made(processor)];
    await Promise.all([journal.payment(first), journal.payment(second), journal.done(endEvent(first, 'http://x/').id)]);
    journal.close();
    appendFileSync(path, '{"payment":{"id":"pi_to');
    const again = new Journal(host, path, new Ticks(host, { tickMs: 1 }));
    const { payments, done } = again.open();
    again.close();
    expect(payments).toEqual([first, second]);
    expect([...done]).toEqual([endEvent(first, 'http://x/').id]);
  });

  it('lets the next process send what was owed, once, and know its payments', async () => {
    const path = journalPath();
    const receiver = await receive();
    const before = booksOf(receiver.url, path);
    before.open();
    const delivered = chargeOf();
    await before.charge(delivered.reference, delivered);
    await receiver.next(1);
    while (before.sender.pending > 0) await host.timers.sleep(1);
    before.faults = { ...before.faults, webhookDelayMs: 60_000 };
    const owed = chargeOf({ webhookUrl: receiver.url });
    await before.charge(owed.reference, owed);
    before.close();
    // The event is not due for a minute: bring it forward as if that minute had passed.
    const text = host.files.readText(path);
    host.files.writeText(path, text.replaceAll(/"dueMs":\d+/g, '"dueMs":0'));

    const after = booksOf(receiver.url, path);
    expect(after.open()).toBe(1);
    await receiver.next(2);
    while (after.sender.pending > 0) await host.timers.sleep(1);
    expect(receiver.taken).toHaveLength(2);
    expect(receiver.taken[1]?.body).toContain(owed.reference);
    expect(after.processor.find('reference', delivered.reference)).toBeDefined();
  });
});

describe('the server', () => {
  it('refuses what is malformed with 4xx, shows and changes faults, and counts', async () => {
    const server = createProcessorServer(host, booksOf(undefined));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const post = async (path: string, body: string, key?: string): Promise<number> => {
      const reply = await request(url + path, { method: 'POST', body, headers: key === undefined ? {} : { 'idempotency-key': key } });
      await reply.body.dump();
      return reply.statusCode;
    };
    const charge = JSON.stringify(chargeOf());
    expect(await post('/v1/payment_intents', charge)).toBe(400);
    expect(await post('/v1/payment_intents', 'nothing', 'k')).toBe(400);
    expect(await post('/v1/payment_intents', '{}', 'k')).toBe(400);
    expect(await post('/v1/payment_intents', 'x'.repeat(20_000), 'k')).toBe(413);
    expect(await post('/v1/payment_intents', charge, 'k')).toBe(201);
    expect(await post('/v1/payment_intents', charge, 'k')).toBe(200);
    expect(await post('/v1/payment_intents', JSON.stringify(chargeOf({ paymentMethod: 'card_declined' })), 'd')).toBe(402);
    expect(await post('/control', '{"failRatio":2}')).toBe(400);
    expect(await post('/control', '{"typo":1}')).toBe(400);
    expect(await post('/control', '{"failRatio":1}')).toBe(200);
    expect(await post('/v1/payment_intents', charge, 'k')).toBe(500);
    expect(await (await request(`${url}/control`)).body.json()).toMatchObject({ failRatio: 1, settleMs: 0 });
    expect((await request(`${url}/v1/payment_intents?reference=none`)).statusCode).toBe(404);
    expect(await (await request(`${url}/metrics`)).body.text()).toContain('payments_mock_injected_failures_total 1');
  });
});
