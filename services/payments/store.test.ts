import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../../tests/database.ts';
import { balanceOf, createPaymentsDatabase, host, newIntent } from './fixture.ts';
import { eventTypes, statusAfter, type EventType, type IntentStatus } from './rules.ts';
import { createBatchedPaymentsStore } from './store-batched.ts';
import { createPlainPaymentsStore, type PaymentEvent, type PaymentsStore, type StoredIntent } from './store.ts';

let test: TestDatabase;
let plain: PaymentsStore;
let batched: PaymentsStore;
let nextUser = 1;

beforeAll(async () => {
  test = await createPaymentsDatabase(1_000);
  plain = createPlainPaymentsStore(test.db);
  batched = createBatchedPaymentsStore(host, test.db);
});
afterAll(() => test[Symbol.asyncDispose]());

function eventOf(intent: { intentId: string; priceCents: number }, type: EventType | 'charge.disputed', more: Partial<PaymentEvent> = {}): PaymentEvent {
  return {
    eventId: randomUUID(), intentId: intent.intentId, type, providerId: 'pi_test', amountCents: intent.priceCents,
    failureCode: null, createdMs: host.clock.nowMs(), ...more,
  };
}

async function statusOf(intent: StoredIntent): Promise<IntentStatus | undefined> {
  return (await plain.findIntent(intent.userId, intent.intentId))?.status;
}

describe('openIntent', () => {
  it('answers the first intent of a key to every repeat, alone, together and from both stores', async () => {
    const user = nextUser++;
    const asked = newIntent(user);
    const again = (): typeof asked => ({ ...asked, intentId: randomUUID() });
    const all = await Promise.all([batched.openIntent(asked), batched.openIntent(again()), plain.openIntent(again()), batched.openIntent(again())]);
    expect(new Set(all.map((intent) => intent.intentId)).size).toBe(1);
    expect(await plain.openIntent({ ...again(), tokens: 7 })).toEqual(all[0]);
    const other = await batched.openIntent({ ...again(), userId: nextUser++ });
    expect(other.intentId).not.toBe(all[0]?.intentId);
  });
});

describe('applyEvent', () => {
  it('credits once for a success, however often and in whatever company it comes', async () => {
    const user = nextUser++;
    const intent = await plain.openIntent(newIntent(user, { tokens: 250 }));
    const success = eventOf(intent, 'payment_intent.succeeded');
    const outcomes = await Promise.all([batched.applyEvent(success), plain.applyEvent(success), batched.applyEvent(success), batched.applyEvent(eventOf(intent, 'payment_intent.succeeded'))]);
    expect(outcomes.filter((outcome) => outcome === 'applied')).toHaveLength(1);
    expect(await plain.applyEvent(success)).toBe('duplicate');
    expect(await plain.applyEvent(eventOf(intent, 'payment_intent.succeeded'))).toBe('ignored');
    expect(await balanceOf(test.db, user)).toBe(250);
  });

  it('ends as the rules say for any events in any order, plain and batched, and never credits twice', async () => {
    const drawn = fc.array(fc.record({ intent: fc.nat(2), type: fc.constantFrom(...eventTypes), id: fc.nat(4) }), { minLength: 1, maxLength: 15 });
    await fc.assert(fc.asyncProperty(drawn, async (draws) => {
      const run = async (store: PaymentsStore, together: boolean): Promise<unknown> => {
        const intents = await Promise.all([0, 1, 2].map(() => store.openIntent(newIntent(nextUser++))));
        // An event id belongs to one intent and type, as a processor's does.
        const ids = new Map<string, string>();
        const events = draws.flatMap((d) => {
          const intent = intents[d.intent];
          if (intent === undefined) return [];
          const name = `${d.intent}:${d.type}:${d.id}`;
          if (!ids.has(name)) ids.set(name, randomUUID());
          return [eventOf(intent, d.type, { eventId: ids.get(name) ?? '' })];
        });
        if (together) await Promise.all(events.map((event) => store.applyEvent(event)));
        else for (const event of events) await store.applyEvent(event);
        const statuses = await Promise.all(intents.map(statusOf));
        const expected = intents.map((intent) => events.filter((e) => e.intentId === intent.intentId).reduce((s: IntentStatus, e) => statusAfter(s, e.type as EventType), 'pending'));
        expect(statuses).toEqual(expected);
        const balances = await Promise.all(intents.map((intent) => balanceOf(test.db, intent.userId)));
        expect(balances).toEqual(expected.map((status) => (status === 'succeeded' ? 100 : 0)));
        return statuses;
      };
      expect(await run(batched, true)).toEqual(await run(plain, false));
    }), { numRuns: 30 });
  });

  it('keeps nothing of an unknown intent or another amount, so that the event can come again', async () => {
    const user = nextUser++;
    const asked = newIntent(user);
    const early = eventOf(asked, 'payment_intent.succeeded');
    expect(await batched.applyEvent(early)).toBe('unknown_intent');
    const intent = await plain.openIntent(asked);
    expect(await batched.applyEvent(eventOf(intent, 'payment_intent.succeeded', { amountCents: 1 }))).toBe('amount_mismatch');
    expect(await balanceOf(test.db, user)).toBe(0);
    expect(await batched.applyEvent(early)).toBe('applied');
    expect(await balanceOf(test.db, user)).toBe(100);
  });

  it('takes and ignores types it does not know', async () => {
    const intent = await plain.openIntent(newIntent(nextUser++));
    expect(await plain.applyEvent(eventOf(intent, 'charge.disputed'))).toBe('ignored');
    expect(await statusOf(intent)).toBe('pending');
  });

  it('lets one bad event of a batch fail alone', async () => {
    const user = nextUser++;
    const intent = await plain.openIntent(newIntent(user));
    const [bad, good] = await Promise.allSettled([
      batched.applyEvent(eventOf(intent, 'payment_intent.processing', { eventId: 'nul \u0000' })),
      batched.applyEvent(eventOf(intent, 'payment_intent.succeeded')),
    ]);
    expect(bad.status).toBe('rejected');
    expect(good).toEqual({ status: 'fulfilled', value: 'applied' });
    expect(await balanceOf(test.db, user)).toBe(100);
  });
});

