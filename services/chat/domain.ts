import { Histogram, type Registry } from 'prom-client';
import type { Domain, Platform } from '../platform/domain.ts';
import { createBatchedChatStore } from './batched-store.ts';
import { chatRoutes } from './routes.ts';
import { createChatStore } from './store.ts';

/** Conversations of two, free and paid messages, read markers. */
export function createChat(platform: Platform): Domain {
  const store = createBatchedChatStore(platform, createChatStore(platform.db));
  return {
    name: 'chat',
    routes: chatRoutes(store, { clock: platform.host.clock, duration: sendDuration(platform.metrics) }),
    auditedWrites: [{ kind: 'message', table: 'messages', userColumn: 'sender_id', writeIdColumn: 'write_id' }],
  };
}

/** `outcome` is one of created, replayed, missing, insufficient, conflict, failed. */
function sendDuration(metrics: Registry): Histogram<'outcome'> {
  return new Histogram({
    name: 'chat_message_send_duration_seconds',
    help: 'From the send of a message to its commit, with the wait for its batch',
    labelNames: ['outcome'],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [metrics],
  });
}
