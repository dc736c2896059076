/** What the control plane serves to those who have a role: Prometheus' API, and SORA's own by noun. */
import { resolve } from 'node:path';
import { alertmanagerWebhookRoutes } from '../alerting/alertmanager/routes.ts';
import { readDrills } from '../alerting/catalogue/drills.ts';
import { limitOf } from '../alerting/notifiers/comparison.ts';
import { alertsRoutes, oncallRoutes, silencesRoutes } from '../alerting/routing/routes.ts';
import { describeAlerts, describeRules } from '../alerting/rules/describe.ts';
import { rulesRoutes } from '../alerting/rules/routes.ts';
import { deployRoutes } from '../incidents/deploy-routes.ts';
import { incidentRoutes } from '../incidents/routes.ts';
import { createSpanReader } from '../incidents/spans.ts';
import { Gate } from '../metricstore/http-api/gate.ts';
import { prometheusRoutes } from '../metricstore/http-api/routes.ts';
import { loadSlos } from '../slo/open-slo.ts';
import { sloRoutes } from '../slo/routes.ts';
import type { Alerting, AlertingParts } from './alerting.ts';
import { requireRole } from './auth.ts';
import { changeTargets } from '../alerting/notifiers/change-targets.ts';
import { apiPrefix } from './client.ts';
import { eventsRoutes } from './events-routes.ts';
import type { Samples } from './samples.ts';
import type { Mount } from './server.ts';
import { describeSettings } from './settings.ts';

export interface ApiParts extends AlertingParts {
  readonly samples: Samples;
  readonly alerting: Alerting;
}

/** Reports of history are made one at a time: each reads up to 200,000 events into the process that evaluates rules. */
const reportLimits = { runningMax: 1, waitingMax: 50, waitMaxMs: 20_000 } as const;

/** Each guards itself by role. */
export function apiMounts(parts: ApiParts): Mount[] {
  const { host, root, settings, log, database, events, samples, alerting, publicUrl } = parts;
  const { routing, evaluator } = alerting;
  const gate = new Gate(host, reportLimits);
  const onCut = (cutEvents: number): void => log.warn({ cutEvents }, 'budgets know nothing of the oldest incidents: there are too many events to read');
  const routingParts = { host, routing, gate, log: events, sending: { host, limitOf, runbookBaseUrl: settings.runbookUrl, writeLog: (fields: Readonly<Record<string, unknown>>, text: string) => log.warn(fields, text) } };
  const nouns = {
    events: eventsRoutes({ host, log: events }),
    alerts: alertsRoutes({ ...routingParts, known: () => ({ rules: evaluator.runs.flatMap(({ rules }) => rules.flatMap(({ rule }) => (rule.kind === 'alert' ? [rule.name] : []))), drills: readDrills(host.files, root) }) }),
    silences: silencesRoutes(routingParts),
    oncall: oncallRoutes(routingParts),
    rules: rulesRoutes({ evaluator, source: samples.source, completeFromMs: () => samples.completeFromMs(), log: events, intervalMs: settings.evaluationIntervalMs, externalLabels: settings.externalLabels, externalUrl: publicUrl }),
    alertmanager: alertmanagerWebhookRoutes({ routing, onLoop: () => log.warn('an alert came back from Alertmanager: a message went round') }),
    incidents: incidentRoutes({ host, log: events, gate }),
    deploys: deployRoutes({
      host, log: events, gate, transaction: database.transaction,
      appendEvents: (client, added) => events.appendWith(client, added),
      enqueueChanges: (client, changes) => alerting.outbox.enqueueChanges(client, changes),
      changeTargets: () => changeTargets(routing.loaded.config.receivers, routing.findSettings),
    }),
    slos: sloRoutes({ slos: loadSlos(host.files, resolve(root, 'alerts/slo')), source: samples.source, nowMs: () => host.clock.nowMs(), incidents: createSpanReader({ host, log: events, gate, onCut }) }),
  };
  return [
    { path: '/api/v1', handler: [requireRole('viewer'), prometheusRoutes({
      host, source: samples.source, version: versionOf(parts), config: () => describeSettings(settings),
      rules: () => describeRules(evaluator), alerts: () => describeAlerts(evaluator), targets: () => samples.targets(), elsewhere: samples.elsewhere, alertmanagers: settings.alertmanagerUrl === undefined ? [] : [withoutCredentials(settings.alertmanagerUrl)],
    })] },
    ...Object.entries(nouns).map(([noun, handler]) => ({ path: `${apiPrefix}/${noun}`, handler })),
  ];
}

function withoutCredentials(text: string): string {
  const url = new URL(text);
  url.username = '';
  url.password = '';
  return url.href.replace(/\/+$/, '');
}

function versionOf({ host, root }: AlertingParts): string {
  return (JSON.parse(host.files.readText(resolve(root, 'package.json'))) as { version: string }).version;
}
