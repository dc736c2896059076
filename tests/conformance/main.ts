/**
 * Holds the platform to data that others wrote: `npm run conformance -- judge FILE`. One kind of data, one file beside
 * this one. Exit code 0 when some case passed and none failed, 1 when one failed or none passed, 104 for wrong arguments.
 */
import { resolve } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { exitCodes, invalidConfig, messageOf, SoraError } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { runJudgeFile } from './judge.ts';
import { runPromqlFolder } from './promql.ts';
import { renderResults } from './tally.ts';
import type { CaseResult } from './tally.ts';

interface Kind {
  /** What it takes, for help. */
  readonly takes: string;
  readonly summary: string;
  run(host: Host, path: string): CaseResult[] | Promise<CaseResult[]>;
}

const kinds: Readonly<Record<string, Kind>> = {
  judge: { takes: 'FILE', summary: 'classifier cases: two series, options, the expected classification', run: runJudgeFile },
  promql: { takes: 'FOLDER', summary: 'scripts of Prometheus\' test language (*.test): series, queries, what they must give', run: runPromqlFolder },
};

const help = `Runs data that others wrote against this platform.

Usage: npm run conformance -- KIND PATH

${Object.entries(kinds).map(([name, { takes, summary }]) => `  ${name} ${takes}   ${summary}`).join('\n')}
`;

async function main(host: Host): Promise<void> {
  const [name, path, ...extra] = host.process.argv;
  if (name === undefined || name === '--help' || name === '-h') {
    host.stdout.write(help);
    if (name === undefined) throw invalidConfig('no kind of data is named', `kinds: ${Object.keys(kinds).join(', ')}`);
    return;
  }
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind === undefined) throw invalidConfig(`there is no kind "${name}"`, `did you mean ${closest(name, Object.keys(kinds))}? Kinds: ${Object.keys(kinds).join(', ')}`);
  if (path === undefined || extra.length > 0) throw invalidConfig(`conformance ${name} takes one path, found ${path === undefined ? 0 : extra.length + 1}`, `npm run conformance -- ${name} ${kind.takes}`);
  const results = await kind.run(host, resolve(host.process.cwd(), path));
  host.stdout.write(renderResults(results));
  const count = (outcome: CaseResult['outcome']): number => results.filter((result) => result.outcome === outcome).length;
  // A file of which nothing could be read has proved nothing.
  host.process.setExitCode(count('failed') === 0 && count('passed') > 0 ? exitCodes.pass : exitCodes.generic);
}

const host = createNodeHost();
try {
  await main(host);
} catch (error) {
  const hint = error instanceof SoraError && error.hint !== undefined ? `\n  ${error.hint}` : '';
  host.stderr.write(`error: ${messageOf(error)}${hint}\n`);
  host.process.setExitCode(error instanceof SoraError ? error.exitCode : exitCodes.generic);
}
