/** Events for tests of incidents. */
import * as fc from 'fast-check';
import { fingerprintOf, rehearsalLabel } from '../alerting/alert.ts';
import type { EventDetails, LoggedEvent } from '../core/event-log/event.ts';
import type { Labels } from '../metricstore/series.ts';

export const startMs = Date.UTC(2026, 0, 1, 12);
export const minuteMs = 60_000;

/** A log to which events are appended at a minute after `startMs`. */
export function createScript() {
  const events: LoggedEvent[] = [];
  const add = (minute: number, details: EventDetails, actor = 'sora'): LoggedEvent => {
    const event = { sequence: events.length + 1, atMs: startMs + minute * minuteMs, actor, details };
    events.push(event);
    return event;
  };
  return {
    events,
    add,
    fire: (minute: number, rule: string, labels: Labels = {}, activeBeforeMinutes = 1) => add(minute, alert(rule, labels, 'firing', startMs + (minute - activeBeforeMinutes) * minuteMs)),
    end: (minute: number, rule: string, labels: Labels = {}) => add(minute, alert(rule, labels, 'resolved', startMs)),
    ack: (minute: number, rule: string, labels: Labels = {}, actor = 'kim') => add(minute, { kind: 'ack', groupKey: 'g', fingerprints: [fingerprintOf(labelsOf(rule, labels))], via: 'link' }, actor),
    fault: (minute: number, phase: 'started' | 'ended', faultId = 'f1', drillId?: string) => add(minute, { kind: 'fault', phase, faultId, fault: 'kill -9', target: 'postgres', ...(drillId === undefined ? {} : { drillId }) }),
    deploy: (minute: number, version: string, rest: Partial<Extract<EventDetails, { kind: 'deploy' }>> = {}) =>
      add(minute, { kind: 'deploy', service: 'api', version, commit: `commit-${version}`, committedAtMs: startMs + minute * minuteMs - 60 * minuteMs, outcome: 'succeeded', rework: false, ...rest }, 'kim'),
    mark: (minute: number, phase: 'note' | 'mitigated' | 'resolved', incidentId: string, text?: string) => add(minute, { kind: 'incident', phase, incidentId, ...(text === undefined ? {} : { text }) }, 'kim'),
  };
}

export const labelsOf = (rule: string, labels: Labels): Labels => ({ alertname: rule, severity: 'critical', service: 'api', ...labels });

function alert(rule: string, labels: Labels, to: 'firing' | 'resolved', activeAtMs: number): EventDetails {
  const all = labelsOf(rule, labels);
  return { kind: 'alert', group: 'g', rule, fingerprint: fingerprintOf(all), labels: all, annotations: { summary: `${rule} is bad` }, from: to === 'firing' ? 'pending' : 'firing', to, value: 2.5, activeAtMs };
}

/** Any history: alerts of several services, severities and rehearsals, faults, acknowledgements and marks, in order of time. */
export const anyHistory: fc.Arbitrary<LoggedEvent[]> = fc
  .array(
    fc.record({
      gapMinutes: fc.integer({ min: 0, max: 20 }), what: fc.constantFrom('fire', 'fire', 'fire', 'end', 'end', 'ack', 'fault', 'fault-end', 'mark'), rule: fc.constantFrom('Latency', 'Errors', 'Disk'),
      service: fc.constantFrom('api', 'gateway', 'postgres'), severity: fc.constantFrom('critical', 'high', 'medium'), rehearsal: fc.constantFrom(undefined, undefined, 'r1', 'r2'),
      isCause: fc.boolean(), phase: fc.constantFrom('note', 'mitigated', 'resolved'), fault: fc.constantFrom('f1', 'f2'), of: fc.integer({ min: 1, max: 30 }),
    }),
    { maxLength: 40 },
  )
  .map((steps) => {
    const script = createScript();
    let minute = 0;
    for (const step of steps) {
      minute += step.gapMinutes;
      const labels = { service: step.service, severity: step.severity, ...(step.rehearsal === undefined ? {} : { [rehearsalLabel]: step.rehearsal }), ...(step.isCause ? { kind: 'cause' } : {}) };
      if (step.what === 'fire') script.fire(minute, step.rule, labels);
      if (step.what === 'end') script.end(minute, step.rule, labels);
      if (step.what === 'ack') script.ack(minute, step.rule, labels);
      if (step.what === 'fault') script.fault(minute, 'started', step.fault);
      if (step.what === 'fault-end') script.fault(minute, 'ended', step.fault);
      if (step.what === 'mark') script.mark(minute, step.phase, `inc-${step.of}`);
    }
    return script.events;
  });
