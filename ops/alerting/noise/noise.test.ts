import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventDetails, LoggedEvent } from '../../core/event-log/event.ts';
import { noiseReport } from './noise.ts';

const minuteMs = 60_000;
const fingerprint = 'a'.repeat(16);

const alert = (rule: string, to: 'firing' | 'resolved', labels: Record<string, string> = {}): EventDetails => ({
  kind: 'alert', group: 'g', rule, fingerprint, labels: { alertname: rule, ...labels }, annotations: {}, from: to === 'firing' ? 'pending' : 'firing', to, value: 1, activeAtMs: 0,
});
const log = (...entries: readonly (readonly [number, EventDetails])[]): LoggedEvent[] => entries.map(([minute, details], sequence) => ({ sequence, atMs: minute * minuteMs, actor: 'ada', details }));
const silence: EventDetails = { kind: 'silence', phase: 'created', silenceId: 's', comment: 'c', matchers: ['alertname="A"'], endsAtMs: 0 };

describe('the noise report', () => {
  test('counts what people did about an alert, a silence not being an answer', () => {
    const report = noiseReport(log(
      [0, alert('A', 'firing')], [1, { kind: 'ack', groupKey: 'g', fingerprints: [fingerprint], via: 'cli' }], [10, alert('A', 'resolved')],
      [20, alert('A', 'firing')], [21, silence], [30, alert('A', 'resolved')],
      [100, alert('A', 'firing')], [130, alert('A', 'resolved')], [150, { kind: 'deploy', service: 'A', version: 'v', commit: 'c', committedAtMs: 0, outcome: 'succeeded', rework: false }],
      [200, alert('A', 'firing')],
    ), 300 * minuteMs);
    expect(report).toEqual([{ rule: 'A', firings: 4, actedOn: 2, actionRatio: 0.5, silenced: 1, medianDurationMs: 10 * minuteMs, sinceDrillMs: undefined }]);
  });

  test('holds what was done against what it is about', () => {
    const other = 'b'.repeat(16);
    const fire = (rule: string, own: string, labels: Record<string, string>, runbook: string): EventDetails => ({ kind: 'alert', group: 'g', rule, fingerprint: own, labels: { alertname: rule, ...labels }, annotations: { runbook }, from: 'pending', to: 'firing', value: 1, activeAtMs: own === other ? 10 * minuteMs : 0 });
    const fired = [fire('PoolWait', fingerprint, { service: 'api', severity: 'critical' }, 'runbooks/pool-wait.md'), fire('CrashLoop', other, { job: 'workers', severity: 'critical' }, 'https://example.org/runbooks/crash-loop.md#why')];
    const answered = (done: EventDetails): string[] =>
      noiseReport(log([0, fired[0] as EventDetails], [10, fired[1] as EventDetails], [12, done]), 60 * minuteMs).flatMap(({ rule, actedOn }) => (actedOn > 0 ? [rule] : [])).toSorted();
    const deploy = (service: string): EventDetails => ({ kind: 'deploy', service, version: 'v', commit: 'c', committedAtMs: 0, outcome: 'succeeded', rework: false });
    expect(['api', 'workers', 'web'].map((service) => answered(deploy(service)))).toEqual([['PoolWait'], ['CrashLoop'], []]);
    expect(['CrashLoop', 'api', 'rules'].map((subject) => answered({ kind: 'config', subject, summary: '' }))).toEqual([['CrashLoop'], ['PoolWait'], []]);
    expect(answered({ kind: 'config', subject: 'api', summary: '', isFirst: true })).toEqual([]);
    expect(['crash-loop', 'runbooks/pool-wait.md', 'x'].map((runbook) => answered({ kind: 'runbook-step', runbook, step: '1', outcome: 'done' }))).toEqual([['CrashLoop'], ['PoolWait'], []]);
    expect(['inc-0', 'inc-1', 'inc-9'].map((incidentId) => answered({ kind: 'incident', phase: 'note', incidentId, text: 'x' }))).toEqual([['PoolWait'], ['CrashLoop'], []]);
  });

  test('takes the resolving of an incident for something that was done, its joining not', () => {
    const mark = (phase: 'resolved' | 'joined'): EventDetails => ({ kind: 'incident', phase, incidentId: 'inc-0' });
    const grave = alert('A', 'firing', { severity: 'critical' });
    const report = noiseReport(log([0, grave], [5, mark('resolved')], [6, alert('A', 'resolved')], [60, grave], [61, mark('joined')], [62, alert('A', 'resolved')]), 300 * minuteMs);
    expect(report).toMatchObject([{ firings: 2, actedOn: 1 }]);
  });

  test('counts what was done at the edges of its time, whatever the order in the log', () => {
    const deploy: EventDetails = { kind: 'deploy', service: 'A', version: 'v', commit: 'c', committedAtMs: 0, outcome: 'succeeded', rework: false };
    const count = (minute: number): number | undefined => noiseReport(log([100, deploy], [minute, deploy], [1, deploy], [10, alert('A', 'firing')], [20, alert('A', 'resolved')]), 300 * minuteMs)[0]?.actedOn;
    expect([9.9, 10, 50, 50.1].map(count)).toEqual([0, 1, 1, 0]);
  });

  test('leaves out what drills cause, and says when each rule was drilled last', () => {
    const fault = (drillId: string): EventDetails => ({ kind: 'fault', phase: 'started', faultId: 'f', fault: 'kill', target: 'api', drillId });
    const report = noiseReport(log([0, fault('d1/A')], [1, alert('A', 'firing', { sora_rehearsal: 'd1/A' })], [5, fault('B')], [9, fault('d2/A')]), 10 * minuteMs);
    expect(report.map(({ rule, firings, sinceDrillMs }) => [rule, firings, sinceDrillMs])).toEqual([['A', 0, minuteMs], ['B', 0, 5 * minuteMs]]);
  });

  test('holds every rule that is loaded, and takes drills of other stacks from their record', () => {
    const fault: EventDetails = { kind: 'fault', phase: 'started', faultId: 'f', fault: 'kill', target: 'api', drillId: 'd/A' };
    const known = { rules: ['A', 'B', 'C'], drills: [{ alert: 'A', atMs: 5 * minuteMs, commit: 'abc' }, { alert: 'B', atMs: 7 * minuteMs, commit: 'abc', problem: 'no message came' }] };
    const report = noiseReport(log([9, fault], [9.5, alert('Gone', 'firing')]), 10 * minuteMs, known);
    expect(report.map(({ rule, firings, sinceDrillMs, drillProblem }) => [rule, firings, sinceDrillMs, drillProblem])).toEqual([
      ['Gone', 1, undefined, undefined], ['A', 0, minuteMs, undefined], ['B', 0, 3 * minuteMs, 'no message came'], ['C', 0, undefined, undefined],
    ]);
  });

  test('never counts more answers than firings, whatever the log holds', () => {
    const details = fc.constantFrom<EventDetails>(alert('A', 'firing'), alert('A', 'resolved'), alert('B', 'firing'), silence, { kind: 'ack', groupKey: 'g', fingerprints: [fingerprint], via: 'api' }, { kind: 'config', subject: 's', summary: '' });
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 100 }), details), { maxLength: 40 }), (entries) => {
      const events = log(...entries.toSorted(([one], [other]) => one - other));
      for (const { firings, actedOn, silenced, actionRatio } of noiseReport(events, 200 * minuteMs)) {
        expect(actedOn + silenced).toBeLessThanOrEqual(firings);
        expect(actionRatio ?? 0).toBeLessThanOrEqual(1);
      }
    }));
  });
});
