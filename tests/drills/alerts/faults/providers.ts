import type { Fault } from '../fault.ts';
import { setFaults } from './reach.ts';

const burn = (slo: string): string[] => ['1h', '6h', '1d'].map((window) => `${slo}Burn${window}`);

export const slowAi: Fault = {
  name: 'ai-slow', what: 'the AI provider takes 5 s to answer', target: 'mock-ai',
  alerts: ['AiLatencyHigh', ...burn('AiLatency')],
  begin: (world) => setFaults(world, 'mock-ai', { latencyMs: 5_000 }, { latencyMs: 50 }),
  notes: () => ({ excused: { "npx sora query 'histogram_quantile(0.95, sum by (le, model) (rate(ai_first_token": 'the users of the drill stream no replies' } }),
  mitigation: ['curl'],
};

export const wordyAi: Fault = {
  name: 'ai-wordy', what: 'the AI provider bills 1,000 times the tokens', target: 'mock-ai',
  alerts: ['AiTokenBudgetPace'],
  begin: (world) => setFaults(world, 'mock-ai', { usageFactor: 1_000 }, { usageFactor: 1 }),
};

export const failingAi: Fault = {
  name: 'ai-failing', what: 'the AI provider answers 500', target: 'mock-ai',
  alerts: burn('AiAvailability'),
  begin: (world) => setFaults(world, 'mock-ai', { failRatio: 1 }, { failRatio: 0 }),
};

export const failingModeration: Fault = {
  name: 'moderation-failing', what: 'the AI provider gives no verdict on messages', target: 'mock-ai',
  alerts: ['ModerationFailing'],
  begin: (world) => setFaults(world, 'mock-ai', { moderationFailRatio: 1 }, { moderationFailRatio: 0 }),
  mitigation: ['curl'],
};

export const latePayments: Fault = {
  name: 'payments-late', what: 'the payment provider tells of payments after 9 s', target: 'mock-payments',
  alerts: ['PaymentDelayHigh', ...burn('PaymentsLatency')],
  begin: (world) => setFaults(world, 'mock-payments', { webhookDelayMs: 9_000 }, { webhookDelayMs: 100 }),
  mitigation: ['curl'],
};

export const failingPayments: Fault = {
  name: 'payments-failing', what: 'the payment provider answers 500', target: 'mock-payments',
  alerts: ['PaymentSuccessLow', ...burn('PaymentsAvailability')],
  begin: (world) => setFaults(world, 'mock-payments', { failRatio: 1 }, { failRatio: 0 }),
  mitigation: ['curl'],
};
