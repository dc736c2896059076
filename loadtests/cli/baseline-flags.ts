import { invalidConfig } from '../../ops/core/error.ts';
import type { SoraError } from '../../ops/core/error.ts';
import { compareDefaults } from '../report/compare/compare.ts';

/** Flags about the runs that a run is compared with. */
export const baselineFlags = {
  baseline: { type: 'string', multiple: true, value: 'RUN|last:N', help: 'compares with a kept run, or the newest N of this kind, and fails where it is worse; both need 5 whole blocks of 5 s; repeat it' },
  tolerance: { type: 'string', value: '5%', help: 'change that a comparison with fewer than 5 baseline runs takes for noise' },
} as const;

/** Runs that a run is compared with at most; more would say nothing new. */
export const baselinesMax = 20;

/** Which kept runs to compare with. */
export interface BaselineWanted {
  readonly names: readonly string[];
  /** The newest so many of the same kind; 0 for none. */
  readonly last: number;
  readonly tolerance: number;
}

/** Reads them. @param errors takes everything that is wrong */
export function readBaselineFlags(values: Readonly<Record<string, unknown>>, errors: SoraError[]): BaselineWanted {
  const given = Array.isArray(values['baseline']) ? values['baseline'].map(String) : [];
  const isCount = (text: string): boolean => text.startsWith('last:');
  const counts = given.filter(isCount).map((text) => readCount(text.slice('last:'.length), `--baseline ${text}`, errors));
  const names = given.filter((text) => !isCount(text));
  if (names.length > baselinesMax) errors.push(invalidConfig(`${names.length} baseline runs are named, the most is ${baselinesMax}`, 'name fewer, or use --baseline last:10'));
  return { names, last: Math.max(0, ...counts), tolerance: readTolerance(values['tolerance'], errors) };
}

/** A whole number of runs from 1 to 20. */
export function readCount(text: string, flag: string, errors: SoraError[]): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= baselinesMax) return count;
  errors.push(invalidConfig(`${flag}: ${JSON.stringify(text)} is not a whole number from 1 to ${baselinesMax}`, '5 or more let the runs themselves tell what is noise'));
  return 1;
}

/** `5%` or `0.05`. */
export function readTolerance(value: unknown, errors: SoraError[]): number {
  if (typeof value !== 'string') return compareDefaults.tolerance;
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(value);
  const ratio = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (ratio >= 0 && ratio <= 1) return ratio;
  errors.push(invalidConfig(`--tolerance ${JSON.stringify(value)} is not a share from 0 to 100%`, 'for example --tolerance 5%'));
  return compareDefaults.tolerance;
}
