import { parseArgs } from 'node:util';
import { resolve } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { parseDurationMs } from '../../ops/core/duration.ts';
import { exitCodes, invalidConfig, messageOf, SoraError } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import type { Drill, DrillSize } from './drill.ts';

export interface Arguments {
  readonly drills: readonly Drill[];
  readonly size: DrillSize;
  readonly json: boolean;
  /** SORA_HOME; default a folder of the drills' own. */
  readonly home: string | undefined;
}

const defaults = { users: 1_000, rate: 500, duration: '30s', pairs: 20 } as const;
const holdMinMs = 20_000;

/** Reads the arguments; says what is wrong, or the help, and answers undefined where nothing is to be run. */
export function readArguments(host: Host, drills: readonly Drill[]): Arguments | undefined {
  try {
    return read(host, drills);
  } catch (error) {
    if (!(error instanceof SoraError)) throw error;
    host.stderr.write(`error: ${error.message}\nhint: ${error.hint ?? ''}\n`);
    host.process.setExitCode(exitCodes.invalidConfig);
    return undefined;
  }
}

function read(host: Host, drills: readonly Drill[]): Arguments | undefined {
  const { values, positionals } = parse(host.process.argv);
  if (values.help === true) {
    host.stdout.write(helpOf(drills));
    return undefined;
  }
  const names = drills.map(({ name }) => name);
  const chosen = positionals.map((name) => {
    const found = drills.find((drill) => drill.name === name);
    if (found === undefined) throw invalidConfig(`there is no drill "${name}"`, `did you mean ${closest(name, names)}? Drills: ${names.join(', ')}`);
    return found;
  });
  const holdMs = parseDurationMs(values.duration ?? defaults.duration, '--duration');
  if (holdMs < holdMinMs) throw invalidConfig(`--duration ${values.duration} is below ${holdMinMs / 1_000} s`, 'a fault and the recovery from it need that long');
  const users = readWhole('users', values.users ?? String(defaults.users));
  const ratePerS = readWhole('rate', values.rate ?? String(defaults.rate));
  const pairs = Number(values.pairs ?? defaults.pairs);
  if (!Number.isInteger(pairs) || pairs < 1 || pairs > 100) throw invalidConfig(`--pairs ${values.pairs} is not a whole number from 1 to 100`, 'for example --pairs 20');
  const { SORA_HOME: home } = host.process.env;
  return {
    drills: chosen.length === 0 ? drills.filter(({ onlyNamed }) => onlyNamed !== true) : chosen,
    size: { users, ratePerS, holdMs, pairs },
    json: values.output === 'json',
    home: home === undefined || home === '' ? undefined : resolve(home),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        users: { type: 'string' }, rate: { type: 'string' }, duration: { type: 'string' }, pairs: { type: 'string' },
        output: { type: 'string', short: 'o' }, help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw invalidConfig(messageOf(error), 'flags: --users N, --rate PER_SECOND, --duration 30s, --pairs N, -o json', error);
  }
}

function readWhole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 10 || value > 1_000_000) throw invalidConfig(`--${name} ${text} is not a whole number from 10 to 1000000`, `for example --${name} 1000`);
  return value;
}

function helpOf(drills: readonly Drill[]): string {
  const width = Math.max(...drills.map(({ name }) => name.length));
  return `Breaks the platform from outside and checks that it holds.

Usage: npm run prove -- [drill…] [--users N] [--rate PER_SECOND] [--duration 30s] [--pairs N] [-o json]

Drills, by default all but those only by name:
${drills.map(({ name, summary, onlyNamed }) => `  ${name.padEnd(width)}  ${summary}${onlyNamed === true ? '; only by name' : ''}`).join('\n')}

Flags:
  --users N        simulated users; default ${defaults.users}
  --rate N         operations/s, the rate this machine is known to carry; default ${defaults.rate}
  --duration 30s   length of the hold of the kill drills and slow-ai; at least ${holdMinMs / 1_000}s
  --pairs N        pairs of runs of the drill compare; default ${defaults.pairs}, about 80 s each, of which 20 take less than half an hour
  -o, --output     json: the outcomes on standard output

Example:
  npm run prove -- kill-api overload --users 100000 --rate 8000
`;
}
