import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LoggedEvent, NewEvent } from '../../core/event-log/event.ts';
import { createTestHost } from '../../core/test-host.ts';
import { MemorySource } from '../../metricstore/memory-source.ts';
import { RuleEvaluator } from './evaluator.ts';
import { recordRules } from './recording.ts';
import { parseRecording } from './recording-file.ts';
import type { RuleRecording } from './recording-file.ts';
import { followRehearsals } from './rehearsal.ts';
import { firstDifference, renderTransition, replayRules } from './replay.ts';
import { parseRuleFile } from './rule-file.ts';
import { eventsOf } from './state-store.ts';
import type { RuleStateStore } from './state-store.ts';

const rules = `
groups:
  - name: api
    rules:
      - {record: 'job:up:sum', expr: sum by (job) (up)}
      - {alert: Down, expr: up == 0, for: 30s, labels: {severity: '{{ if eq $labels.instance "a" }}high{{ else }}low{{ end }}'}}
      - {alert: Flapping, expr: 'changes(up[2m]) > 1', keep_firing_for: 45s}
      - {alert: Follows, expr: 'count(ALERTS{alertname="Down", alertstate="firing"}) >= 1'}
  - name: slow
    interval: 30s
    rules: [{alert: Few, expr: 'avg_over_time(job:up:sum[1m]) < 1', for: 30s}]
`;
const groups = parseRuleFile('alerts/rules/api.yaml', rules).groups;
const startMs = Date.UTC(2026, 0, 1);

/** Lives through a history of two targets: a value a scrape each, and how long the scrape takes. */
async function live(scrapes: readonly { a: number; b: number; tookMs: number }[]): Promise<{ record: (fromMs: number, completeFromMs?: number) => Promise<string>; told: () => string[] }> {
  const host = createTestHost(startMs);
  const source = new MemorySource();
  const events: LoggedEvent[] = [];
  const log = (added: readonly NewEvent[]): void => added.forEach((event) => events.push({ ...event, sequence: events.length + 1 }));
  const read = (filter: Parameters<Parameters<typeof recordRules>[0]['readEvents']>[0] | { kinds: string[]; fromMs?: number; afterSequence?: number }): Promise<LoggedEvent[]> =>
    Promise.resolve(events.filter(({ atMs, sequence, details }) => (filter.kinds as string[]).includes(details.kind) && atMs >= (filter.fromMs ?? 0) && sequence > (filter.afterSequence ?? 0)));
  const store: RuleStateStore = { load: () => Promise.resolve(new Map()), save: (change) => Promise.resolve(log(eventsOf(change))) };
  const rehearsals = followRehearsals(host, { read: (filter) => read({ ...filter, kinds: [...(filter.kinds ?? [])] } as { kinds: string[] }) });
  const evaluator = new RuleEvaluator({
    host, source, groups, store, onTransitions: () => undefined, rehearsals: (nowMs) => rehearsals.refresh(nowMs),
    append: (samples) => samples.forEach(({ labels, atMs, value, isStale }) => (isStale === true ? source.addStale(labels, atMs) : source.add(labels, atMs, value))),
  });
  await evaluator.start();
  for (const [at, { a, b, tookMs }] of scrapes.entries()) {
    // Renewed for a while, and its end never told.
    if (at >= 20 && at <= 50 && at % 6 === 2) log([{ atMs: host.clock.nowMs(), actor: 'sora', details: { kind: 'load-run', phase: at === 20 ? 'started' : 'renewed', runId: 'run-1', scenario: 's', summary: '' } }]);
    if (at === 80 || at === 84) log([{ atMs: host.clock.nowMs(), actor: 'sora', details: { kind: 'fault', phase: at === 80 ? 'started' : 'ended', faultId: 'f', fault: 'kill', target: 'api', drillId: 'd/Down' } }]);
    const atMs = host.clock.nowMs();
    // Samples bear the time the scrape began, and come when it ends.
    host.timers.after(tookMs, () => {
      for (const [instance, value] of [['a', a], ['b', b]] as const) {
        source.add({ __name__: 'up', job: 'api', instance }, atMs, value);
        source.add({ __name__: 'scrape_duration_seconds', job: 'api', instance }, atMs, tookMs / 1_000);
      }
    });
    // Evaluations must end before more samples come, as a process does one thing at a time.
    for (let step = 0; step < 50; step++) {
      await host.advance(100);
      await evaluator.idle();
    }
  }
  await evaluator.stop();
  return {
    record: async (fromMs, completeFromMs = 0) => textOf(await recordRules({ groups, source, readEvents: read, fromMs, toMs: host.clock.nowMs(), intervalMs: 15_000, completeFromMs })),
    told: () => events.flatMap(({ atMs, details }) => (details.kind === 'alert' ? [renderTransition({ ...details, atMs })] : [])),
  };
}

