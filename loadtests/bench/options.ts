import { parseArgs } from 'node:util';
import { closest } from 'fastest-levenshtein';
import { invalidConfig, messageOf } from '../../ops/core/error.ts';

/** The bench files, in the order of the table; each runs as a process of its own, one after the other. */
export const benchFiles = {
  transport: 'loadtests/bench/transport.bench.ts',
  gateway: 'services/gateway/gateway.bench.ts',
  ledger: 'services/wallet/ledger.bench.ts',
  log: 'ops/telemetry/log.bench.ts',
  metrics: 'ops/telemetry/metrics.bench.ts',
  tracing: 'ops/telemetry/tracing.bench.ts',
} as const;

export type BenchGroup = keyof typeof benchFiles;
export const benchGroups = Object.keys(benchFiles) as BenchGroup[];

export interface MainOptions {
  readonly groups: readonly BenchGroup[];
  readonly quick: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

const flags = {
  quick: { type: 'boolean' },
  only: { type: 'string', multiple: true },
  output: { type: 'string', short: 'o' },
  help: { type: 'boolean', short: 'h' },
} as const;

export const help = `Measures the hot parts and prints one table: median, lowest and highest of several rounds.

Usage: npm run bench -- [flags]

Flags:
      --quick          under a minute in all; shows that it works, not how fast
      --only GROUP     only this group; repeat it, or separate with commas:
                       ${benchGroups.join(', ')}
  -o, --output FORM    table or json; default table
  -h, --help           shows this

It takes under five minutes. Figures count on an idle machine only. The ledger is measured on a PostgreSQL of its own,
durable, on the checkout's disk; DATABASE_URL names another server, on which it makes and drops a database.
Exit codes: 0 all measured, 1 a group failed (the others are printed), 104 a wrong flag, 105 stopped by a signal.

Examples:
  npm run bench
  npm run bench -- --quick --only log,metrics
  npm run bench -- --only ledger -o json
`;

/** @throws SoraError `invalid_config` with the nearest flag or group for one that does not exist */
export function parseMainOptions(args: readonly string[]): MainOptions {
  const values = parseFlags(args);
  const { output = 'table', only } = values;
  if (output !== 'table' && output !== 'json') throw invalidConfig(`output "${output}" is unknown`, 'use -o table or -o json');
  const wanted = only?.flatMap((list) => list.split(',')) ?? benchGroups;
  const unknown = wanted.find((name) => !Object.hasOwn(benchFiles, name));
  if (unknown !== undefined) {
    throw invalidConfig(`--only "${unknown}" is no group`, `did you mean ${closest(unknown, benchGroups)}? There are ${benchGroups.join(', ')}`);
  }
  return {
    groups: benchGroups.filter((group) => wanted.includes(group)),
    quick: values.quick ?? false,
    json: output === 'json',
    help: values.help ?? false,
  };
}

function parseFlags(args: readonly string[]): { quick?: boolean; only?: string[]; output?: string; help?: boolean } {
  try {
    return parseArgs({ args: [...args], options: flags, strict: true }).values;
  } catch (error) {
    const unknown = /'--?([^'\s]*)'/.exec(messageOf(error))?.[1];
    const isUnknown = (error as { code?: string }).code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' && unknown !== undefined;
    if (!isUnknown) throw invalidConfig(messageOf(error), 'npm run bench -- --help lists the flags', error);
    throw invalidConfig(`bench has no flag --${unknown}`, `did you mean --${closest(unknown, Object.keys(flags))}? npm run bench -- --help lists the flags`);
  }
}
