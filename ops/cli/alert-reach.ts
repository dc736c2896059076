/** In one line whom alerts reach, so that a stack that tells nobody does not look like one that does. */
import { severities } from '../alerting/alert.ts';
import type { LoadedRouting } from '../alerting/routing/load.ts';
import { matchRoutes } from '../alerting/routing/route.ts';

/** By severity the kinds of integrations that are on: `critical: pagerduty, email; high, medium, low: the log alone`. */
export function describeReach({ config }: Pick<LoadedRouting, 'config'>): string {
  const kinds = (severity: string): string => {
    const receivers = new Set(matchRoutes(config.root, { alertname: 'A', severity }).map(({ receiver }) => receiver));
    const own = config.receivers.filter(({ name }) => receivers.has(name)).flatMap(({ integrations }) => integrations.map(({ kind }) => kind));
    return own.length === 0 ? 'nobody' : own.every((kind) => kind === 'log') ? 'the log alone' : [...new Set(own)].join(', ');
  };
  return [...Map.groupBy(severities, kinds)].map(([reached, of]) => `${of.join(', ')}: ${reached}`).join('; ');
}