async function textOf(lines: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const line of lines) text += line;
  return text;
}

const scrape = fc.record({ a: fc.constantFrom(0, 0, 1), b: fc.constantFrom(0, 1, 1), tookMs: fc.constantFrom(5, 800, 4_500) });

describe('replayRules', () => {
  it('gives the live history again, transition by transition, from any time on', async () => {
    await fc.assert(fc.asyncProperty(fc.array(scrape, { minLength: 60, maxLength: 140 }), fc.nat({ max: 95 }), async (scrapes, cut) => {
      const { record } = await live(scrapes);
      const recording = parseRecording(await record(startMs + (cut / 100) * scrapes.length * 5_000), 'r.json');
      const { transitions } = await replayRules(recording);
      expect(firstDifference(recording, transitions)).toBeUndefined();
    }), { numRuns: 12 });
  });

  it('says the first transition that differs', async () => {
    const { record, told } = await live(Array.from({ length: 60 }, (_, at) => ({ a: at > 10 ? 0 : 1, b: 1, tookMs: 5 })));
    const recording = parseRecording(await record(startMs), 'r.json');
    expect(told().length).toBeGreaterThanOrEqual(3);
    const { transitions, evaluations } = await replayRules(recording);
    expect(firstDifference(recording, transitions)).toBeUndefined();
    expect(evaluations).toBeGreaterThan(20);
    const changed = { ...recording, groups: JSON.parse(JSON.stringify(recording.groups).replaceAll('"for":"30000ms"', '"for":"60000ms"')) as RuleRecording['groups'] };
    const difference = firstDifference(recording, (await replayRules(changed)).transitions);
    expect(difference?.live).toMatchObject({ rule: 'Down', from: 'pending', to: 'firing' });
  });

  it('refuses what is no recording', () => {
    expect(() => parseRecording('{}', 'r.json')).toThrow('r.json, line 1 is no recording of rules');
    expect(() => parseRecording('no', 'r.json')).toThrow('r.json, line 1 is no recording of rules');
  });

  it('refuses a recording that is cut off or broke off, and one of samples that rules did not see', async () => {
    const { record } = await live(Array.from({ length: 60 }, () => ({ a: 1, b: 1, tookMs: 5 })));
    const lines = (await record(startMs)).trimEnd().split('\n');
    expect(() => parseRecording(lines.slice(0, -1).join('\n'), 'r.json')).toThrow(/line \d+ is no recording/);
    expect(() => parseRecording(lines.toSpliced(2, 1).join('\n'), 'r.json')).toThrow(/lines of samples, not/);
    expect(() => parseRecording([...lines.slice(0, -1), '{"end":{"lines":2,"problem":"too many"}}'].join('\n'), 'r.json')).toThrow('r.json broke off: too many');
    expect(() => parseRecording(lines.with(1, (lines[1] ?? '').replace(/"values":"[^"]*"/, '"values":""')).join('\n'), 'r.json')).toThrow('line 2 is damaged');
    await expect(record(startMs + 60_000, startMs)).rejects.toMatchObject({ code: 'bad_recording', status: 400, hint: expect.stringContaining('2026-01-01T00:05:00.000Z') as string });
  });
});
