import { parseArgs } from 'node:util';
import { closest } from 'fastest-levenshtein';
import { invalidConfig, messageOf } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import type { Host } from '../core/host.ts';

export interface Flag {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  /** What the value is, such as `NAME=PORT`; shown in help. */
  readonly value?: string;
  readonly help: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** What every command is given. */
export interface Context {
  readonly host: Host;
  /** Folder of the checkout. */
  readonly root: string;
  /** Folder of all state: SORA_HOME, else `.sora` of the checkout. */
  readonly home: string;
  /** Path of the topology: SORA_TOPOLOGY, else `topology.json` of the checkout. */
  readonly topology: string;
}

/** One noun of the command line. */
export interface Command {
  readonly name: string;
  /** One line for the list of nouns. */
  readonly summary: string;
  readonly usage: string;
  readonly flags: Flags;
  readonly examples: readonly string[];
  /** More for `--help`: verbs, exit codes. */
  readonly details?: string;
  /** Verbs after which everything belongs to another program, `--help` too. */
  readonly passesThrough?: readonly string[];
  run(context: Context, args: readonly string[]): Promise<ExitCode>;
}

export const outputFlag: Flags = {
  output: { type: 'string', short: 'o', value: 'table|json', help: 'form of the output; default table' },
};

export interface Parsed {
  text(name: string): string | undefined;
  list(name: string): readonly string[];
  has(name: string): boolean;
  readonly positionals: readonly string[];
}

/**
 * Parses a command's arguments strictly.
 * @param positionalsMax arguments beside flags that it takes; default 0
 * @throws SoraError `invalid_config`, with the nearest flag for one that does not exist
 */
export function parseFlags(command: Command, args: readonly string[], positionalsMax = 0): Parsed {
  const options = Object.fromEntries(
    Object.entries(command.flags).map(([name, { type, short, multiple }]) => [
      name,
      { type, multiple: multiple ?? false, ...(short === undefined ? {} : { short }) },
    ]),
  );
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw explain(command, error);
  }
  const extra = parsed.positionals[positionalsMax];
  if (extra !== undefined) throw invalidConfig(`sora ${command.name} does not take "${extra}"`, `sora ${command.name} --help shows what it takes`);
  const values: Record<string, unknown> = parsed.values;
  return {
    text: (name) => (typeof values[name] === 'string' ? values[name] : undefined),
    list: (name) => (Array.isArray(values[name]) ? values[name].map(String) : []),
    has: (name) => values[name] === true,
    positionals: parsed.positionals,
  };
}

function explain(command: Command, error: unknown): Error {
  const { code } = error as { code?: string };
  const help = `sora ${command.name} --help lists the flags`;
  const unknown = /'(-[^']*)'/.exec(messageOf(error))?.[1] ?? '';
  if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') return misused(command, unknown, error);
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return invalidConfig(messageOf(error), help, error);
  return invalidConfig(`sora ${command.name} has no flag ${unknown}`, suggest(unknown.replace(/^-+/, ''), Object.keys(command.flags), '--') ?? help, error);
}

/** A flag without its value, or with one where it takes none; node names it as `-o, --output <value>`. */
function misused(command: Command, named: string, error: unknown): Error {
  const name = /--([\w-]+)/.exec(named)?.[1] ?? '';
  const flag = command.flags[name];
  if (flag?.type === 'boolean') return invalidConfig(`--${name} takes no value`, `write --${name} alone`, error);
  return invalidConfig(`--${name} needs a value`, `write --${name} ${flag?.value ?? 'VALUE'}`, error);
}

/** `did you mean …?` for a word close to a known one; undefined when none is. */
export function suggest(word: string, known: readonly string[], prefix = ''): string | undefined {
  if (known.length === 0 || word === '') return undefined;
  const nearest = closest(word, [...known]);
  const isNear = nearest.startsWith(word) || sharedLetters(word, nearest) >= Math.min(word.length, nearest.length) * 0.6;
  return isNear ? `did you mean ${prefix}${nearest}?` : undefined;
}

