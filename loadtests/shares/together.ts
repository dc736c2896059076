import { invalidConfig } from '../../ops/core/error.ts';
import type { Share } from './share.ts';

/** What shares of one run have in common, by the name people know. */
const traits: readonly (readonly [name: string, of: (share: Share) => unknown])[] = [
  ['run id', ({ measurement }) => measurement.runId],
  ['scenario', ({ measurement }) => measurement.scenario],
  ['scenario file (sha256)', ({ facts }) => facts.scenarioSha256],
  ['seed', ({ measurement }) => measurement.seed],
  ['number of shares', ({ partition }) => partition.count],
  ['number of users', ({ usersTotal }) => usersTotal],
  ['ramp', ({ measurement }) => measurement.rampMs],
  ['duration', ({ measurement }) => measurement.holdMs],
  ['drain', ({ measurement }) => measurement.drainMs],
  ['think time', ({ facts }) => facts.thinkTime],
  ['pace', ({ measurement }) => measurement.pace],
  ['plan (arrival, journeys in time)', ({ planSha256 }) => planSha256],
  ['target', ({ measurement }) => measurement.target],
  ['transport', ({ measurement }) => measurement.transport],
  ['thresholds', ({ facts }) => facts.thresholds.map(({ expression }) => expression)],
  ['validity limits', ({ facts }) => facts.validity],
  ['version of sora', ({ facts }) => facts.version],
  ['source revision', ({ facts }) => facts.gitSha],
];

/**
 * Answers the shares in order when they are all shares of one run, each once.
 * @throws SoraError `invalid_config` that names what differs, what is missing or what is there twice
 */
export function requireTogether(shares: readonly Share[]): readonly [Share, ...Share[]] {
  const [first, ...rest] = shares.toSorted((a, b) => a.partition.index - b.partition.index);
  if (first === undefined) throw invalidConfig('no share is given', 'name the files: npx sora load merge .sora/runs/friday-1.share-*');
  for (const other of rest) {
    for (const [name, of] of traits) {
      const [one, two] = [show(of(first)), show(of(other))];
      if (one !== two) {
        throw invalidConfig(`share ${first.partition.index} and share ${other.partition.index} do not belong together: ${name} is ${one} and ${two}`, 'merge only shares of one run, started with the same flags');
      }
    }
  }
  const { count } = first.partition;
  const all = [first, ...rest].map(({ partition }) => partition.index);
  const twice = all.find((index, at) => all.indexOf(index) !== at);
  if (twice !== undefined) throw invalidConfig(`share ${twice} of ${count} is given twice`, 'give each share once');
  const missing = Array.from({ length: count }, (_, index) => index).filter((index) => !all.includes(index));
  if (missing.length > 0) {
    const shown = missing.slice(0, 10).join(', ') + (missing.length > 10 ? ` and ${missing.length - 10} more` : '');
    throw invalidConfig(`${missing.length === 1 ? 'share' : 'shares'} ${shown} of ${count} ${missing.length === 1 ? 'is' : 'are'} missing`, 'give all of them; a part of a run proves nothing');
  }
  return [first, ...rest];
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? null);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
