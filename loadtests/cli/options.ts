import { parseArgs } from 'node:util';
import { distance } from 'fastest-levenshtein';
import { parseDurationMs } from '../../ops/core/duration.ts';
import { invalidConfig, SoraError } from '../../ops/core/error.ts';
import { parseThresholdFlag } from '../report/thresholds.ts';
import type { Threshold } from '../report/thresholds.ts';
import { defaultValidityLimits, parseValidityFlag } from '../report/validity.ts';
import type { ValidityLimits } from '../report/validity.ts';
import { limits } from '../swarm/run-plan.ts';
import type { ScenarioOverrides } from '../swarm/run-plan.ts';
import { arrivalFlags, readArrivalFlags } from './arrival-flags.ts';
import { baselineFlags, readBaselineFlags } from './baseline-flags.ts';
import type { BaselineWanted } from './baseline-flags.ts';
import { outputAndShareFlags, readOutputAndShareFlags } from './share-flags.ts';
import type { OutputAndShareOptions } from './share-flags.ts';
import { readTransportFlags, transportFlags } from './transport-flags.ts';

/** Flags of `load run`; the `value` is what `--help` shows. */
export const runFlags = {
  users: { type: 'string', value: 'N', help: 'simulated users; default the scenario’s' },
  duration: { type: 'string', value: '60s', help: 'length of the hold, which thresholds judge' },
  ramp: { type: 'string', value: '10s', help: 'time over which users start' },
  think: { type: 'string', value: '10s', help: 'mean pause between operations, exponential; pauses of a scenario’s own keep their proportions to it' },
  seed: { type: 'string', value: 'N', help: 'same seed, same plan; default 1' },
  pace: { type: 'string', value: 'due|after-reply', help: 'what the next step is due after' },
  sockets: { type: 'string', value: 'N', help: 'connections of all workers together; default one a user up to 1000 users, then by rate, and more up to 1000 where users wait 5 s for one' },
  workers: { type: 'string', value: 'N', help: 'worker processes; default by rate and cores' },
  ...arrivalFlags,
  ...transportFlags,
  ...baselineFlags,
  target: { type: 'string', value: 'URL', help: 'the system under test, such as http://127.0.0.1:3000' },
  'confirm-target': { type: 'string', multiple: true, value: 'HOST', help: 'confirms a target that looks like production' },
  threshold: { type: 'string', multiple: true, value: 'METRIC: EXPR', help: 'one more threshold, such as "response_time: p(95)<500"; with " abort" or " abort after 30s" a miss ends the run' },
  validity: { type: 'string', multiple: true, value: 'NAME=LIMIT', help: 'changes a validity limit, such as lateness=100ms or cpu=90%' },
  ...outputAndShareFlags,
  note: { type: 'string', value: 'TEXT', help: 'a note for the report' },
  output: { type: 'string', short: 'o', value: 'text|json', help: 'what to print at the end; default text' },
  user: { type: 'string', value: 'N', help: 'which user; default 0' },
  yes: { type: 'boolean', help: 'asks nothing; does not confirm a target' },
  quiet: { type: 'boolean', help: 'no plan, live view or report on stderr; warnings and errors stay' },
  'no-color': { type: 'boolean', help: 'no colours' },
  help: { type: 'boolean', short: 'h', help: 'shows this' },
} as const;

/** What playing one user can make use of. */
const debugFlags: ReadonlySet<string> = new Set([
  'user', 'users', 'seed', 'think', 'target', 'confirm-target', 'tls-ca', 'tls-cert', 'tls-key', 'tls-servername', 'tls-insecure', 'output', 'yes', 'quiet', 'no-color', 'help',
] satisfies (keyof typeof runFlags)[]);

export type RunVerb = 'run' | 'debug';

/** Whether a verb takes a flag of `runFlags`. */
export const takesFlag = (verb: RunVerb, name: string): boolean => (verb === 'debug' ? debugFlags.has(name) : name !== 'user');

/** Flags that the `sora` command takes from `load run` and `load debug` before the harness; told here for help. */
export const stackFlags = {
  stack: { type: 'string', value: 'auto|own|running', help: 'the stack to load: one of the run’s own, the running one, or that if there is one (auto, the default)' },
  replicas: { type: 'string', value: 'NAME=COUNT', help: 'number of processes of an own stack, such as api=2' },
  keep: { type: 'boolean', help: 'keeps the database of an own stack after the run, and says how to open and drop it' },
} as const;

/** The arguments of a run after validation. */
export interface RunOptions extends OutputAndShareOptions {
  /** Name of a built-in scenario, or a path. */
  readonly scenario: string;
  readonly overrides: ScenarioOverrides;
  readonly target: string | undefined;
  readonly confirmed: readonly string[];
  readonly thresholds: readonly Threshold[];
  readonly validity: ValidityLimits;
  readonly baseline: BaselineWanted;
  readonly note: string;
  readonly json: boolean;
  readonly user: number;
  readonly quiet: boolean;
  readonly noColor: boolean;
}

/**
 * Reads the arguments of `run`, `plan` and `debug`.
 * @param errors takes everything that is wrong; what it was about then has its default
 * @param verb a flag that it does not take is an error; default run
 */
