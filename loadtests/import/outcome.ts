import { checkAddress, localOnly } from '../swarm/guard.ts';
import type { LeftOut } from './har-select.ts';

/** What an import found and did; holds names and places, never values. */
export interface ImportReport {
  readonly origin: string;
  readonly operations: number;
  readonly requests: number;
  readonly carried: readonly { readonly name: string; readonly from: string; readonly to: readonly string[] }[];
  /** Names of the environment's values that the scenario reads. */
  readonly secrets: readonly string[];
  readonly leftOut: readonly LeftOut[];
  readonly notes: readonly string[];
}

/** Places of one value that the text names; the JSON has all. */
const placesShown = 3;

/** Where it was recorded, if that is this machine: nobody is told to put load on another. */
function localOrigin(origin: string): string | undefined {
  const url = URL.parse(origin);
  return url !== null && (url.hostname === 'localhost' || checkAddress(url.hostname, url.hostname, localOnly) === undefined) ? url.origin : undefined;
}

/** The report for people. */
export function renderReport(report: ImportReport, file: string): string {
  const lines = [`${report.requests} requests in ${report.operations} operations of ${report.origin}`];
  if (report.carried.length > 0) lines.push('', 'carried from reply to request:');
  for (const { name, from, to } of report.carried) {
    const more = to.length > placesShown ? ` and ${to.length - placesShown} more` : '';
    lines.push(`  ${name}  ${from} → ${to.slice(0, placesShown).join(', ')}${more}`);
  }
  if (report.secrets.length > 0) lines.push('', 'secrets left out; set these in the environment:', ...report.secrets.map((name) => `  ${name}`));
  if (report.leftOut.length > 0) lines.push('', 'left out:');
  for (const { what, count, keep } of report.leftOut) lines.push(`  ${count === 1 ? '' : `${count} `}${what}${keep === undefined ? '' : `; keep with ${keep}`}`);
  if (report.notes.length > 0) lines.push('', ...report.notes.map((note) => `note: ${note}`));
  const target = localOrigin(report.origin) ?? 'http://127.0.0.1:3000';
  return `${lines.join('\n')}\n\nplay it once: npx sora load debug ${file} --target ${target}\nrun it: npx sora load run ${file} --target ${target}\n`;
}
