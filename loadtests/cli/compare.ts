import { parseArgs } from 'node:util';
import { exitCodes, invalidConfig } from '../../ops/core/error.ts';
import type { SoraError } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { differencesOf } from '../report/compare/comparable.ts';
import { compareDefaults, compareRuns } from '../report/compare/compare.ts';
import type { ComparedRun } from '../report/compare/compare.ts';
import { renderComparison } from '../report/compare/text.ts';
import { styleFor } from '../report/style.ts';
import type { RunStore } from '../runs/store.ts';
import { findBaselines, findCompared, kindOfSummary } from './baseline.ts';
import { readCount, readTolerance } from './baseline-flags.ts';
import type { BaselineWanted } from './baseline-flags.ts';
import { ConfigErrors } from './config-errors.ts';
import { openRunStore } from './run.ts';
import { wrongFlag } from './wrong-flag.ts';

const usage = 'npx sora load compare BASELINE RUN, or npx sora load compare RUN --last 5';

interface Wanted extends BaselineWanted {
  readonly candidate: string;
  readonly json: boolean;
}

/** `compare A B`: judges run B against run A, or one run against several; answers 0, 98 (insufficient) or 99 (worse). */
export function compareCommand(host: Host, args: readonly string[]): number {
  const wanted = readArguments(args);
  const store = openRunStore(host);
  const candidate = findCompared(store, wanted.candidate);
  const baselines = findBaselines(store, wanted, kindOfSummary(candidate.summary), candidate.summary);
  const warnings = requireComparable(store, baselines, candidate);
  const comparison = compareRuns(baselines, candidate, { ...compareDefaults, tolerance: wanted.tolerance }, warnings);
  host.stdout.write(wanted.json ? `${JSON.stringify(comparison)}\n` : renderComparison(comparison, styleFor(host, host.stdout)));
  if (comparison.verdict === 'worse') return exitCodes.thresholdsFailed;
  return comparison.verdict === 'insufficient' ? exitCodes.insufficient : exitCodes.pass;
}

/** @throws ConfigErrors naming each aspect that makes a comparison meaningless */
function requireComparable(store: RunStore, baselines: readonly ComparedRun[], candidate: ComparedRun): string[] {
  const { runId } = candidate.summary;
  if (baselines.some(({ summary }) => summary.runId === runId)) throw invalidConfig(`run ${runId} cannot be its own baseline`, usage);
  const differences = baselines.map((baseline) => differencesOf(baseline, candidate));
  const refusals = differences.flatMap((each) => each.refusals);
  if (refusals.length > 0) throw new ConfigErrors(refusals.map((text) => invalidConfig(text, `compare runs of one kind; those kept are in ${store.folder}: npx sora load ls`)));
  return [...new Set(differences.flatMap((each) => each.warnings))];
}

function readArguments(args: readonly string[]): Wanted {
  const { values, positionals } = parse(args);
  const errors: SoraError[] = [];
  const [first, second, ...extra] = positionals;
  const names = values.baseline ?? [];
  const last = values.last === undefined ? 0 : readCount(values.last, '--last', errors);
  const tolerance = readTolerance(values.tolerance, errors);
  const { output = 'text' } = values;
  if (output !== 'json' && output !== 'text' && output !== 'table') errors.push(invalidConfig(`output "${output}" is unknown`, 'use -o json'));
  if (extra.length > 0) errors.push(invalidConfig(`load compare takes two runs, found ${positionals.length}`, 'name further baselines with --baseline RUN'));
  if (second === undefined && names.length === 0 && last === 0) errors.push(invalidConfig(`load compare needs ${first === undefined ? 'two runs' : 'something to compare the run with'}`, usage));
  if (errors.length > 0) throw new ConfigErrors(errors);
  return { candidate: second ?? first ?? 'latest', names: second === undefined ? names : [String(first), ...names], last, tolerance, json: output === 'json' };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args], allowPositionals: true, strict: true,
      options: { baseline: { type: 'string', multiple: true }, last: { type: 'string' }, tolerance: { type: 'string' }, output: { type: 'string', short: 'o' } },
    });
  } catch (error) {
    throw invalidConfig(wrongFlag('load compare', args, error), 'load compare takes --baseline RUN, --last N, --tolerance 5% and -o json', error);
  }
}
