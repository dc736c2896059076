import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyHistory, createScript, minuteMs, startMs } from './fixture.ts';
import { incidentsOf } from './fold.ts';
import { renderPostmortem } from './postmortem.ts';
import { entriesMax, timelineOf } from './timeline.ts';

test('a draft fills in what the log knows and asks for the rest', () => {
  const script = createScript();
  script.deploy(-20, '1.4.2');
  script.fire(0, 'ApiDown');
  script.add(0.1, { kind: 'notification', phase: 'sent', notificationId: 'n1', groupKey: 'g', receiver: 'oncall', integration: 'slack[0]', reason: 'new', fingerprints: script.events[1]?.details.kind === 'alert' ? [script.events[1].details.fingerprint] : [] });
  script.ack(2, 'ApiDown');
  script.mark(3, 'note', 'inc-2', 'rolled back | by hand, told kim@example.com');
  script.end(9, 'ApiDown');
  const nowMs = startMs + 60 * minuteMs;
  const [incident] = incidentsOf(script.events, nowMs);
  if (incident === undefined) throw new Error('no incident');
  const text = renderPostmortem(incident, script.events, nowMs);
  expect([...text.matchAll(/^## (.+)$/gm)].map((match) => match[1])).toEqual(['Summary', 'Impact', 'Timeline (UTC)', 'What changed before', 'Detection and response', 'Measures', 'Open questions']);
  expect(text).toContain('A critical incident of api, detected at 2026-01-01 12:00:00 UTC; state: resolved. It was resolved after 10m.');
  expect(text).toContain('| ApiDown | critical | ApiDown is bad | 2.5 | 9m | 1 |');
  expect(text).toContain('20m before detection: deploy of api 1.4.2 (commit-1.4.2): succeeded (kim)');
  expect(text).toContain('- Acknowledged: 2m after detection, by kim');
  expect(text).toContain('| 2026-01-01 12:00:06 | sora | notification new to oncall/slack\\[0\\]: sent |');
  expect(text).toContain(String.raw`note: rolled back \| by hand, told [email]`);
  expect(text).toContain('Did the deploy before it cause it');
});

test('a timeline is in order, bounded and of its incident', () => {
  fc.assert(fc.property(anyHistory, (events) => {
    const nowMs = startMs + 2_000 * minuteMs;
    for (const incident of incidentsOf(events, nowMs)) {
      const entries = timelineOf(incident, events, nowMs);
      expect(entries.length).toBeLessThanOrEqual(entriesMax);
      expect(entries.map(({ atMs }) => atMs)).toEqual(entries.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
      expect(entries.filter(({ kind }) => kind === 'alert').length).toBeGreaterThanOrEqual(incident.alerts.length);
      expect(renderPostmortem(incident, events, nowMs)).toContain(incident.id);
    }
  }), { numRuns: 50 });
});
