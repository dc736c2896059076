import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { plannedProbes } from '../capacity/planned-probes.ts';
import { sampleFacts, sampleRun } from '../report/sample.ts';
import { buildSummary } from '../report/summary.ts';
import { RunStore } from '../runs/store.ts';
import { judgePart, judgeSuite } from './judge-suite.ts';
import { saveSuite } from './run-suite.ts';
import { earlierInSuites, plannedRuns } from './spending.ts';
import type { Part } from './suite-schema.ts';

const host = createNodeHost();
const folder = mkdtempSync(join(tmpdir(), 'sora-spending-'));
afterAll(() => rmSync(folder, { recursive: true }));

const load = { scenario: 'hello', users: 1_000, thinkS: 10, thresholds: [] };
const part: Part = { kind: 'run', name: 'mix', target: 't', loads: [load, { ...load, scenario: 'browse' }], rampS: 10, holdS: 60 };

describe('plannedRuns', () => {
  it('are the loads of a part at the same time', () => {
    expect(plannedRuns(part, 1, (name) => `${name}!`)).toEqual([[
      { scenario: 'hello!', operations: 6_500, durationMs: 70_000 }, { scenario: 'browse!', operations: 6_500, durationMs: 70_000 },
    ]]);
  });

  it('are base and rest of a spike', () => {
    const spike: Part = { ...part, kind: 'spike', loads: [load], times: 3, spikeS: 20, p95Ms: 100, recoveryMaxS: 60 };
    const [[base, rest, ...none] = []] = plannedRuns(spike, 1, String);
    expect(none).toEqual([]);
    expect(base?.durationMs).toBeGreaterThan(150_000);
    expect(rest).toEqual({ scenario: 'hello', operations: 4_100, durationMs: 21_000 });
  });

  it('are the most that a search can make, within its time', () => {
    const probes = plannedProbes({ mostPerS: 100, holdMs: 10_000, probesMax: 4 }, 1_000, 'hello');
    expect(probes).toHaveLength(4);
    expect(probes.flat().map(({ operations }) => operations)).toEqual([1_150, 1_150, 1_150, 2_150]);
    expect(plannedProbes({ mostPerS: 100, holdMs: 10_000, probesMax: 40, durationMaxMs: 30_000 }, 1_000, 'hello')).toHaveLength(2);
  });
});

describe('earlierInSuites', () => {
  it('answers the runs that had the system to themselves', () => {
    const summary = buildSummary(sampleRun(), sampleFacts());
    const run = (runId: string) => ({ runId, scenario: 'hello', said: '', summary: { ...summary, runId } });
    const store = new RunStore(host, join(folder, 'suite-1/runs'));
    for (const runId of ['alone', 'left', 'right']) store.save({ ...summary, runId });
    const facts = { suiteId: 'suite-1', suite: 's', description: '', target: 't', scale: 1, startedAtMs: 0, endedAtMs: 1, interrupted: false };
    saveSuite(host, folder, judgeSuite(facts, [judgePart(part, [run('alone')], [], 1), judgePart(part, [run('left'), run('right')], [], 1)]));
    host.files.writeText(join(folder, 'broken/suite.json'), '{');
    expect(earlierInSuites(host, folder).map(({ runId }) => runId)).toEqual(['alone']);
    expect(earlierInSuites(host, join(folder, 'none'))).toEqual([]);
  });
});
