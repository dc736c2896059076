/** Sends a test message to each integration of a receiver at once, past the outbox, and tells what each answered. */
import { SoraError, messageOf } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import { fingerprintOf } from '../alert.ts';
import type { RoutedAlert } from '../alert.ts';
import type { SendContext } from '../notifiers/outcome.ts';
import { sendBy } from '../notifiers/send.ts';
import { integrationKey } from './flush.ts';
import { buildNotification } from './message.ts';
import type { Routing } from './service.ts';
import type { Group } from './state.ts';

export interface TestResult {
  readonly integration: string;
  readonly outcome: 'sent' | 'retry' | 'refused';
  readonly error?: string | undefined;
  readonly durationMs: number;
}

/** What a test of a receiver told. */
export interface TestReport {
  readonly results: readonly TestResult[];
  /** Of its integrations that are switched off, in words. */
  readonly off: readonly string[];
  /** The link in the message, to be tried; undefined where messages have none. */
  readonly ackUrl?: string | undefined;
}

/** Names the group of a receiver's tests in acknowledge links: one for each receiver, so that their page can be shown. */
export function testLinkKey(receiver: string): string {
  return `test:{receiver=${JSON.stringify(receiver)}}`;
}

/**
 * The message says that it is a test, is of severity low, and is followed by its own end, so that nothing stays open. Its
 * acknowledge link opens a page that says that it works.
 * @throws SoraError 404 for a receiver that does not exist, 409 where none of its integrations is on
 */
export async function testReceiver(deps: { readonly host: Host; readonly routing: Routing; readonly sending: SendContext }, name: string, actor: string): Promise<TestReport> {
  const { loaded: { config }, findSettings } = deps.routing;
  const receiver = config.receivers.find((one) => one.name === name);
  if (receiver === undefined) throw new SoraError('no_receiver', `there is no receiver ${JSON.stringify(name)}`, { status: 404, hint: `receivers: ${config.receivers.map((one) => one.name).join(', ')}` });
  const off = deps.routing.loaded.notes.filter((note) => note.startsWith(`receiver ${name}:`));
  if (receiver.integrations.length === 0) throw new SoraError('receiver_off', `no integration of the receiver ${name} is on`, { status: 409, hint: off.join('; ') || 'add one to alerts/receivers.yaml' });
  const nowMs = deps.host.clock.nowMs();
  const alert = testAlert(actor, nowMs);
  const group: Group = { key: `test:{receiver=${JSON.stringify(name)}, at="${nowMs}"}`, routeKey: 'test', receiver: name, labels: alert.labels, alerts: [{ alert }], nextFlushAtMs: nowMs, told: {} };
  const policy = receiver.policy;
  const to = policy === undefined ? undefined : deps.routing.observed().policies.personAt(policy, 0, nowMs);
  const ackUrl = deps.routing.observed().ackUrlOf?.(testLinkKey(name), nowMs);
  const results = await Promise.all(receiver.integrations.map(async (integration): Promise<TestResult> => {
    const startedMs = deps.host.clock.monotonicMs();
    const done = (outcome: TestResult['outcome'], error?: string): TestResult => ({ integration: integrationKey(integration), outcome, error, durationMs: Math.round(deps.host.clock.monotonicMs() - startedMs) });
    try {
      const settings = findSettings(name, integration, to);
      if (settings === undefined) return done('refused', 'it is no longer configured');
      const ended: RoutedAlert = { ...alert, status: 'resolved', endsAtMs: nowMs };
      let outcome = await sendBy(deps.sending, { notification: buildNotification(group, integration, { reason: 'new', alerts: [alert], nth: 1, to, ackUrl }, nowMs), episode: group.key }, settings);
      // Only what opens an incident has to close it.
      if (outcome.kind === 'sent' && integration.kind === 'pagerduty') outcome = await sendBy(deps.sending, { notification: buildNotification(group, integration, { reason: 'resolved', alerts: [ended], nth: 2, to }, nowMs), episode: group.key }, settings);
      return done(outcome.kind, outcome.kind === 'sent' ? undefined : outcome.error);
    } catch (error) {
      return done('refused', messageOf(error));
    }
  }));
  return { results, off, ackUrl };
}

function testAlert(actor: string, nowMs: number): RoutedAlert {
  const labels = { alertname: 'Test', severity: 'low', service: 'sora' };
  return {
    fingerprint: fingerprintOf(labels), labels, annotations: { summary: `A test by ${actor}: nothing is wrong`, description: 'sora alerts test sent this to see whether it arrives.' },
    status: 'firing', startsAtMs: nowMs, value: 1, expression: 'vector(1) > 0',
  };
}
