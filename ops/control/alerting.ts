/** From samples to messages: rules, routing and the outbox, joined. */
import { resolve } from 'node:path';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { PostgresEventLog } from '../core/event-log/log.ts';
import { startThinning } from '../core/event-log/thin.ts';
import { messageOf } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { ackUrls } from '../alerting/ack/routes.ts';
import { createPoster } from '../alerting/alertmanager/post.ts';
import { limitOf } from '../alerting/notifiers/comparison.ts';
import { createOutbox } from '../alerting/outbox/outbox.ts';
import type { Outbox } from '../alerting/outbox/outbox.ts';
import { createSender } from '../alerting/outbox/sender.ts';
import { watchOutbox } from '../alerting/outbox/totals.ts';
import { readRecentChanges } from '../alerting/recent-changes.ts';
import { loadRouting, routingFiles } from '../alerting/routing/load.ts';
import { watchRouting } from '../alerting/routing/metrics.ts';
import { createRouting } from '../alerting/routing/service.ts';
import type { Routing } from '../alerting/routing/service.ts';
import { loadState } from '../alerting/routing/store.ts';
import { followBlindRules } from '../alerting/rules/blind.ts';
import { RuleEvaluator } from '../alerting/rules/evaluator.ts';
import { patientSource } from '../alerting/rules/patient-source.ts';
import { requireRules } from '../alerting/rules/load-rules.ts';
import { watchEvaluator, watchRehearsals } from '../alerting/rules/metrics.ts';
import { alwaysRehearsing, followRehearsals } from '../alerting/rules/rehearsal.ts';
import { shortenRules } from '../alerting/rules/shorten.ts';
import { createRuleStateStore } from '../alerting/rules/state-store.ts';
import { recordConfigChanges } from './config-changes.ts';
import type { ControlDatabase } from './database.ts';
import type { ControlEnvironment } from './environment.ts';
import type { Samples } from './samples.ts';
import { warnOfAddresses } from './settings.ts';
import type { AlertSettings } from './settings.ts';
import { findProblem } from './working.ts';

export interface AlertingParts {
  readonly host: Host;
  readonly root: string;
  readonly env: ControlEnvironment;
  readonly settings: AlertSettings;
  readonly log: Logger;
  readonly metrics: Registry;
  readonly database: ControlDatabase;
  readonly events: PostgresEventLog;
  readonly samples: Pick<Samples, 'source' | 'append'>;
  /** As people reach this control plane. */
  readonly publicUrl: string;
}

export interface Alerting {
  readonly evaluator: RuleEvaluator;
  readonly routing: Routing;
  readonly outbox: Outbox;
  /** Begins to evaluate, with what was remembered. Call it when the samples of every target are there: a condition without any is over. */
  begin(): Promise<void>;
  /** Why alerts are not evaluated or could not be told; undefined while they are. */
  problem(): string | undefined;
  /** Takes no more, and waits for what is being evaluated and sent. */
  stop(): Promise<void>;
}

/** Heartbeats for which the database may be away before they are withheld: a restart of it is nobody's concern. */
const patienceBeats = 3;
/** What a drill leaves of `for`, as a part of its windows: long enough to be seen pending. */
const drillForRatio = 6;
/**
 * Takes up what was remembered and goes on with it.
 * @throws SoraError `invalid_config` with all that is wrong in rules or routing
 */
