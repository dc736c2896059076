import { dirname } from 'node:path';
import type { Host } from '../../../ops/core/host.ts';
import type { TargetPolicy } from '../guard.ts';
import { findBun } from './bun-runtime.ts';
import { limitUsers, readMachineLimits } from './limits.ts';
import { type LinkOverrides, type LinkPlan, needOf, planLinks } from './link-plan.ts';
import type { ScenarioLinks } from './scenario-links.ts';
import { SourceAddresses } from './source-addresses.ts';
import { loadTls } from './tls-files.ts';
import type { TlsMaterial } from './tls-wire.ts';

export interface LinksOfRun {
  readonly host: Host;
  readonly scenario: ScenarioLinks;
  readonly scenarioFile: string;
  readonly overrides: LinkOverrides;
  readonly target: string;
  readonly policy: TargetPolicy;
  readonly users: number;
  readonly usersTotal: number;
  readonly sockets: number;
  readonly log: (message: string) => void;
}

/**
 * Decides how the users of a run reach the target, on this machine, and says what the machine allows
 * where they have sockets of their own.
 * @throws SoraError `invalid_config` as `planLinks` and `loadTls` do
 */
export function resolveLinks(run: LinksOfRun): LinkPlan {
  const { host, scenario, overrides } = run;
  const machine = readMachineLimits(host);
  const transport = overrides.transport ?? scenario.transport ?? 'pooled';
  const { extraSocketsPerUser } = scenario;
  const plan = planLinks({
    ...run,
    transport,
    extraSocketsPerUser,
    sourceAddresses: overrides.sourceAddresses ?? scenario.sourceAddresses,
    runtime: overrides.runtime,
    timeouts: scenario.timeouts ?? {},
    tls: resolveTls(host, scenario, run.scenarioFile, overrides),
    machine,
    platform: host.process.platform,
    hasBun: () => findBun(host) !== undefined,
  });
  const need = needOf({ transport, sockets: run.sockets, extraSocketsPerUser });
  if (need.perUser > 0) {
    const addresses = plan.sourceAddresses.length === 0 ? 1 : new SourceAddresses(plan.sourceAddresses).count;
    const what = need.perUser === 1 && need.pooled === 0 ? 'one connection a user' : `${need.perUser} sockets a user`;
    run.log(`  ${what}, under ${plan.runtime === 'bun' ? 'Bun' : 'Node'}; this machine allows ${limitUsers(machine, plan.runtime, addresses, need).text}`);
  }
  return plan;
}

/** A scenario's TLS, file for file replaced by what the run names. */
export function resolveTls(host: Host, scenario: ScenarioLinks, scenarioFile: string, overrides: LinkOverrides): TlsMaterial | undefined {
  const own = loadTls(host, scenario.tls, dirname(scenarioFile));
  const named = loadTls(host, overrides.tls, host.process.cwd());
  if (own === undefined || named === undefined) return named ?? own;
  return { ...own, ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) };
}
