import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { sampleFacts, sampleRun } from '../report/sample.ts';
import { buildSummary } from '../report/summary.ts';
import { RunHistory } from './history.ts';
import { removedText, RunStore } from './store.ts';

const host = createTestHost();
const base = buildSummary(sampleRun(), sampleFacts());
let folder: string;
let store: RunStore;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'sora-runs-')), 'runs');
  store = new RunStore(host, folder);
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));
const save = (id: string, minute: number): string =>
  store.save({ ...base, series: [], runId: id, startedAt: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString() }).reportPath;

describe('RunStore', () => {
  it('writes report, summary and JUnit, and points latest to the newest', () => {
    save('one', 1);
    const path = save('two', 2);
    expect(host.files.list(join(folder, 'two')).toSorted()).toEqual(['junit.xml', 'report.html', 'summary.json']);
    expect(path).toBe(join(folder, 'two', 'report.html'));
    expect(readlinkSync(join(folder, 'latest'))).toBe('two');
    expect(store.list().map((run) => run.id)).toEqual(['two', 'one']);
    expect(store.find('latest').id).toBe('two');
    expect(store.find('one').summary.scenario).toBe('launch-mix');
  });
  it('keeps the newest 50', () => {
    for (let minute = 1; minute <= 52; minute += 1) save(`run-${minute}`, minute);
    expect(store.list()).toHaveLength(50);
    expect(() => store.find('run-2')).toThrow(/no run "run-2"/);
    expect(store.find('run-3').id).toBe('run-3');
  });
  it('says what it dropped for a new one', () => {
    const saved = (minute: number) => store.save({ ...base, series: [], runId: `run-${minute}`, startedAt: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString() }).removed;
    for (let minute = 1; minute <= 50; minute += 1) expect(saved(minute)).toEqual([]);
    expect(removedText(saved(50))).toBeUndefined();
    expect(removedText(saved(51))).toContain('removed run run-1: the newest 50 runs of at most 5 GB are kept');
    expect(removedText(['a', 'b'])).toContain('removed 2 runs, a among them');
  });
  it('keeps the figures of runs of a kind whose reports others pushed out', () => {
    for (let minute = 1; minute <= 12; minute += 1) save(`mine-${minute}`, minute);
    const others = { ...base, series: [], scenario: 'hello' };
    for (let minute = 20; minute < 72; minute += 1) store.save({ ...others, runId: `other-${minute}`, startedAt: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString() });
    expect(store.list().every(({ summary }) => summary.scenario === 'hello')).toBe(true);
    const kept = store.history('launch-mix');
    expect(kept.map(({ runId }) => runId)).toEqual(Array.from({ length: 12 }, (_, index) => `mine-${12 - index}`));
    expect(kept[0]).toMatchObject({ latencyMs: base.latencyMs, operations: base.operations, series: [], slowest: [] });
    expect(store.history('hello')).toHaveLength(52);
    expect(store.history()).toHaveLength(64);
    store.remove('mine-3');
    expect(store.history('launch-mix')).toHaveLength(11);
    expect(() => store.remove('mine-3')).toThrow(/no run "mine-3"/);
  });
  it('keeps at most 200 runs of a kind, and 100 kinds', () => {
    const history = new RunHistory(host, join(folder, '.history'));
    const keep = (of: Partial<typeof base>, number: number): void => history.keep({ ...base, ...of, runId: `r-${number}`, startedAt: new Date(Date.UTC(2026, 0, 1, 0, number)).toISOString() });
    for (let number = 0; number < 203; number += 1) keep({}, number);
    expect(history.list()).toHaveLength(200);
    expect(history.list().at(-1)?.runId).toBe('r-3');
    for (let number = 300; number < 400; number += 1) keep({ users: number }, number);
    expect(host.files.list(join(folder, '.history'))).toHaveLength(100);
    expect(history.list('launch-mix').map(({ users }) => users)).not.toContain(base.users);
  });
  it('keeps no history of shares, which loaded the target beside others', () => {
    const history = new RunHistory(host, join(folder, '.history'));
    history.keep({ ...base, partition: { index: 0, count: 2 } });
    history.keep({ ...base, runId: 'whole', partition: { index: 0, count: 1 } });
    expect(history.list().map(({ runId }) => runId)).toEqual(['whole']);
  });
  it('removes one and mends latest', () => {
    save('one', 1);
    save('two', 2);
    store.remove('two');
    expect(readlinkSync(join(folder, 'latest'))).toBe('one');
    store.remove('one');
    expect(host.files.list(folder)).toEqual([]);
  });
  it.each(['../x', 'a/b', '', '.hidden', 'latest'])('never leaves its folder for %j', (id) => {
    save('one', 1);
    expect(() => store.folderOf(id)).toThrow(/is no run id/);
    if (id !== 'latest') expect(() => store.remove(id)).toThrow(/is no run id/);
  });
  it('leaves out what it cannot read', () => {
    save('one', 1);
    host.files.writeText(join(folder, 'broken', 'summary.json'), '{');
    expect(store.list().map((run) => run.id)).toEqual(['one']);
  });

  describe('with runs that it cannot read', () => {
    const unreadable = (id: string, minute: number): void =>
      host.files.writeText(join(folder, id, 'summary.json'), `{ "schema": "sora.run/v9",\n  "startedAt": "${new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()}" }`);

    it('counts them not among those it can', () => {
      for (let index = 0; index < 50; index += 1) unreadable(`other-${index}`, 30 + index);
      for (let minute = 1; minute <= 53; minute += 1) save(`run-${minute}`, minute);
      expect(store.list()).toHaveLength(50);
      expect(store.find('run-4').id).toBe('run-4');
    });

    it('drops those that are not among the newest 50 of all', () => {
      for (let index = 0; index < 60; index += 1) unreadable(`other-${index}`, index);
      const others = (): string[] => host.files.list(folder).filter((name) => name.startsWith('other-'));
      save('run-1', 100);
      expect(others()).toHaveLength(49);
      expect(others()).not.toContain('other-10');
      for (let minute = 2; minute <= 50; minute += 1) save(`run-${minute}`, 99 + minute);
      expect(others()).toEqual([]);
      expect(store.list()).toHaveLength(50);
    });

    it('drops what is left of a run that never ended, and neither one under way nor what it has not written', () => {
      host.files.makeFolder(join(folder, 'crashed', 'probes', 'runs'));
      host.files.makeFolder(join(folder, 'foreign'));
      host.files.writeText(join(folder, 'foreign', 'letter.txt'), 'mine');
      host.files.writeText(join(folder, 'notes.txt'), 'mine');
      const madeMs = host.files.modifiedMs(join(folder, 'crashed'));
      const fill = (afterMs: number, name: string): string[] => {
        const late = new RunStore(createTestHost(madeMs + afterMs), folder);
        for (let index = 0; index < 50; index += 1) late.save({ ...base, series: [], runId: `${name}-${index}`, startedAt: new Date(madeMs + afterMs + index).toISOString() });
        return host.files.list(folder).filter((file) => ['crashed', 'foreign', 'notes.txt'].includes(file)).toSorted();
      };
      expect(fill(3_600_000, 'hour')).toEqual(['crashed', 'foreign', 'notes.txt']);
      expect(fill(3 * 86_400_000, 'days')).toEqual(['foreign', 'notes.txt']);
    });
  });

  it('counts what lies in folders of a run', () => {
    save('one', 1);
    const before = store.find('one').sizeBytes;
    host.files.writeText(join(folder, 'one', 'probes', 'runs', 'p01', 'summary.json'), 'x'.repeat(1_000));
    host.files.link('p01', join(folder, 'one', 'probes', 'runs', 'latest'));
    expect(store.find('one').sizeBytes).toBe(before + 1_000);
  });
});
