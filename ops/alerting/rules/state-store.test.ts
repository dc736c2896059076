import { describe, expect, it } from 'vitest';
import { eventDetails } from '../../core/event-log/event.ts';
import type { AlertTransition } from '../alert.ts';
import { fingerprintOf } from '../alert.ts';
import { eventsOf } from './state-store.ts';

function transition(change: Partial<AlertTransition>): AlertTransition {
  const labels = { alertname: 'Down', ...change.labels };
  return { atMs: 1.5, group: 'g', rule: 'Down', fingerprint: fingerprintOf(labels), annotations: {}, from: 'inactive', to: 'firing', value: 1, activeAtMs: 0, ...change, labels };
}

describe('eventsOf', () => {
  it('writes what the event log takes, however long or odd it was', () => {
    const long = '\ud83d\ude00'.repeat(5_000);
    const events = eventsOf({
      transitions: [transition({}), transition({ value: Number.NaN, labels: { [long]: long }, annotations: { summary: long } }), transition({ value: -Infinity, group: long, rule: long })],
      health: [{ atMs: 0, group: 'g', rule: 'Down', from: 'ok', to: 'error', error: long }, { atMs: 0, group: 'g', rule: 'Down', from: 'error', to: 'ok' }],
    });
    expect(events).toHaveLength(5);
    for (const { atMs, details } of events) {
      expect(eventDetails.safeParse(details).error).toBeUndefined();
      expect(Number.isSafeInteger(atMs)).toBe(true);
    }
    expect(events.map(({ details }) => (details.kind === 'alert' ? details.value : details.kind))).toEqual([1, 'NaN', '-Inf', 'rule-health', 'rule-health']);
  });
});
