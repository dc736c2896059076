import type { RunMeasurement } from '../../swarm/measurement.ts';
import { isOfCheck } from '../../swarm/journey/tag-sets.ts';
import type { Threshold } from '../thresholds.ts';
import { ownTagsOf } from './judged-names.ts';

/** Tags that k6 sets by itself ("System tags" in its manual), beside `group` and `check`, which mean something here too. */
const setByK6: ReadonlySet<string> = new Set([
  'error', 'error_code', 'expected_response', 'ip', 'iter', 'method', 'name', 'ocsp_status', 'proto', 'scenario', 'service', 'status', 'subproto',
  'tls_version', 'url', 'vu',
]);

/**
 * What to tell of thresholds by tags that k6 sets and nothing here does, unless a journey gives tags these names; one
 * sentence for each.
 */
export function k6TagWarnings(thresholds: readonly Threshold[]): string[] {
  return thresholds.flatMap((threshold) => Object.keys(ownTagsOf(threshold)).filter((tag) => setByK6.has(tag)).map((tag) => `warning: threshold "${threshold.expression}": k6 sets ${tag} itself, here a journey must, with tag('${tag}', …); otherwise nothing is measured. An operation or group is op:NAME`));
}

const shownMost = 8;

/** What was measured in place of what a threshold looked for in vain; undefined where it names no tag. */
export function seenInstead(threshold: Threshold, run: Pick<RunMeasurement, 'operations' | 'tags' | 'checks'>): string | undefined {
  const { op, check } = threshold.tags;
  if (Object.keys(ownTagsOf(threshold)).length > 0) return seen('tags', (run.tags ?? []).filter(({ name }) => !isOfCheck(name)).map(({ name, value }) => `${name}:${value}`));
  if (check !== undefined) return seen('checks', (run.checks ?? []).map(({ name }) => name));
  return op === undefined ? undefined : seen('operations', run.operations.map((sample) => sample.op));
}

function seen(what: string, names: readonly string[]): string {
  const each = [...new Set(names)];
  if (each.length === 0) return `no ${what} were seen`;
  const more = each.length > shownMost ? ` and ${each.length - shownMost} more` : '';
  return `${what} seen: ${each.slice(0, shownMost).join(', ')}${more}`;
}
