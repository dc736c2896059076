import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Host } from '../../ops/core/host.ts';
import { judgeSuite, notRun } from './judge-suite.ts';
import { renderSuiteJunit } from './render.ts';
import type { PartResult, SuiteResult } from './result-schema.ts';
import { runPart } from './run-part.ts';
import type { PartOptions } from './run-part.ts';
import { scalePart } from './scale.ts';
import { loadsOf } from './suite-schema.ts';
import type { Part, Suite } from './suite-schema.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a part needs and is not there: a backend's folder, then a built-in scenario's file. Empty when it can run. */
export function missingOf(host: Host, part: Part, folder = root): string[] {
  const missing = loadsOf(part).flatMap(({ needs, scenario }) => {
    if (needs !== undefined && !host.files.exists(join(folder, needs))) return [needs];
    const file = `loadtests/scenarios/${scenario}.ts`;
    return /[/\\.]/.test(scenario) || host.files.exists(join(folder, file)) ? [] : [file];
  });
  return [...new Set(missing)];
}

export interface SuiteOptions extends PartOptions {
  readonly suite: Suite;
  readonly onStart?: (part: Part) => void;
  readonly onEnd?: (part: PartResult) => void;
}

/** Runs the parts one after the other and judges the whole. What cannot be run is told, and the rest goes on. */
export async function runSuite(options: SuiteOptions): Promise<SuiteResult> {
  const { host, suite, suiteId, target, scale, signal } = options;
  const startedAtMs = host.clock.nowMs();
  const parts: PartResult[] = [];
  for (const written of suite.parts) {
    const missing = signal.aborted ? ['an end without interruption'] : missingOf(host, written);
    if (missing.length === 0) options.onStart?.(written);
    const part = missing.length > 0 ? notRun(written, missing) : await runPart(options, scalePart(written, scale));
    parts.push(part);
    options.onEnd?.(part);
  }
  return judgeSuite({ suiteId, suite: suite.name, description: suite.description, target, scale, startedAtMs, endedAtMs: host.clock.nowMs(), interrupted: signal.aborted }, parts);
}

/** Results that are kept; older ones go with their runs. */
const suitesMax = 20;

/** Writes `suite.json` and `junit.xml` into the suite's folder and drops the oldest beyond 20. */
export function saveSuite(host: Host, folder: string, result: SuiteResult): string {
  const { files } = host;
  const path = join(folder, result.suiteId, 'suite.json');
  files.writeText(path, `${JSON.stringify(result, null, 2)}\n`);
  files.writeText(join(folder, result.suiteId, 'junit.xml'), renderSuiteJunit(result));
  const byAge = files.list(folder).map((name) => ({ name, atMs: files.modifiedMs(join(folder, name)) })).toSorted((a, b) => b.atMs - a.atMs);
  for (const { name } of byAge.filter((one) => one.name !== result.suiteId).slice(suitesMax - 1)) files.remove(join(folder, name));
  return path;
}
