/** Whom a watchdog tells: its own receivers, and without any those that a critical alert has. */
import { SoraError, exitCodes } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import type { IntegrationKind } from '../../alerting/notification.ts';
import type { SendContext } from '../../alerting/notifiers/outcome.ts';
import { sendBy } from '../../alerting/notifiers/send.ts';
import { integrationSettings } from '../../alerting/notifiers/settings.ts';
import type { IntegrationSettings } from '../../alerting/notifiers/settings.ts';
import { loadRouting, routingFiles } from '../../alerting/routing/load.ts';
import { matchRoutes } from '../../alerting/routing/route.ts';
import type { AlertSettings } from '../settings.ts';
import { notificationOf, tellingLabels } from './telling.ts';
import type { WatchdogReceiver } from './watchdog.ts';

export interface ReceiverParts {
  readonly host: Host;
  /** Folder of the checkout. */
  readonly root: string;
  readonly settings: AlertSettings;
  /** The watchdog's own name. */
  readonly service: string;
  /** Id of the load run or drill that the stack was made for, or nothing: it goes to where that alert would. */
  readonly rehearsal: string;
  readonly writeLog: SendContext['writeLog'];
}

export interface ChosenReceivers {
  readonly receivers: readonly WatchdogReceiver[];
  /** Names of those that reach somebody, not only a log. */
  readonly reaches: readonly string[];
}

/** For people who start a watchdog that reaches nobody. */
export const reachesNobody = 'nobody is told when the control plane falls silent: the watchdog has only its own log. Set what the receiver critical of alerts/receivers.yaml asks for, such as SLACK_WEBHOOK_URL, or SORA_WATCHDOG_WEBHOOK_URL; docs/alerting.md';

interface Place {
  readonly name: string;
  readonly kind: IntegrationKind;
  readonly index: number;
  /** Read anew for each attempt: who is on call changes, and so do secrets. */
  readonly find: () => IntegrationSettings | undefined;
}

/** @throws SoraError `invalid_config` naming the receiver, or the file of routing, that is wrong */
export function chooseReceivers(parts: ReceiverParts): ChosenReceivers {
  const { host, settings: { watchdog }, service, writeLog } = parts;
  const places = watchdog.receivers.length > 0 ? watchdog.receivers.map(ownPlace) : routedPlaces(parts);
  const context: SendContext = { host, limitOf: () => undefined, runbookBaseUrl: parts.settings.runbookUrl, writeLog };
  return {
    receivers: places.map(({ name, kind, index, find }) => ({
      name,
      send(telling) {
        const found = find();
        if (found === undefined) return Promise.resolve({ kind: 'refused', error: `${name} is no longer configured` });
        return sendBy(context, { notification: notificationOf(telling, { kind, index }, service), episode: `${service}-${telling.episode}` }, found);
      },
    })),
    reaches: places.filter(({ kind }) => kind !== 'log').map(({ name }) => name),
  };
}

function ownPlace(raw: unknown, index: number): Place {
  const parsed = integrationSettings.safeParse(raw);
  if (parsed.success) return { name: `${parsed.data.kind}[${index}]`, kind: parsed.data.kind, index, find: () => parsed.data };
  throw new SoraError('invalid_config', `alerts.watchdog.receivers[${index}]: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`, {
    hint: 'ops/alerting/notifiers/settings.ts lists what a receiver may hold', exitCode: exitCodes.invalidConfig,
  });
}

/** What the routing file makes of such an alert, so that one configuration serves both. */
function routedPlaces({ host, root, settings, rehearsal }: ReceiverParts): Place[] {
  const { config, findSettings } = loadRouting(host, routingFiles(root, settings));
  const labels = { ...tellingLabels, ...(rehearsal === '' ? {} : { sora_rehearsal: rehearsal }) };
  const names = new Set(matchRoutes(config.root, labels).map(({ receiver }) => receiver));
  return config.receivers.filter(({ name }) => names.has(name)).flatMap(({ name, integrations }) =>
    integrations.map(({ kind, index }) => ({ name: `${name}/${kind}[${index}]`, kind, index, find: () => findSettings(name, { kind, index }) })));
}
