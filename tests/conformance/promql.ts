import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { invalidConfig } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { runScript } from '../../ops/metricstore/promqltest/run-script.ts';
import type { CaseResult } from './tally.ts';

/** A folder holds no more scripts than this. */
const filesMax = 1_000;

/** Runs every `*.test` of a folder, or one such file, in Prometheus' test language; one group of results a file. */
export async function runPromqlFolder(host: Host, path: string): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const file of filesOf(host, path)) {
    const group = basename(file);
    for (const found of await runScript(host.files.readText(file))) {
      const name = `${group}:${found.line} ${found.expr}`;
      if (found.outcome === 'passed') results.push({ outcome: 'passed', group, name });
      else if (found.outcome === 'skipped') results.push({ outcome: 'skipped', group, name, detail: found.reason });
      else results.push({ outcome: 'failed', group, name, expected: found.expected, found: found.found });
    }
  }
  return results;
}

function filesOf(host: Host, path: string): string[] {
  if (!host.files.exists(path)) throw invalidConfig(`there is no folder ${path}`, 'npm run conformance -- promql FOLDER takes a folder of *.test files');
  const names = statSync(path).isDirectory() ? readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test')) : undefined;
  const files = names === undefined ? [path] : names.sort().map((name) => join(path, name));
  if (files.length === 0) throw invalidConfig(`${path} holds no *.test file`, 'give the folder that holds scripts of Prometheus\' test language');
  if (files.length > filesMax) throw invalidConfig(`${path} holds ${files.length} *.test files, the limit is ${filesMax}`, 'give a smaller folder');
  return files;
}
