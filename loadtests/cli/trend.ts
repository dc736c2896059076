import { parseArgs } from 'node:util';
import { assertNever, exitCodes, invalidConfig } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { alignColumns } from '../report/ending.ts';
import { formatMs, formatNumber, formatPercent } from '../report/format.ts';
import { transportOf, whyDoubtful, whyNotWhole } from '../report/compare/comparable.ts';
import { formatChange } from '../report/compare/sentence.ts';
import { findTrends, trendLeast } from '../report/compare/trend.ts';
import type { TrendChange, TrendMetric, TrendSeries } from '../report/compare/trend.ts';
import { plainText, styleFor } from '../report/style.ts';
import type { Style } from '../report/style.ts';
import type { Summary } from '../report/summary-schema.ts';
import { openRunStore } from './run.ts';
import { wrongFlag } from './wrong-flag.ts';

const titles: Readonly<Record<TrendMetric, string>> = { p95: 'response p95', rate: 'operations/s', errors: 'failed', cpu: 'CPU an operation' };

/** Distances between runs take time by the square of their number. */
const runsMost = 250;

/** `trend [SCENARIO]`: change points over the kept runs of a scenario; 98 with too few runs to tell. */
export function trendCommand(host: Host, args: readonly string[]): number {
  const { json, scenario } = readArguments(args);
  const store = openRunStore(host);
  const kept = store.list().map(({ summary }) => summary);
  const name = scenario ?? kept.find(isWhole)?.scenario ?? kept[0]?.scenario;
  const found = store.history(name);
  const all = found.filter(isWhole);
  const [newest] = all;
  if (newest === undefined && found.length > 0) throw invalidConfig(`only shares of runs of "${name}" are kept`, 'join those of a run with: npx sora load merge');
  if (newest === undefined) {
    const known = [...new Set(store.history().map((summary) => summary.scenario))];
    throw invalidConfig(scenario === undefined ? 'no run is kept yet' : `no run of "${scenario}" is kept`, known.length === 0 ? 'make one with: npx sora load run launch-mix' : `kept are runs of ${known.join(', ')}`);
  }
  const runs = all.filter((summary) => isOfKind(summary, newest)).slice(0, runsMost).toReversed();
  const trends = findTrends(runs);
  const { users, thinkTime } = newest;
  const isShort = trends.every(({ insufficient }) => insufficient);
  if (json) {
    host.stdout.write(`${JSON.stringify({ schema: 'sora.trend/v1', scenario: newest.scenario, users, thinkTime, runs: runs.length, verdict: verdictOf(trends), trends })}\n`);
  } else {
    const style = styleFor(host, host.stdout);
    host.stdout.write(`${[`${style.bold(plainText(newest.scenario))}  ${runs.length} runs with ${formatNumber(users)} users, think time ${plainText(thinkTime)}, on ${newest.machine.cores} cores`, '', ...tableLines(trends, style), '', lastLine(trends, runs.length, style)].join('\n')}\n`);
  }
  return isShort ? exitCodes.insufficient : exitCodes.pass;
}

/** A share has a part of the users, and the target bore all. */
const isWhole = (summary: Summary): boolean => whyNotWhole(summary) === undefined;

/** Runs that differ in these have figures that differ, and no change of the system's. */
function isOfKind(summary: Summary, newest: Summary): boolean {
  return whyDoubtful(summary) === undefined && transportOf(summary) === transportOf(newest)
    && (['scenario', 'users', 'thinkTime', 'arrival', 'pace'] as const).every((name) => summary[name] === newest[name])
    && summary.machine.cores === newest.machine.cores && summary.machine.cpuModel === newest.machine.cpuModel && summary.generator.tool === newest.generator.tool;
}

function verdictOf(trends: readonly TrendSeries[]): 'changed' | 'steady' | 'insufficient' {
  if (trends.every(({ insufficient }) => insufficient)) return 'insufficient';
  return trends.some(({ changes }) => changes.length > 0) ? 'changed' : 'steady';
}

function tableLines(trends: readonly TrendSeries[], style: Style): string[] {
  const rows = trends.flatMap((series) => (series.changes.length === 0 ? [quietCells(series)] : series.changes.map((change) => changeCells(series, change))));
  const [first, ...rest] = alignColumns([['figure', 'runs', 'before', 'after', 'change', 'since', 'result'], ...rows]);
  return [style.dim(`  ${first ?? ''}`), ...rest.map((line) => `  ${line}`)];
}

function quietCells({ metric, points, insufficient }: TrendSeries): string[] {
  return [titles[metric], String(points.length), '', formatValue(metric, points.at(-1)?.value ?? null), '', '', insufficient ? `◌ INSUFFICIENT, ${trendLeast} runs are needed` : '= steady'];
}

function changeCells({ metric, points }: TrendSeries, { run, startedAt, before, after, change, p, better }: TrendChange): string[] {
  const since = `${plainText(run)} (${startedAt.slice(0, 16).replace('T', ' ')})`;
  return [titles[metric], String(points.length), formatValue(metric, before), formatValue(metric, after), formatChange('p95', change), since, `${better ? '✓ better' : '✗ worse'} (p ${p.toPrecision(2)})`];
}

function lastLine(trends: readonly TrendSeries[], runs: number, style: Style): string {
  const changes = trends.flatMap((series) => series.changes);
  const verdict = verdictOf(trends);
  switch (verdict) {
    case 'insufficient':
      return `  ${style.unsure('◌ INSUFFICIENT')}  ${runs} valid runs of this kind are kept, ${trendLeast} are needed to tell a change from chance.`;
    case 'steady':
      return `  ${style.good('= STEADY')}  No figure changed over these runs.`;
    case 'changed':
      return `  ${changes.every(({ better }) => better) ? style.good('✓ CHANGED') : style.bad('✗ CHANGED')}  ${changes.length} ${changes.length === 1 ? 'change' : 'changes'}.`;
    default:
      return assertNever(verdict);
  }
}

function formatValue(metric: TrendMetric, value: number | null): string {
  if (metric === 'p95') return formatMs(value);
  if (metric === 'errors') return formatPercent(value);
  return metric === 'cpu' ? `${formatNumber(value)} µs` : formatNumber(value);
}

function readArguments(args: readonly string[]): { json: boolean; scenario: string | undefined } {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: { output: { type: 'string', short: 'o' } }, allowPositionals: true, strict: true });
  } catch (error) {
    throw invalidConfig(wrongFlag('load trend', args, error), 'load trend takes the name of a scenario and -o json', error);
  }
  const { output = 'text' } = parsed.values;
  if (output !== 'json' && output !== 'text' && output !== 'table') throw invalidConfig(`output "${output}" is unknown`, 'use -o json');
  if (parsed.positionals.length > 1) throw invalidConfig(`load trend takes one scenario, found ${parsed.positionals.length}`, 'npx sora load trend launch-mix');
  return { json: output === 'json', scenario: parsed.positionals[0] };
}
