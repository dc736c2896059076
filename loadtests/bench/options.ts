import { parseArgs } from 'node:util';
import { closest } from 'fastest-levenshtein';
import { invalidConfig, messageOf } from '../../ops/core/error.ts';
import type { BenchCatalog } from './catalog.ts';

export interface MainOptions {
  /** Names of the files to measure, in the order of the catalog. */
  readonly groups: readonly string[];
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

/** The `--help` of a catalog's command. */
export function helpOf({ command, about, notes, files }: BenchCatalog): string {
  const groups = Object.keys(files);
  return `${about}

Usage: npm run ${command} -- [flags]

Flags:
      --quick          short and few rounds; shows that it works, not how fast
      --only GROUP     only this group; repeat it, or separate with commas:
                       ${groups.join(', ')}
  -o, --output FORM    table or json; default table
  -h, --help           shows this

${notes}
Exit codes: 0 all measured and within their limits, 99 a limit was missed, 1 a group failed (the others are printed),
98 a figure that has a limit was not measured, 104 a wrong flag, 105 stopped by a signal.

Examples:
  npm run ${command}
  npm run ${command} -- --quick --only ${groups.slice(-2).join(',')}
  npm run ${command} -- --only ${groups[0]} -o json
`;
}

/** @throws SoraError `invalid_config` with the nearest flag or group for one that does not exist */
export function parseMainOptions(args: readonly string[], { command, files }: BenchCatalog): MainOptions {
  const groups = Object.keys(files);
  const values = parseFlags(args, command);
  const { output = 'table', only } = values;
  if (output !== 'table' && output !== 'json') throw invalidConfig(`output "${output}" is unknown`, 'use -o table or -o json');
  const wanted = only?.flatMap((list) => list.split(',')) ?? groups;
  const unknown = wanted.find((name) => !groups.includes(name));
  if (unknown !== undefined) {
    throw invalidConfig(`--only "${unknown}" is no group`, `did you mean ${closest(unknown, groups)}? There are ${groups.join(', ')}`);
  }
  return {
    groups: groups.filter((group) => wanted.includes(group)),
    quick: values.quick ?? false,
    json: output === 'json',
    help: values.help ?? false,
  };
}

function parseFlags(args: readonly string[], command: string): { quick?: boolean; only?: string[]; output?: string; help?: boolean } {
  try {
    return parseArgs({ args: [...args], options: flags, strict: true }).values;
  } catch (error) {
    const unknown = /'--?([^'\s]*)'/.exec(messageOf(error))?.[1];
    const isUnknown = (error as { code?: string }).code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' && unknown !== undefined;
    if (!isUnknown) throw invalidConfig(messageOf(error), `npm run ${command} -- --help lists the flags`, error);
    throw invalidConfig(`bench has no flag --${unknown}`, `did you mean --${closest(unknown, Object.keys(flags))}? npm run ${command} -- --help lists the flags`);
  }
}
