import { parseArgs } from 'node:util';
import { formatDuration } from '../../ops/core/duration.ts';
import { invalidConfig } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { renderComparison } from '../report/compare/text.ts';
import { renderEnding } from '../report/ending.ts';
import { formatMs, formatNumber, formatPercent } from '../report/format.ts';
import { styleFor } from '../report/style.ts';
import { openRunStore } from './run.ts';
import { wrongFlag } from './wrong-flag.ts';

const header = ['NAME', 'SCENARIO', 'VERDICT', 'USERS', 'OPS/S', 'FAILED', 'P95', 'AGE'];

/** `ls`: one row a run, newest first. */
export function listCommand(host: Host, args: readonly string[]): number {
  const { json } = readFlags('ls', args, 0);
  const runs = openRunStore(host).list();
  if (json) {
    const items = runs.map(({ id, sizeBytes, summary }) => ({
      name: id, scenario: summary.scenario, verdict: summary.verdict, users: summary.users, achievedPerS: summary.operations.achievedPerS,
      failedRatio: summary.operations.failedRatio, p95Ms: summary.latencyMs.response.p95, sizeBytes, startedAt: summary.startedAt,
    }));
    host.stdout.write(`${JSON.stringify({ schema: 'sora.runs/v1', items })}\n`);
    return 0;
  }
  const rows = runs.map(({ id, summary }) => [
    id, summary.scenario, summary.verdict, String(summary.users), formatNumber(summary.operations.achievedPerS),
    tight(formatPercent(summary.operations.failedRatio)), tight(formatMs(summary.latencyMs.response.p95)),
    formatDuration(Math.max(0, host.clock.nowMs() - Date.parse(summary.startedAt))),
  ]);
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of [header, ...rows]) host.stdout.write(`${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()}\n`);
  if (rows.length === 0) host.stderr.write('no run is kept yet; make one with: npx sora load run launch-mix\n');
  return 0;
}

/** `show ID`: the ending of a run again; `-o json` its summary. */
export function showCommand(host: Host, args: readonly string[]): number {
  const { json, ids, noColor } = readFlags('show', args, 1);
  const store = openRunStore(host);
  const { id, summary } = store.find(ids[0] ?? 'latest');
  if (json) host.stdout.write(`${JSON.stringify(summary)}\n`);
  else {
    const style = styleFor(host, host.stdout, noColor);
    host.stdout.write((summary.comparison === undefined ? '' : renderComparison(summary.comparison, style)) + renderEnding(summary, style, `${store.folderOf(id)}/report.html`));
  }
  return 0;
}

/** `rm ID…`: removes runs. */
export function removeCommand(host: Host, args: readonly string[]): number {
  const { ids } = readFlags('rm', args, 100);
  if (ids.length === 0) throw invalidConfig('load rm needs the name of a run', 'list them with: npx sora load ls');
  const store = openRunStore(host);
  for (const id of ids) {
    host.stderr.write(`removed ${store.remove(id)}\n`);
  }
  return 0;
}

/** Cells of a list hold no blanks, so that scripts can split them. */
const tight = (text: string): string => text.replaceAll(' ', '');

function readFlags(verb: string, args: readonly string[], idsMax: number): { json: boolean; ids: string[]; noColor: boolean } {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: { output: { type: 'string', short: 'o' }, 'no-color': { type: 'boolean' } }, allowPositionals: true, strict: true });
  } catch (error) {
    throw invalidConfig(wrongFlag(`load ${verb}`, args, error), `load ${verb} takes -o json, --no-color${idsMax > 0 ? ' and the name of a run' : ''}`, error);
  }
  const { output } = parsed.values;
  if (output !== undefined && output !== 'json' && output !== 'text' && output !== 'table') throw invalidConfig(`output "${output}" is unknown`, 'use -o json');
  if (parsed.positionals.length > idsMax) throw invalidConfig(`load ${verb} takes at most ${idsMax} names of runs, found ${parsed.positionals.length}`, 'list them with: npx sora load ls');
  return { json: output === 'json', ids: parsed.positionals, noColor: parsed.values['no-color'] === true };
}