function sharedLetters(one: string, other: string): number {
  return [...new Set(one)].filter((letter) => other.includes(letter)).length;
}

/** `table` or `json`. */
export function outputOf(parsed: Parsed): 'table' | 'json' {
  const output = parsed.text('output') ?? 'table';
  if (output !== 'table' && output !== 'json') throw invalidConfig(`output "${output}" is unknown`, 'use -o table or -o json');
  return output;
}

/** Reads `name=number` pairs, as `--replicas api=2` gives them. */
export function readPairs(flag: string, pairs: readonly string[], max: number, bareName?: string): Record<string, number> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', text] = pair.includes('=') ? pair.split('=', 2) : [bareName, pair];
      const value = Number(text);
      if (name === '' || !Number.isInteger(value) || value < 1 || value > max) {
        throw invalidConfig(`--${flag} "${pair}" is not NAME=NUMBER with a number from 1 to ${max}`, `for example --${flag} api=${Math.min(max, 2)}`);
      }
      return [name, value];
    }),
  );
}

/** @param verb of the noun: where the details have a line for it, only what is said of it is shown. Default: the whole page */
export function renderHelp(command: Command, verb?: string): string {
  return renderPage(verb === undefined ? command : (narrow(command, verb) ?? command));
}

/** What a page says of one verb: its lines of the details, its examples, and flags that are not another's. */
function narrow(command: Command, verb: string): Command | undefined {
  const lines = command.details?.split('\n') ?? [];
  const heads = lines.map((line) => /^( *)([a-z]+)(?: [A-Z][A-Z=…]* +| {2,})(\S.*)/.exec(line));
  const verbs = heads.flatMap((head) => head?.[2] ?? []);
  const first = heads.findIndex((head) => head?.[2] === verb);
  if (first < 0) return undefined;
  const isContinued = new RegExp(`^ {${(heads[first]?.[1]?.length ?? 0) + 1}}`);
  const after = lines.slice(first + 1).findIndex((line) => !isContinued.test(line));
  const own = [heads[first]?.[3] ?? '', ...lines.slice(first + 1, after < 0 ? undefined : first + 1 + after).map((line) => line.trim())];
  // Such as `silence: how long; ack: …`, which is of both.
  const isNamed = new RegExp(`\\b${verb}\\b`);
  const ofOther = ({ help }: Flag): boolean => !isNamed.test(help) && verbs.some((other) => new RegExp(`^(?:[a-z]+(?:, | and ))*${other}(?: [a-z]+)?(?:, | and |: )`).test(help));
  const examples = command.examples.filter((example) => example.includes(`sora ${command.name} ${verb}`));
  return {
    ...command,
    usage: `sora ${command.name} ${verb} [arguments] [flags]; all of ${command.name}: sora ${command.name} --help`,
    summary: own.join(' '), details: '',
    flags: Object.fromEntries(Object.entries(command.flags).filter(([, flag]) => !ofOther(flag)).map(([name, flag]) => [name, { ...flag, help: flag.help.startsWith(`${verb}: `) ? flag.help.slice(verb.length + 2) : flag.help }])),
    examples: examples.length > 0 ? examples : command.examples,
  };
}

function renderPage(command: Command): string {
  const flags = { ...command.flags, help: { type: 'boolean', short: 'h', help: 'shows this' } satisfies Flag };
  const rows = Object.entries<Flag>(flags).map(([name, flag]) => {
    const short = flag.short === undefined ? '   ' : `-${flag.short},`;
    return [`  ${short} --${name}${flag.value === undefined ? '' : ` ${flag.value}`}`, flag.help] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return [
    `${command.summary}\n`,
    `Usage: ${command.usage}\n`,
    ...(command.details === undefined || command.details === '' ? [] : [`${command.details}\n`]),
    'Flags:',
    ...rows.map(([left, right]) => `${left.padEnd(width)}${right}`),
    '\nExamples:',
    ...command.examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}
