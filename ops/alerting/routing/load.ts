/** Reads the three files of routing together, so that all that is wrong in any of them is said at once. */
import { dirname, join, resolve } from 'node:path';
import { SoraError, invalidConfig, messageOf } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import type { FindSettings } from '../notifiers/settings.ts';
import { createPolicies, parseOncall } from '../oncall/config.ts';
import type { OncallConfig, Person } from '../oncall/config.ts';
import type { Override } from '../oncall/schedule.ts';
import { parseRouting } from './config.ts';
import type { RoutingConfig } from './config.ts';
import { resolveSettings } from './integration.ts';
import type { Integration } from './integration.ts';
import { parseReceivers } from './receivers-file.ts';
import type { ReceiversFile } from './receivers-file.ts';

/** Paths of the files. */
export interface RoutingFiles {
  readonly routing: string;
  readonly receivers: string;
  readonly oncall: string;
}

/** The files by their settings (`sora.config.ts`, from the checkout's folder); `receivers.yaml` lies beside the routing file. */
export function routingFiles(root: string, settings: { readonly routing: string; readonly oncall: string } = { routing: 'alerts/routing.yaml', oncall: 'alerts/oncall.yaml' }): RoutingFiles {
  const routing = resolve(root, settings.routing);
  return { routing, receivers: join(dirname(routing), 'receivers.yaml'), oncall: resolve(root, settings.oncall) };
}

export interface LoadedRouting {
  /** With the receivers of both files. */
  readonly config: RoutingConfig;
  readonly oncall: OncallConfig;
  /** In words: what is read and not used, and which integrations are switched off by what. */
  readonly notes: readonly string[];
  /** Integrations that are switched off, and the variables that would switch them on. */
  readonly off?: ReceiversFile['off'];
  readonly findSettings: FindSettingsAmong;
}

/** Settings of an integration; `overrides` say who stands in for whom. Default: nobody. `Routing.findSettings` knows them. */
export type FindSettingsAmong = (...asked: [...Parameters<FindSettings>, overrides?: readonly Override[]]) => ReturnType<FindSettings>;

/** @throws SoraError `invalid_config` with everything that is wrong in the three files, and in settings that are switched on */
export function loadRouting(host: Host, files: RoutingFiles): LoadedRouting {
  const { env } = host.process;
  const read = (path: string): string => {
    try {
      return host.files.readText(path);
    } catch (error) {
      throw unreadable(path, error);
    }
  };
  const problems: string[] = [];
  const attempt = <Result>(work: () => Result): Result | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof SoraError)) throw error;
      problems.push(error.message);
      return undefined;
    }
  };
  const routing = attempt(() => parseRouting(files.routing, read(files.routing)));
  const oncall = attempt(() => parseOncall(files.oncall, read(files.oncall), env));
  const receivers = attempt(() => parseReceivers(files.receivers, read(files.receivers), routing?.receivers, oncall === undefined ? undefined : Object.keys(oncall.policies), env));
  // Whom it reaches is tried once all three are right: who lacks an address is known only then.
  for (const receiver of problems.length > 0 ? [] : (receivers?.receivers ?? [])) {
    for (const integration of receiver.integrations) for (const contact of contactsOf(integration, oncall)) attempt(() => resolveSettings(host, receiver.name, integration, contact));
  }
  if (routing === undefined || oncall === undefined || receivers === undefined || problems.length > 0) throw invalidConfig(problems.join('\n'), 'npx sora alerts route checks the three files; docs/alerting.md describes them');
  const config = { ...routing, receivers: receivers.receivers };
  return { config, oncall, notes: [...routing.warnings, ...receivers.off.map(describeOff)], off: receivers.off, findSettings: settingsFinder(host, config, oncall) };
}

/** A file that is not there, or not readable. */
export function unreadable(path: string, error: unknown): SoraError {
  const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return invalidConfig(isMissing ? `there is no file ${path}` : `${path} cannot be read: ${messageOf(error)}`, 'restore it, or name another with SORA_ALERT_ROUTING (or --file of sora alerts route) or SORA_ALERT_ONCALL', error);
}

/** Everybody whom the integration may have to reach, or nobody in particular. */
function contactsOf({ settings }: Integration, oncall: OncallConfig | undefined): readonly (Person | undefined)[] {
  const isToOncall = Object.values(settings).some((setting) => typeof setting === 'object' && 'oncall' in setting);
  return isToOncall ? Object.values(oncall?.people ?? {}) : [undefined];
}

function describeOff({ receiver, integration, missing }: ReceiversFile['off'][number]): string {
  return `receiver ${receiver}: ${integration} is off, as ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set`;
}

function settingsFinder(host: Host, config: RoutingConfig, oncall: OncallConfig): FindSettingsAmong {
  return (name, { kind, index }, to, overrides = []) => {
    const receiver = config.receivers.find((one) => one.name === name);
    const integration = receiver?.integrations.find((one) => one.kind === kind && one.index === index);
    if (integration === undefined) return undefined;
    // A message may be for somebody who is not in the file, such as the author of a silence: whoever is on call gets it.
    const person = oncall.people[to ?? ''] ?? oncall.people[createPolicies(oncall, overrides).personAt(receiver?.policy ?? '', 0, host.clock.nowMs()) ?? ''];
    return resolveSettings(host, name, integration, person);
  };
}
