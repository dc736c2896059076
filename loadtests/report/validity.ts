import { invalidConfig } from '../../ops/core/error.ts';
import { parseDurationMs } from '../../ops/core/duration.ts';
import { formatNumber } from './format.ts';

/** When a measurement may be believed; beyond a limit the generator, not the system, was measured. */
export interface ValidityLimits {
  /** p99 of due time → handed to the transport. Default 50 ms. */
  readonly latenessP99Ms: number;
  /** p99 of the event loop's delay in the worst worker. Default 50 ms. */
  readonly loopDelayP99Ms: number;
  /** Highest share of a core used by one worker over 5 s of the hold. Default 0.85. */
  readonly coreShareMax: number;
  /** Operations still unsent after the drain. Default 0. */
  readonly unsentMax: number;
  /** Share of users that completed an operation under their own token. Default 0.99. */
  readonly usersCompletedMin: number;
  /** Workers that died during the run. Default 0. */
  readonly workersLostMax: number;
}

export const defaultValidityLimits: ValidityLimits = {
  latenessP99Ms: 50,
  loopDelayP99Ms: 50,
  coreShareMax: 0.85,
  unsentMax: 0,
  usersCompletedMin: 0.99,
  workersLostMax: 0,
};

/** What validity is judged by. */
export interface ValidityInput {
  readonly latenessP99Ms: number;
  readonly loopDelayP99Ms: number;
  readonly coreShareMax: number;
  readonly unsent: number;
  readonly users: number;
  readonly usersCompleted: number;
  readonly workers: number;
  readonly workersLost: number;
  /** Operations of the hold, failed ones too. */
  readonly operations: number;
  /** Operations that the guard of targets kept from being sent, and what it said first; absent or 0 adds no condition. */
  readonly refused?: { readonly count: number; readonly firstMessage: string } | undefined;
}

/** One condition with what was found. */
export interface ValidityItem {
  readonly name: string;
  readonly measured: number;
  readonly limit: number;
  readonly unit: 'ms' | 'ratio' | 'count';
  /** Which way the limit holds. */
  readonly bound: 'max' | 'min';
  readonly ok: boolean;
  /** The finding as a sentence, for people. */
  readonly text: string;
}

/** Compares each condition with its limit; all are always listed, but for refused targets, listed where there are any. */
export function judgeValidity(input: ValidityInput, limits: ValidityLimits = defaultValidityLimits): ValidityItem[] {
  const completed = input.users === 0 ? 0 : input.usersCompleted / input.users;
  return [
    item('operations', input.operations, 1, 'count', 'min', `${formatNumber(input.operations)} operations in the hold`),
    item('lateness_p99', input.latenessP99Ms, limits.latenessP99Ms, 'ms', 'max', `generator lateness p99 ${ms(input.latenessP99Ms)}`),
    item('loop_delay_p99', input.loopDelayP99Ms, limits.loopDelayP99Ms, 'ms', 'max', `event-loop delay p99 ${ms(input.loopDelayP99Ms)}`),
    item('worker_core_share', input.coreShareMax, limits.coreShareMax, 'ratio', 'max', `busiest worker used ${percent(input.coreShareMax)} of a core`),
    item('unsent', input.unsent, limits.unsentMax, 'count', 'max', `${formatNumber(input.unsent)} operations left unsent`),
    item(
      'users_completed', completed, limits.usersCompletedMin, 'ratio', 'min',
      `${percent(completed)} of users completed an operation (${formatNumber(input.usersCompleted)} of ${formatNumber(input.users)})`,
    ),
    item('workers_lost', input.workersLost, limits.workersLostMax, 'count', 'max', `${input.workersLost} of ${input.workers} workers lost`),
    ...refusedItem(input.refused),
  ];
}

/** What the guard refuses says nothing of the system, so there is no limit to set. */
function refusedItem(refused: ValidityInput['refused']): ValidityItem[] {
  if (refused === undefined || refused.count === 0) return [];
  const found = item('refused_targets', refused.count, 0, 'count', 'max', `${formatNumber(refused.count)} operations refused by the guard of targets`);
  return [{ ...found, text: `${found.text}: ${refused.firstMessage.slice(0, 300)}; where such addresses are yours to load, list them as staging in sora.config.ts, best as a range such as 10.1.0.0/16` }];
}

const flagNames: Readonly<Record<string, { key: keyof ValidityLimits; unit: ValidityItem['unit'] }>> = {
  lateness: { key: 'latenessP99Ms', unit: 'ms' },
  'loop-delay': { key: 'loopDelayP99Ms', unit: 'ms' },
  cpu: { key: 'coreShareMax', unit: 'ratio' },
  unsent: { key: 'unsentMax', unit: 'count' },
  users: { key: 'usersCompletedMin', unit: 'ratio' },
  'workers-lost': { key: 'workersLostMax', unit: 'count' },
};

/**
 * Reads `--validity lateness=100ms`, `cpu=90%`, `users=0.95`, `unsent=10`.
 * @throws SoraError `invalid_config` when the name or the value is none of these
 */
export function parseValidityFlag(text: string): Partial<ValidityLimits> {
  const match = /^([a-z-]+)=(.+)$/.exec(text.trim());
  const spec = match === null || !Object.hasOwn(flagNames, String(match[1])) ? undefined : flagNames[String(match[1])];
  if (match === null || spec === undefined) {
    throw invalidConfig(
      `--validity "${text}" is not a limit`,
      `write name=value with a name of ${Object.keys(flagNames).join(', ')}, for example lateness=100ms or cpu=90%`,
    );
  }
  return { [spec.key]: readLimit(String(match[2]), spec.unit, text) };
}

function readLimit(value: string, unit: ValidityItem['unit'], text: string): number {
  if (unit === 'ms' && /[a-z]$/.test(value)) return parseDurationMs(value, '--validity');
  const isPercent = unit === 'ratio' && value.endsWith('%');
  const number = Number(isPercent ? value.slice(0, -1) : value) / (isPercent ? 100 : 1);
  const highest = unit === 'ratio' ? 1 : Number.MAX_SAFE_INTEGER;
  if (!Number.isFinite(number) || number < 0 || number > highest) {
    const range = unit === 'ratio' ? '0 to 1, or 0% to 100%' : 'a number of 0 or more';
    throw invalidConfig(`--validity "${text}": "${value}" is out of range`, `give ${range}`);
  }
  return number;
}

function item(
  name: string, measured: number, limit: number, unit: ValidityItem['unit'], bound: 'max' | 'min', text: string,
): ValidityItem {
  const ok = bound === 'max' ? measured <= limit : measured >= limit;
  const shown = unit === 'ms' ? ms(limit) : unit === 'ratio' ? percent(limit) : String(limit);
  return { name, measured, limit, unit, bound, ok, text: `${text}, limit ${bound === 'max' ? '≤' : '≥'} ${shown}` };
}

const ms = (value: number): string => `${Number(value.toFixed(1))} ms`;
const percent = (ratio: number): string => `${Number((ratio * 100).toFixed(1))} %`;