export async function startAlerting(parts: AlertingParts): Promise<Alerting> {
  const { host, root, env, settings, log, metrics, database, events, samples, publicUrl } = parts;
  const { pool, transaction } = database;
  const appendEvents: PostgresEventLog['appendWith'] = (client, added) => events.appendWith(client, added);
  const say = (what: string) => (error: unknown): void => log.error({ error: messageOf(error) }, what);
  const written = requireRules(host.files, settings.rules.map((pattern) => resolve(root, pattern)), { names: root });
  const windowMaxMs = env.SORA_DRILL_WINDOW_S === undefined ? undefined : env.SORA_DRILL_WINDOW_S * 1_000;
  const groups = windowMaxMs === undefined ? written.groups : shortenRules(written.groups, { windowMaxMs, forMaxMs: windowMaxMs / drillForRatio });
  if (windowMaxMs !== undefined) log.warn({ windowMaxMs }, 'windows of rules are cut for a drill');
  const loaded = loadRouting(host, routingFiles(root, settings));
  if (loaded.notes.length > 0) log.info({ notes: loaded.notes }, 'routing was read');
  for (const warning of warnOfAddresses(settings, loaded.config.receivers.flatMap(({ integrations }) => integrations))) log.warn(warning);
  const outbox = createOutbox({ host, appendEvents });
  const sender = createSender({
    host, pool, appendEvents, limitOf, findSettings: (...asked) => routing.findSettings(...asked), runbookBaseUrl: settings.runbookUrl,
    writeLog: (fields, text) => log.warn(fields, text), onError: say('the outbox failed'),
  });
  watchOutbox(metrics, pool, host, say('the outbox could not be measured'));
  const routing = createRouting({
    host, loaded, transaction, appendEvents, remembered: await loadState(pool),
    enqueue: (client, notifications) => outbox.enqueue(client, notifications),
    enqueueAcknowledgement: (client, acknowledgement) => outbox.enqueueAcknowledgement(client, acknowledgement),
    readChanges: (nowMs) => readRecentChanges(events, nowMs),
    ackUrlOf: ackUrls(env.SORA_ACK_SECRET, publicUrl),
    ...(settings.alertmanagerUrl === undefined ? {} : { alertmanagerUrl: settings.alertmanagerUrl }),
    onError: say('routing failed'),
  });
  // An outside Alertmanager groups and silences; what it hands back comes by its webhook and is sent from here.
  const poster = settings.alertmanagerUrl === undefined ? undefined : createPoster({ host, url: settings.alertmanagerUrl, externalUrl: publicUrl, externalLabels: settings.externalLabels, onError: say('Alertmanager took no alerts') });
  watchRouting(metrics, routing, poster);
  const rehearsals = followRehearsals(host, events, say('whether a load run is under way could not be read'));
  watchRehearsals(metrics, rehearsals, host);
  const evaluator = new RuleEvaluator({
    host, groups, source: patientSource(host, samples.source), append: samples.append,
    store: createRuleStateStore({ pool, transaction, appendEvents }),
    onTransitions(alerts, isChanged) {
      routing.onAlerts(alerts);
      poster?.onAlerts(alerts, isChanged);
    },
    rehearsals: env.SORA_REHEARSAL === '' ? (nowMs) => rehearsals.refresh(nowMs) : () => Promise.resolve(alwaysRehearsing(env.SORA_REHEARSAL)),
    intervalMs: settings.evaluationIntervalMs, externalLabels: settings.externalLabels, externalUrl: publicUrl,
    say: (text) => log.error(text),
  });
  const blindRules = followBlindRules({ host, groups, source: samples.source, say: (text) => log.warn(text) });
  watchEvaluator(metrics, evaluator, blindRules);
  await recordConfigChanges(events, { host, root, settings, receivers: loaded.config.receivers }).catch(say('what changed in the configuration could not be recorded'));
  const stopThinning = startThinning({ host, pool, metrics, onError: say('the event log could not be thinned') });
  const startedAtMs = host.clock.nowMs();
  await sender.start();
  return {
    evaluator, routing, outbox,
    begin: () => evaluator.start(),
    problem: () => findProblem(
      { groups: evaluator.runs, unsavedSinceMs: evaluator.unsavedSinceMs, undecidedSinceMs: routing.undecidedSinceMs(), unpostedSinceMs: poster?.unpostedSinceMs(), outboxReadAtMs: sender.lookedAtMs() },
      { sinceMs: startedAtMs, patienceMs: patienceBeats * settings.heartbeatMs },
      host.clock.nowMs(),
    ),
    async stop() {
      blindRules.stop();
      await evaluator.stop();
      await poster?.stop();
      await routing.stop();
      await sender.stop();
      await stopThinning();
    },
  };
}
