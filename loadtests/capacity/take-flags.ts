import { distance } from 'fastest-levenshtein';
import { parseDurationMs } from '../../ops/core/duration.ts';
import { invalidConfig } from '../../ops/core/error.ts';
import type { OutputSpec } from '../outputs/flag.ts';

/** A flag of a verb's own; `value` is what help shows, absent for a switch. */
export interface OwnFlag {
  readonly value?: string;
  readonly help: string;
}

export interface Taken {
  readonly values: ReadonlyMap<string, string>;
  /** What is not the verb's own, in order. */
  readonly rest: readonly string[];
}

/**
 * Takes a verb's own flags out of its arguments; the rest goes to the runs it starts.
 * @param refused flags of a run that the verb sets itself, with why
 * @throws SoraError `invalid_config` for a missing value, a flag given twice and a refused one
 */
export function takeFlags(args: readonly string[], own: Readonly<Record<string, OwnFlag>>, refused: Readonly<Record<string, string>> = {}): Taken {
  const values = new Map<string, string>();
  const rest: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const argument = args[index] ?? '';
    const [name = '', inline] = argument.startsWith('--') ? argument.slice(2).split(/=(.*)/s, 2) : [argument === '-o' ? 'output' : ''];
    const why = Object.hasOwn(refused, name) ? refused[name] : undefined;
    if (why !== undefined) throw invalidConfig(`--${name} cannot be given here: ${why}`, `leave --${name} out`);
    const flag = Object.hasOwn(own, name) ? own[name] : undefined;
    if (flag === undefined) {
      rest.push(argument);
      continue;
    }
    if (values.has(name)) throw invalidConfig(`--${name} is given twice`, `give --${name} once`);
    if (flag.value === undefined) values.set(name, 'true');
    else {
      const value = inline ?? args[++index];
      if (value === undefined || value === '') throw invalidConfig(`--${name} needs a value`, `write --${name} ${flag.value}`);
      values.set(name, value);
    }
  }
  return { values, rest };
}

/** Flags that say something of a single run, which a verb that starts several must not hand on; for `refused`. */
export const ofSingleRuns = {
  'run-id': 'each run it starts has a name of its own',
  'start-at': 'the runs it starts come one after the other',
  partition: 'only a single run is shared out; use load run',
  baseline: 'only a single run is compared; use load compare',
} as const;

/** A file holds the seconds of one run: the next would write over it. @throws SoraError `invalid_config` for `--out` to a file */
export function refuseFiles(outputs: readonly OutputSpec[]): void {
  for (const output of outputs) {
    if ('path' in output) throw invalidConfig(`--out ${output.kind}=${output.path} cannot be given here: each run would write over it`, 'leave it out, or send the seconds to a URL: --out otlp=URL');
  }
}

/** The known flag nearest to one that does not exist. */
export const nearestName = (name: string, known: readonly string[]): string =>
  known.toSorted((a, b) => distance(a, name) - distance(b, name))[0] ?? '';

/** `500`, `500/s` or `0.5/s`. @throws SoraError `invalid_config` outside 0.01 to 10,000,000 */
export function readRate(name: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:\/s)?$/.exec(text);
  const ratePerS = match === null ? Number.NaN : Number(match[1]);
  if (ratePerS >= rateLimits.least && ratePerS <= rateLimits.most) return ratePerS;
  throw invalidConfig(`--${name} ${text} is no rate from ${rateLimits.least}/s to ${rateLimits.most}/s`, `for example --${name} 500/s`);
}

export const rateLimits = { least: 0.01, most: 10_000_000 } as const;

/** @throws SoraError `invalid_config` outside the limits */
export function readDurationFlag(name: string, text: string, leastMs: number, mostMs: number): number {
  const valueMs = parseDurationMs(text, `--${name}`);
  if (valueMs >= leastMs && valueMs <= mostMs) return valueMs;
  throw invalidConfig(`--${name} ${text} is outside ${leastMs / 1_000} s to ${mostMs / 1_000} s`, `for example --${name} ${leastMs / 1_000}s`);
}

/** @throws SoraError `invalid_config` when it is no number within the limits */
export function readNumber(name: string, text: string, least: number, most: number, isWhole: boolean): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most && (!isWhole || Number.isInteger(value))) return value;
  throw invalidConfig(`--${name} ${text} is no ${isWhole ? 'whole ' : ''}number from ${least} to ${most}`, `for example --${name} ${least}`);
}

/** Whether JSON is asked for. @throws SoraError `invalid_config` for another form */
export function readOutput(text: string | undefined): boolean {
  if (text === undefined || text === 'text') return false;
  if (text === 'json') return true;
  throw invalidConfig(`output "${text}" is unknown`, 'use -o json');
}
