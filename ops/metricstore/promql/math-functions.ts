/** Functions of one number: arithmetic, trigonometry and dates. */

const degree = Math.PI / 180;

/** By name; each is applied to every value of a vector. */
export const mathFunctions: ReadonlyMap<string, (value: number) => number> = new Map(Object.entries({
  abs: Math.abs, ceil: Math.ceil, floor: Math.floor, exp: Math.exp, sqrt: Math.sqrt, ln: Math.log, log2: Math.log2, log10: Math.log10, sgn: Math.sign,
  sin: Math.sin, cos: Math.cos, tan: Math.tan, asin: Math.asin, acos: Math.acos, atan: Math.atan,
  sinh: Math.sinh, cosh: Math.cosh, tanh: Math.tanh, asinh: Math.asinh, acosh: Math.acosh, atanh: Math.atanh,
  deg: (value) => value / degree,
  rad: (value) => value * degree,
}));

/** Rounds to the nearest multiple, halves up. */
export function roundTo(value: number, nearest: number): number {
  const inverse = 1 / nearest;
  return Math.floor(value * inverse + 0.5) / inverse;
}

/** A function of the date in UTC of a Unix time in seconds; not a number where that is no date. */
const ofDate = (read: (date: Date) => number) => (seconds: number): number => read(new Date(Math.trunc(seconds) * 1_000));

const dayMs = 86_400_000;

/** By name; without an argument they take the time of evaluation. */
export const dateFunctions: ReadonlyMap<string, (seconds: number) => number> = new Map(Object.entries({
  minute: ofDate((date) => date.getUTCMinutes()),
  hour: ofDate((date) => date.getUTCHours()),
  day_of_week: ofDate((date) => date.getUTCDay()),
  day_of_month: ofDate((date) => date.getUTCDate()),
  day_of_year: ofDate((date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / dayMs) + 1),
  days_in_month: ofDate((date) => new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()),
  month: ofDate((date) => date.getUTCMonth() + 1),
  year: ofDate((date) => date.getUTCFullYear()),
}));

/** The larger of two as Go has it: infinity is larger than anything, NaN included; else NaN wins. */
export const larger = (a: number, b: number): number => (a === Infinity || b === Infinity ? Infinity : Math.max(a, b));

/** The smaller of two as Go has it: minus infinity is smaller than anything, NaN included; else NaN wins. */
export const smaller = (a: number, b: number): number => (a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b));