describe('refuseIntent and failIntent', () => {
  it('leave a success alone', async () => {
    const intent = await plain.openIntent(newIntent(nextUser++));
    await plain.applyEvent(eventOf(intent, 'payment_intent.succeeded'));
    await plain.refuseIntent(intent.intentId, 'card_declined');
    await plain.failIntent(intent.intentId, 'abandoned');
    expect(await plain.findIntent(intent.userId, intent.intentId)).toMatchObject({ status: 'succeeded', refused: false, failureCode: null });
  });

  it('take a refused purchase out of the audit of writes', async () => {
    const intent = await plain.openIntent(newIntent(nextUser++));
    const audited = (): Promise<object[]> => test.db.query({ name: 'test_audited', text: 'select write_id from payment_accepted_intents where id = $1' }, [intent.intentId]);
    expect(await audited()).toHaveLength(1);
    await plain.refuseIntent(intent.intentId, 'card_declined');
    expect(await audited()).toHaveLength(0);
  });
});

describe('listPending', () => {
  it('walks intents of one moment page by page without a gap or a repeat', async () => {
    await using own = await createPaymentsDatabase(1);
    const store = createPlainPaymentsStore(own.db);
    const opener = createBatchedPaymentsStore(host, own.db);
    // One batch, hence one time of creation for all.
    const made = await Promise.all(Array.from({ length: 7 }, () => opener.openIntent(newIntent(1))));
    const later = new Date(host.clock.nowMs() + 60_000);
    const first = await store.listPending(later, undefined, 4);
    const second = await store.listPending(later, first.at(-1), 4);
    expect([...first, ...second].map((intent) => intent.intentId).toSorted()).toEqual(made.map((intent) => intent.intentId).toSorted());
    expect(await store.listPending(later, second.at(-1), 4)).toEqual([]);
    expect(await store.listPending(new Date(0), undefined, 4)).toEqual([]);
  });
});

describe('pruneEvents', () => {
  it('forgets old events, and a repeat of one still does nothing', async () => {
    const user = nextUser++;
    const intent = await plain.openIntent(newIntent(user));
    const success = eventOf(intent, 'payment_intent.succeeded');
    await plain.applyEvent(success);
    expect(await plain.pruneEvents(new Date(host.clock.nowMs() - 60_000), 1_000)).toBe(0);
    expect(await plain.pruneEvents(new Date(host.clock.nowMs() + 60_000), 1_000)).toBeGreaterThan(0);
    expect(await plain.applyEvent(success)).toBe('ignored');
    expect(await balanceOf(test.db, user)).toBe(100);
  });
});
