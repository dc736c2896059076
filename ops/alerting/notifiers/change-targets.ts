/** Where deploys are told: PagerDuty's timeline of changes. */
import type { FindSettings, IntegrationSettings } from './settings.ts';

export interface ChangeTarget {
  readonly receiver: string;
  readonly index: number;
}

interface KnownReceiver {
  readonly name: string;
  readonly integrations: readonly { readonly kind: IntegrationSettings['kind']; readonly index: number }[];
}

/** One PagerDuty integration for each routing key whose settings say `sendChanges`: receivers that share a key would show a deploy twice. */
export function changeTargets(receivers: readonly KnownReceiver[], findSettings: FindSettings): ChangeTarget[] {
  const keys = new Set<string>();
  return receivers.flatMap(({ name, integrations }) =>
    integrations.flatMap((integration) => {
      if (integration.kind !== 'pagerduty') return [];
      const settings = findSettings(name, integration);
      if (settings?.kind !== 'pagerduty' || !settings.sendChanges || keys.has(settings.routingKey)) return [];
      keys.add(settings.routingKey);
      return [{ receiver: name, index: integration.index }];
    }),
  );
}
