import { parseArgs } from 'node:util';
import type { ParseArgsOptionsConfig } from 'node:util';
import { closest } from 'fastest-levenshtein';
import { parseDurationMs } from '../../../ops/core/duration.ts';
import { invalidConfig, messageOf } from '../../../ops/core/error.ts';
import { suiteLimits, suiteNames } from '../suite/plan.ts';
import type { SuiteChanges, SuiteName } from '../suite/plan.ts';

/** Flags of `load k6` and `load browser`; the `value` is what `--help` shows. */
export const k6Flags = {
  users: { type: 'string', value: 'N', help: 'seeded users that act; default the suite’s' },
  think: { type: 'string', value: '10s', help: 'mean time between two operations of a user; users / think is the rate' },
  duration: { type: 'string', value: '60s', help: 'length of the whole suite; its stages keep their shares' },
  seed: { type: 'string', value: 'N', help: 'same seed, same choices; default 1' },
  target: { type: 'string', value: 'URL', help: 'the system under test, such as http://127.0.0.1:3000; needs --sessions' },
  'confirm-target': { type: 'string', multiple: true, value: 'HOST', help: 'confirms a target that looks like production' },
  sessions: { type: 'string', value: 'FILE', help: 'access tokens, one a line, user 0 first; default from the stack’s admin endpoint' },
  note: { type: 'string', value: 'TEXT', help: 'a note for the report' },
  output: { type: 'string', short: 'o', value: 'text|json', help: 'what to print at the end; default text' },
  quiet: { type: 'boolean', help: 'no progress' },
  'no-color': { type: 'boolean', help: 'no colours' },
  help: { type: 'boolean', short: 'h', help: 'shows this' },
} as const;

/** Flags of `load browser` besides. */
export const browserFlags = {
  browsers: { type: 'string', value: 'N', help: 'browsers that read at once beside the mix; default 1' },
  'install-chromium': { type: 'boolean', help: 'lets apt install the system’s chromium where there is none (as root)' },
  ...k6Flags,
} as const;

/** What every run of k6 can be told. */
export interface K6Options {
  readonly changes: SuiteChanges;
  readonly seed: number;
  readonly target: string | undefined;
  readonly confirmed: readonly string[];
  readonly sessionsPath: string | undefined;
  readonly note: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly noColor: boolean;
}

/** Reads the arguments of `load k6`. @throws SoraError 104 that names the value, the limit and the next step */
export function readK6Options(args: readonly string[]): K6Options & { readonly suite: SuiteName } {
  const { values, positionals } = parse(args, k6Flags, 'k6');
  const [name, extra] = positionals;
  if (extra !== undefined) throw invalidConfig(`"${extra}" is one argument too many`, 'a run takes one suite; flags begin with --');
  const suite = suiteNames.find((known) => known === name);
  if (suite === undefined) {
    const near = name === undefined ? '' : `did you mean ${closest(name, [...suiteNames])}? `;
    throw invalidConfig(name === undefined ? 'no suite is named' : `there is no k6 suite "${name}"`, `${near}Suites: ${suiteNames.join(', ')}`);
  }
  return { suite, ...optionsOf(values) };
}

/** Reads the arguments of `load browser`. @throws SoraError 104 that names the value, the limit and the next step */
export function readBrowserOptions(args: readonly string[]): K6Options & { readonly browsers: number; readonly mayInstall: boolean } {
  const { values, positionals } = parse(args, browserFlags, 'browser');
  const [extra] = positionals;
  if (extra !== undefined) throw invalidConfig(`load browser does not take "${extra}"`, 'it takes flags only: npx sora load browser --help');
  const browsers = whole('browsers', text(values['browsers']), 1, suiteLimits.browsersMax) ?? 1;
  return { ...optionsOf(values), browsers, mayInstall: values['install-chromium'] === true };
}

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

const text = (value: Values[string]): string | undefined => (typeof value === 'string' ? value : undefined);

function optionsOf(values: Values): K6Options {
  const { usersMin, usersMax, durationMinMs, durationMaxMs } = suiteLimits;
  const output = text(values['output']);
  if (output !== undefined && output !== 'json' && output !== 'text') throw invalidConfig(`--output "${output}" is unknown`, 'use -o text or -o json');
  const target = text(values['target']);
  const sessionsPath = text(values['sessions']);
  if (target !== undefined && sessionsPath === undefined) {
    throw invalidConfig('a target that is not the stack has no admin endpoint to sign users in', 'give their access tokens: --sessions FILE, one a line, user 0 first');
  }
  const confirmed = values['confirm-target'];
  return {
    changes: {
      users: whole('users', text(values['users']), usersMin, usersMax),
      thinkTimeMs: duration('think', text(values['think']), 1, durationMaxMs),
      durationMs: duration('duration', text(values['duration']), durationMinMs, durationMaxMs),
    },
    seed: whole('seed', text(values['seed']), 0, 999_999_999_999) ?? 1,
    target,
    confirmed: Array.isArray(confirmed) ? confirmed.map(String) : [],
    sessionsPath,
    note: (text(values['note']) ?? '').slice(0, 2_000),
    json: output === 'json',
    quiet: values['quiet'] === true,
    noColor: values['no-color'] === true,
  };
}

function parse(args: readonly string[], flags: ParseArgsOptionsConfig, verb: string): { values: Values; positionals: readonly string[] } {
  try {
    return parseArgs({ args: [...args], options: flags, allowPositionals: true, strict: true });
  } catch (error) {
    const unknown = /'(--?[^' ]*)/.exec(messageOf(error))?.[1]?.replace(/^-+/, '');
    if (unknown === 'baseline' || unknown === 'tolerance') {
      throw invalidConfig(`load ${verb} has no --${unknown}: k6 tells one summary of its whole run, and runs are compared by blocks`, 'gate with npx sora load run --baseline, and follow k6 runs with: npx sora load trend', error);
    }
    const near = unknown === undefined ? '' : `did you mean --${closest(unknown, Object.keys(flags))}? `;
    throw invalidConfig(messageOf(error).split('. ')[0] ?? '', `${near}All flags: npx sora load ${verb} --help`, error);
  }
}

function whole(name: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw invalidConfig(`--${name} ${text} is not a whole number from ${least} to ${most}`, `for example --${name} ${Math.max(least, Math.min(most, 1_000))}`);
}

function duration(name: string, text: string | undefined, leastMs: number, mostMs: number): number | undefined {
  if (text === undefined) return undefined;
  const valueMs = parseDurationMs(text, `--${name}`);
  if (valueMs >= leastMs && valueMs <= mostMs) return Math.round(valueMs);
  throw invalidConfig(`--${name} ${text} is outside ${leastMs} ms to ${mostMs / 3_600_000} h`, `for example --${name} 60s`);
}