export function readRunOptions(args: readonly string[], errors: SoraError[], verb: RunVerb = 'run'): RunOptions {
  const attempt = <T>(read: () => T, fallback: T): T => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SoraError)) throw error;
      errors.push(error);
      return fallback;
    }
  };
  const { values, positionals } = parseFlags(args, errors, verb);
  const whole = (name: 'users' | 'seed' | 'sockets' | 'workers' | 'user', least: number, most: number): number | undefined =>
    attempt(() => (values[name] === undefined ? undefined : readWhole(name, String(values[name]), least, most)), undefined);
  const duration = (name: 'duration' | 'ramp' | 'think', leastMs: number): number | undefined =>
    attempt(() => (values[name] === undefined ? undefined : readDuration(name, String(values[name]), leastMs)), undefined);
  const list = (name: string): string[] => (Array.isArray(values[name]) ? values[name].map(String) : []);
  const thinkMs = duration('think', 1);
  if (positionals[0] === undefined) {
    errors.push(invalidConfig('no scenario is named', 'give a name or a file: npx sora load run launch-mix'));
  }
  for (const extra of positionals.slice(1)) errors.push(invalidConfig(`"${extra}" is one argument too many`, 'a run takes one scenario; flags begin with --'));
  const validity = list('validity').reduce((all, text) => ({ ...all, ...attempt(() => parseValidityFlag(text), {}) }), defaultValidityLimits);
  return {
    scenario: positionals[0] ?? '',
    overrides: {
      users: whole('users', 1, limits.users),
      seed: whole('seed', 0, Number.MAX_SAFE_INTEGER),
      sockets: whole('sockets', 1, limits.sockets),
      workers: whole('workers', 1, limits.workers),
      holdMs: duration('duration', 1_000),
      rampMs: duration('ramp', 0),
      thinkTimeMs: thinkMs === undefined ? undefined : { kind: 'exponential', mean: thinkMs },
      ...readArrivalFlags(values, errors),
      ...readTransportFlags(values, errors),
      pace: attempt(() => readChoice('pace', values['pace'], ['due', 'after-reply'] as const), undefined),
    },
    target: typeof values['target'] === 'string' ? values['target'] : undefined,
    confirmed: list('confirm-target'),
    thresholds: list('threshold').flatMap((text) => attempt(() => [parseThresholdFlag(text)], [])),
    validity,
    baseline: readBaselineFlags(values, errors),
    ...readOutputAndShareFlags(values, errors),
    note: typeof values['note'] === 'string' ? values['note'].slice(0, 2_000) : '',
    json: attempt(() => readChoice('output', values['output'], ['text', 'json'] as const), undefined) === 'json',
    user: whole('user', 0, limits.users) ?? 0,
    quiet: values['quiet'] === true,
    noColor: values['no-color'] === true,
  };
}

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** Reads flags token by token, so that every unknown one is told and not only the first. */
function parseFlags(args: readonly string[], errors: SoraError[], verb: RunVerb): { values: Values; positionals: string[] } {
  const { tokens } = parseArgs({ args: [...args], options: runFlags, strict: false, tokens: true, allowPositionals: true });
  const values: Record<string, string | boolean | (string | boolean)[]> = {};
  const positionals: string[] = [];
  // What follows an unknown flag is most likely its value; a second error about it would only confuse.
  let valueOfUnknown = -1;
  for (const token of tokens) {
    if (token.kind === 'positional' && token.index !== valueOfUnknown) positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = Object.hasOwn(runFlags, token.name) ? runFlags[token.name as keyof typeof runFlags] : undefined;
    if (flag === undefined) {
      valueOfUnknown = token.value === undefined ? token.index + 1 : -1;
      if (Object.hasOwn(stackFlags, token.name)) errors.push(invalidConfig(`${token.rawName} is a flag of the sora command`, 'run the scenario with: npx sora load run'));
      else errors.push(invalidConfig(`there is no flag ${token.rawName}`, `did you mean --${nearestFlag(token.name, verb)}? All flags: npx sora load ${verb} --help`));
    } else if (!takesFlag(verb, token.name)) {
      errors.push(invalidConfig(`load ${verb} has no flag ${token.rawName}`, `load ${verb === 'run' ? 'debug' : 'run'} has it; the flags of load ${verb}: npx sora load ${verb} --help`));
    } else if (flag.type === 'string' && (token.value === undefined || token.value === '')) {
      errors.push(invalidConfig(`${token.rawName} needs a value`, `write --${token.name} ${flag.value}`));
    } else if ('multiple' in flag) {
      values[token.name] = [...((values[token.name] as string[] | undefined) ?? []), token.value ?? ''];
    } else {
      values[token.name] = token.value ?? true;
    }
  }
  return { values, positionals };
}

function nearestFlag(name: string, verb: RunVerb): string {
  const known = [...Object.keys(runFlags).filter((flag) => takesFlag(verb, flag)), ...Object.keys(stackFlags)];
  return known.toSorted((a, b) => distance(a, name) - distance(b, name))[0] ?? 'help';
}

function readWhole(name: string, text: string, least: number, most: number): number {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw invalidConfig(`--${name} ${text} is not a whole number from ${least} to ${most}`, `for example --${name} ${Math.max(least, Math.min(most, 1_000))}`);
}

function readDuration(name: string, text: string, leastMs: number): number {
  const valueMs = parseDurationMs(text, `--${name}`);
  if (valueMs >= leastMs && valueMs <= limits.phaseMs) return valueMs;
  throw invalidConfig(`--${name} ${text} is outside ${leastMs} ms to 7 days`, `for example --${name} 60s`);
}

function readChoice<T extends string>(name: string, value: unknown, known: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  const found = known.find((choice) => choice === value);
  if (found === undefined) throw invalidConfig(`--${name} ${JSON.stringify(value)} is unknown`, `use ${known.join(' or ')}`);
  return found;
}
