import { formatDuration } from '../../core/duration.ts';
import { assertNever } from '../../core/error.ts';
import { fingerprintOf } from '../../alerting/alert.ts';
import type { RoutedAlert } from '../../alerting/alert.ts';
import type { IntegrationKind, Notification } from '../../alerting/notification.ts';
import type { Telling } from './watch.ts';

const rule = 'ControlPlaneSilent';

/** Labels of what is told, as an alert has them. */
export const tellingLabels = { alertname: rule, severity: 'critical', service: 'control' } as const;

/** Makes the notification of something a watchdog tells. */
export function notificationOf(telling: Telling, integration: { readonly kind: IntegrationKind; readonly index: number }, watchdog: string): Notification {
  const { what, episode, lastSeenMs, atMs } = telling;
  const isOver = what === 'back' || what === 'stopped';
  const labels = tellingLabels;
  const annotations = { summary: summaryOf(telling), description: describe(what), runbook: 'runbooks/dead-mans-switch.md', owner: 'platform' };
  const alert: RoutedAlert = {
    fingerprint: fingerprintOf(labels), labels, annotations, status: isOver ? 'resolved' : 'firing', startsAtMs: lastSeenMs,
    ...(isOver ? { endsAtMs: atMs } : {}), value: Math.round((atMs - lastSeenMs) / 1_000), expression: 'seconds_since_last_heartbeat',
    impact: 'all alerting: nothing is scraped, evaluated or told meanwhile',
  };
  return {
    // What a watchdog that crashed meanwhile sends once more is recognised.
    id: `watchdog-${watchdog}-${episode}-${what}-${what === 'still-silent' ? atMs : lastSeenMs}`,
    groupKey: `watchdog:${watchdog}`, receiver: 'watchdog', integration,
    status: isOver ? 'resolved' : 'firing', reason: isOver ? 'resolved' : what === 'still-silent' ? 'repeat' : 'new', severity: 'critical',
    groupLabels: { alertname: rule }, commonLabels: labels, commonAnnotations: annotations,
    alerts: [alert], alertsOmitted: 0, impact: alert.impact, changes: [], atMs,
  };
}

function summaryOf({ what, lastSeenMs, atMs }: Telling): string {
  const since = formatDuration(atMs - lastSeenMs);
  switch (what) {
    case 'silent': return `the control plane has given no sign of life for ${since}`;
    case 'still-silent': return `the control plane is still silent, for ${since} now`;
    case 'interrupted': return 'the control plane was told to end while its stack is meant to run';
    case 'back': return `the control plane is back after ${since}`;
    case 'stopped': return 'the control plane was stopped on purpose';
    case 'restarted': return `the control plane died and is back; it was silent for ${since}`;
    default: return assertNever(what);
  }
}

function describe(what: Telling['what']): string {
  if (what === 'back') return 'Alerts are evaluated and told again.';
  if (what === 'stopped') return 'It said so itself. Nothing is told until it is started again.';
  if (what === 'restarted') return 'Nobody asked it to end. sora logs --service control says what it did last.';
  return 'No rule is evaluated and no alert is told until it is back. sora status shows its process.';
}
