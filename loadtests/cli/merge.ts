import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { invalidConfig } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { auditRun } from '../audit/run-audit.ts';
import { describeBlocks } from '../report/blocks.ts';
import { buildSummary } from '../report/summary.ts';
import type { Summary, SummaryAudit, SummaryProcess } from '../report/summary-schema.ts';
import { mergeShares } from '../shares/merge.ts';
import { describeShares, offsetDoubts } from '../shares/report.ts';
import { mergeResources, mergeUses } from '../shares/resources.ts';
import { readShare } from '../shares/share.ts';
import type { Share } from '../shares/share.ts';
import { requireTogether } from '../shares/together.ts';
import type { RunMeasurement } from '../swarm/measurement.ts';
import { removedText } from '../runs/store.ts';
import { finish, notAudited, openRunStore } from './run.ts';
import { wrongFlag } from './wrong-flag.ts';

export const mergeHelp = {
  usage: 'merge SHARE… [--audit] [-o json]',
  summary:
    'Joins the shares of a run, made with --partition, and judges it as a whole; histograms merge without loss.\nSHARE is a share.json or the folder it lies in. With --audit the writes of all shares are compared with the database\nof the stack that is up; without, a run that made writes is not proved.\nThe run of a share alone ends with 0 where its measurement is valid, whatever its thresholds: only the merge has a verdict.\nExit codes: those of run; 104 for shares that do not belong together',
  examples: ['run launch-mix --partition 0/2 --run-id friday-1 --start-at 2026-01-31T14:23:05Z', 'merge .sora/runs/friday-1.share-* --audit'],
} as const;

/** `merge SHARE…`: judges all shares of a run as one, and keeps it as any other run. */
export async function mergeCommand(host: Host, args: readonly string[]): Promise<number> {
  const { places, audit, ...options } = readFlags(args);
  const shares = requireTogether(places.map((place) => readShare(host, place)));
  const measurement = mergeShares(shares);
  const summary = judgeShares(shares, measurement, await auditShares(host, measurement, audit));
  const store = openRunStore(host);
  const dropped = removedText(store.save(summary, describeBlocks(summary.runId, measurement.blocks ?? [])).removed);
  if (dropped !== undefined && !options.quiet) host.stderr.write(`${dropped}\n`);
  finish(host, options, summary, join(store.folderOf(summary.runId), 'report.html'));
  return summary.exitCode;
}

/** Judges merged shares by their own thresholds and limits. Pure. */
export function judgeShares(shares: readonly [Share, ...Share[]], measurement: RunMeasurement, audit: SummaryAudit | null): Summary {
  const [{ facts }] = shares;
  const described = describeShares(shares);
  return buildSummary(measurement, {
    ...facts,
    host: [...new Set(shares.map((share) => share.facts.host))].join(', '),
    processes: processesOf(shares),
    resources: mergeResources(shares, measurement),
    generator: mergeUses(shares),
    audit,
    shares: described,
    doubts: offsetDoubts(described),
  });
}

/** The system's processes, as the first share that could see them did; their CPU time served the operations of all. */
function processesOf(shares: readonly Share[]): SummaryProcess[] {
  const done = (share: Share): number => share.measurement.operations.reduce((sum, sample) => sum + sample.total, 0);
  const seeing = shares.find(({ facts }) => facts.processes.length > 0);
  if (seeing === undefined) return [];
  const total = shares.reduce((sum, share) => sum + done(share), 0);
  return seeing.facts.processes.map(({ cpuUsPerOperation, ...process }) => ({
    ...process, cpuUsPerOperation: cpuUsPerOperation === null || total === 0 ? null : (cpuUsPerOperation * done(seeing)) / total,
  }));
}

async function auditShares(host: Host, measurement: RunMeasurement, wanted: boolean): Promise<SummaryAudit | null> {
  if (!wanted) return notAudited(measurement, 'not audited; add --audit while the stack is up');
  const { env } = host.process;
  const [adminUrl, adminSecret] = [env['SORA_ADMIN_URL'] ?? '', env['SORA_ADMIN_SECRET'] ?? ''];
  if (adminUrl === '' || adminSecret === '') return notAudited(measurement, 'not audited: no stack is up, and neither SORA_ADMIN_URL nor SORA_ADMIN_SECRET is set');
  host.stderr.write('comparing every acknowledged write with the database\n');
  return await auditRun(host, measurement, { adminUrl, adminSecret });
}

interface MergeFlags {
  readonly places: readonly string[];
  readonly audit: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly noColor: boolean;
}

function readFlags(args: readonly string[]): MergeFlags {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args], allowPositionals: true, strict: true,
      options: { output: { type: 'string', short: 'o' }, audit: { type: 'boolean' }, quiet: { type: 'boolean' }, 'no-color': { type: 'boolean' } },
    });
  } catch (error) {
    throw invalidConfig(wrongFlag('load merge', args, error), `load merge is called so: npx sora load ${mergeHelp.usage}`, error);
  }
  const { output = 'text', audit = false, quiet = false, 'no-color': noColor = false } = parsed.values;
  if (output !== 'json' && output !== 'text') throw invalidConfig(`output "${output}" is unknown`, 'use -o json');
  return { places: parsed.positionals, audit, json: output === 'json', quiet, noColor };
}
