import type { Host } from '../../ops/core/host.ts';
import { Batcher } from '../platform/batcher.ts';
import type { Database } from '../platform/database.ts';
import type { EventOutcome } from './rules.ts';
import {
  applyEvents, createPlainPaymentsStore, openIntents, type NewIntent, type PaymentEvent, type PaymentsStore, type StoredIntent,
} from './store.ts';

/**
 * The plain store with many purchases, and many events, in one call and one commit each. A `failed`
 * and a `succeeded` event of one intent in one batch answer `ignored` and `applied`, where one after
 * the other both would answer `applied`; what is stored is the same. Beyond 5,000 waiting items each
 * refuses with 503; the processor sends its event again.
 */
export function createBatchedPaymentsStore(host: Host, db: Database): PaymentsStore {
  const intents = new Batcher<NewIntent, StoredIntent>(host, { name: 'payment intents' }, (items) => openIntents(db, items));
  const events = new Batcher<PaymentEvent, EventOutcome>(host, { name: 'payment events' }, (items) => applyEvents(db, items));
  return {
    ...createPlainPaymentsStore(db),
    openIntent: (intent) => intents.add(intent),
    applyEvent: (event) => events.add(event),
  };
}
