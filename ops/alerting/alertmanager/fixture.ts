/** A control plane's API of routing on a real socket, its state in memory: for tests of what talks to it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { authenticate } from '../../control/auth.ts';
import { problemHandler } from '../../control/problem.ts';
import type { EventLog, LoggedEvent, NewEvent } from '../../core/event-log/event.ts';
import type { Host } from '../../core/host.ts';
import { limitOf } from '../notifiers/comparison.ts';
import type { Notification } from '../notification.ts';
import type { OncallConfig } from '../oncall/config.ts';
import { parseRouting } from '../routing/config.ts';
import { resolveSettings } from '../routing/integration.ts';
import { alertsRoutes, oncallRoutes, silencesRoutes } from '../routing/routes.ts';
import { createRouting } from '../routing/service.ts';
import type { Routing } from '../routing/service.ts';
import { emptyState } from '../routing/state.ts';
import { alertmanagerWebhookRoutes, webhookRouteToken } from './routes.ts';

export const operatorToken = 'operator-of-this-test';
/** Good for the webhook alone. */
export const webhookToken = 'alertmanager-of-this-test';

export interface TestPlane extends AsyncDisposable {
  readonly url: string;
  readonly routing: Routing;
  readonly queued: Notification[];
  readonly events: LoggedEvent[];
}

/** @param options.routing text of a routing file */
export async function startTestPlane(host: Host, options: { readonly routing: string; readonly oncall?: OncallConfig; readonly alertmanagerUrl?: string }): Promise<TestPlane> {
  const queued: Notification[] = [];
  const events: LoggedEvent[] = [];
  const append = (added: readonly NewEvent[]): Promise<void> => Promise.resolve(void events.push(...added.map((event, index) => ({ ...event, sequence: events.length + index + 1 }))));
  const log: EventLog = { append, read: () => Promise.resolve(events) };
  const config = parseRouting('routing.yaml', options.routing);
  const routing = createRouting({
    host,
    loaded: {
      config, oncall: options.oncall ?? { people: {}, schedules: {}, policies: {} }, notes: [],
      findSettings: (name, { kind, index }) => {
        const integration = config.receivers.find((receiver) => receiver.name === name)?.integrations.find((one) => one.kind === kind && one.index === index);
        return integration === undefined ? undefined : resolveSettings(host, name, integration, undefined);
      },
    },
    remembered: { state: emptyState, overrides: [] },
    transaction: (work) => work({ query: () => Promise.resolve({ rows: [] }) } as never),
    enqueue: (_, notifications) => Promise.resolve(void queued.push(...notifications)),
    enqueueAcknowledgement: () => Promise.resolve(),
    appendEvents: (_, added) => append(added),
    readChanges: () => Promise.resolve([]),
    alertmanagerUrl: options.alertmanagerUrl,
    onError: (error) => {
      throw error;
    },
  });
  const parts = { host, routing, log, sending: { host, limitOf, writeLog: () => undefined } };
  const app = express();
  app.use(express.json(), authenticate({ viewer: 'viewer-of-this-test', operator: operatorToken, admin: 'admin-of-this-test' }, { routeTokens: [webhookRouteToken(webhookToken)] }));
  app.use('/api/sora/v1/alerts', alertsRoutes(parts));
  app.use('/api/sora/v1/silences', silencesRoutes(parts));
  app.use('/api/sora/v1/oncall', oncallRoutes(parts));
  app.use('/api/sora/v1/alertmanager', alertmanagerWebhookRoutes({ routing, onLoop: () => undefined }));
  app.use(problemHandler(() => undefined));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, routing, queued, events,
    async [Symbol.asyncDispose]() {
      await routing.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
