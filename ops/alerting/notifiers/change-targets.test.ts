import { expect, test } from 'vitest';
import { changeTargets } from './change-targets.ts';
import { integrationSettings } from './settings.ts';

test('each PagerDuty service that wants changes is told once', () => {
  const pagerduty = (index: number) => ({ kind: 'pagerduty' as const, index });
  const receivers = [
    { name: 'critical', integrations: [{ kind: 'slack' as const, index: 0 }, pagerduty(0)] },
    { name: 'high', integrations: [pagerduty(0), pagerduty(1), pagerduty(2)] },
  ];
  const keys: Record<string, string> = { 'critical 0': 'one', 'high 0': 'one', 'high 1': 'two', 'high 2': 'three' };
  const found = changeTargets(receivers, (receiver, { kind, index }) =>
    kind === 'pagerduty' ? integrationSettings.parse({ kind, routingKey: keys[`${receiver} ${index}`], sendChanges: index !== 2 }) : undefined);
  expect(found).toEqual([{ receiver: 'critical', index: 0 }, { receiver: 'high', index: 1 }]);
});
