import { Histogram, type Registry } from 'prom-client';
import { counter, metricNames } from '../../ops/telemetry/metrics.ts';
import type { Domain, Platform } from '../platform/domain.ts';
import { createBatchedChatStore } from './batched-store.ts';
import { chatRoutes, type SendMeter } from './routes.ts';
import { createChatStore } from './store.ts';

/** Conversations of two, free and paid messages, read markers. */
export function createChat(platform: Platform): Domain {
  const store = createBatchedChatStore(platform, createChatStore(platform.db));
  return {
    name: 'chat',
    routes: chatRoutes(store, createSendMeter(platform)),
    auditedWrites: [
      { kind: 'message', table: 'messages', userColumn: 'sender_id', writeIdColumn: 'write_id' },
      { kind: 'conversation', table: 'conversations', userColumn: 'created_by', writeIdColumn: 'write_id' },
    ],
  };
}

/** Chat's part of the wallet's figures stands under the same names, as the kind `chat`. */
function createSendMeter({ host, metrics }: Platform): SendMeter {
  const failures = counter(metrics, metricNames.walletFailures);
  const revenue = counter(metrics, metricNames.creatorRevenue);
  for (const reason of ['insufficient', 'conflict']) failures.inc({ kind: 'chat', reason }, 0);
  revenue.inc({ kind: 'chat' }, 0);
  return {
    clock: host.clock,
    duration: sendDuration(metrics),
    chargeFailed: (reason) => failures.inc({ kind: 'chat', reason }),
    earned: (tokens) => revenue.inc({ kind: 'chat' }, tokens),
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
