/** The files that are generated from objectives: rules and their tests. */
import { stringify } from 'yaml';
import type { Files } from '../core/host.ts';
import { burnRows, burnAlertsOf } from './burn-windows.ts';
import { burnRulesOf } from './burn-rules.ts';
import { burnTestsOf } from './burn-tests.ts';
import { durationText } from './slo.ts';
import type { Slo } from './slo.ts';

export interface GeneratedFile {
  /** Below `alerts/`. */
  readonly path: string;
  readonly text: string;
}

/** Of each objective its rules, `rules/slo-<name>.yaml`, and their unit tests, `tests/slo-<name>.test.yaml`. */
export function burnFilesOf(slos: readonly Slo[]): GeneratedFile[] {
  return slos.flatMap((slo) => [
    { path: `rules/slo-${slo.name}.yaml`, text: `${header(slo)}${toYaml({ groups: [{ name: `slo-${slo.name}`, rules: burnRulesOf(slo) }] })}` },
    { path: `tests/slo-${slo.name}.test.yaml`, text: `${header(slo)}${toYaml(burnTestsOf(slo))}` },
  ]);
}

function header(slo: Slo): string {
  const kept = new Set(burnAlertsOf(slo).map(({ longMs }) => longMs));
  const left = burnRows.filter(({ longMs }) => !kept.has(longMs)).map(({ longMs }) => durationText(longMs));
  const note = left.length === 0 ? '' : `# In a period of ${durationText(slo.periodMs)} the row of ${left.join(' and ')} has a factor too low, or a threshold too high, to mean anything: it is left out.\n`;
  return `# Written by \`sora slo generate\` from alerts/slo/${slo.name}.yaml: change that file and run the command.\n${note}`;
}

/** Long lines stay whole: a folded expression is hard to read and to search. */
const toYaml = (value: unknown): string => stringify(value, { lineWidth: 0, singleQuote: true, aliasDuplicateObjects: false });

/** Files of the folder `alerts` that differ from what the objectives give; stale ones come with an empty text. */
export function staleFiles(files: Files, alertsFolder: string, slos: readonly Slo[]): GeneratedFile[] {
  const wanted = burnFilesOf(slos);
  const textAt = (path: string): string | undefined => (files.exists(`${alertsFolder}/${path}`) ? files.readText(`${alertsFolder}/${path}`) : undefined);
  const changed = wanted.filter(({ path, text }) => textAt(path) !== text);
  const known = new Set(wanted.map(({ path }) => path));
  const leftOver = ['rules', 'tests'].flatMap((folder) => {
    const names = files.exists(`${alertsFolder}/${folder}`) ? files.list(`${alertsFolder}/${folder}`) : [];
    return names.filter((name) => name.startsWith('slo-')).map((name) => `${folder}/${name}`).filter((path) => !known.has(path));
  });
  return [...changed, ...leftOver.map((path) => ({ path, text: '' }))];
}

/** Writes what differs and removes what is stale; answers their paths. */
export function writeBurnFiles(files: Files, alertsFolder: string, slos: readonly Slo[]): string[] {
  const stale = staleFiles(files, alertsFolder, slos);
  for (const { path, text } of stale) {
    if (text === '') files.remove(`${alertsFolder}/${path}`);
    else files.writeText(`${alertsFolder}/${path}`, text);
  }
  return stale.map(({ path }) => path);
}
