import { join } from 'node:path';
import { assertNever } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { plannedProbes } from '../capacity/planned-probes.ts';
import type { PlannedRun } from '../report/spent.ts';
import type { Summary } from '../report/summary-schema.ts';
import { RunStore } from '../runs/store.ts';
import { suiteResultSchema } from './result-schema.ts';
import { extraLoad, spikeHoldS, spikeRampS } from './run-part.ts';
import { scaledRateOf, scaleLoad } from './scale.ts';
import type { Load, Part } from './suite-schema.ts';

/** The runs of a part, those at the same time together; of a search all probes at its highest rate, the most it can use. */
export function plannedRuns(part: Part, scale: number, nameOf: (scenario: string) => string): PlannedRun[][] {
  const runOf = (load: Load, rampS: number, holdS: number): PlannedRun => {
    const ratePerS = scaledRateOf(scaleLoad(load, part.holdS, scale));
    return { scenario: nameOf(load.scenario), operations: Math.round(ratePerS * (holdS + rampS / 2)), durationMs: (rampS + holdS) * 1_000 };
  };
  switch (part.kind) {
    case 'run':
    case 'soak':
      return [part.loads.map((load) => runOf(load, part.rampS, part.holdS))];
    case 'spike': {
      const base = part.loads.map((load) => runOf(load, part.rampS, spikeHoldS(part)));
      return [[...base, ...part.loads.map((load) => runOf(extraLoad(part, load), spikeRampS, part.spikeS))]];
    }
    case 'search':
      return plannedProbes({ mostPerS: part.toPerS, holdMs: part.holdS * 1_000, probesMax: part.probesMax }, part.load.users, nameOf(part.load.scenario));
    default:
      return assertNever(part);
  }
}

/** Suites that are looked into, so that this stays quick. */
const suitesRead = 3;

/** Runs of earlier suites that had the system to themselves, newest suite first. @param folder of all suites */
export function earlierInSuites(host: Host, folder: string): Summary[] {
  const { files } = host;
  const byAge = files.list(folder).map((name) => ({ name, atMs: files.modifiedMs(join(folder, name)) })).toSorted((a, b) => b.atMs - a.atMs);
  return byAge.slice(0, suitesRead).flatMap(({ name }) => {
    const path = join(folder, name, 'suite.json');
    if (!files.exists(path)) return [];
    try {
      const { parts } = suiteResultSchema.parse(JSON.parse(files.readText(path)));
      const store = new RunStore(host, join(folder, name, 'runs'));
      return parts.filter(({ kind, runs }) => (kind === 'run' || kind === 'soak') && runs.length === 1).flatMap(({ runs }) => runs.map(({ runId }) => store.find(runId).summary));
    } catch {
      // Of another version, or half written: it says nothing.
      return [];
    }
  });
}
