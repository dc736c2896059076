/** Alertmanager's time intervals: when a route is muted or active. */
import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { list, parsed } from './fields.ts';

interface Range {
  readonly from: number;
  readonly to: number;
}

/** All that are given must hold; a list that is given and empty never does. */
export interface TimeInterval {
  /** Minutes of the day, the end not included. */
  readonly times?: readonly Range[] | undefined;
  /** From 0 for Sunday to 6. */
  readonly weekdays?: readonly Range[] | undefined;
  /** Negative ones count from the end of the month. */
  readonly days_of_month?: readonly Range[] | undefined;
  readonly months?: readonly Range[] | undefined;
  readonly years?: readonly Range[] | undefined;
  /** IANA time zone; default UTC. */
  readonly location?: string | undefined;
}

const weekdayNames = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const monthNames = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december'];

/** `HH:MM` as minutes of the day; 24:00 is its end. */
function minutesOf(text: string): number {
  if (!/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/.test(text)) throw new Error(`${JSON.stringify(text)} is not a time such as 09:00`);
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}

const timeRange = z
  .strictObject({ start_time: parsed(minutesOf), end_time: parsed(minutesOf) })
  .refine(({ start_time: start, end_time: end }) => start < end, { error: 'start_time must be before end_time; write a night as two ranges' })
  .transform(({ start_time: from, end_time: to }): Range => ({ from, to }));

function rangeOf(what: string, read: (text: string) => number | undefined, min: number, max: number): z.ZodType<Range> {
  return parsed((text) => {
    const parts = text.toLowerCase().split(':');
    const [from, to] = [read(parts[0] ?? ''), read(parts.at(-1) ?? '')];
    if (parts.length > 2 || from === undefined || to === undefined || from < min || to > max) throw new Error(`${JSON.stringify(text)} is not a range of ${what}`);
    if (from > to) throw new Error(`${JSON.stringify(text)} ends before it starts`);
    return { from, to };
  });
}

const whole = (text: string): number | undefined => (/^[+-]?\d+$/.test(text) ? Number(text) : undefined);
const nameOf = (names: readonly string[], base: number) => (text: string): number | undefined => (names.includes(text) ? names.indexOf(text) + base : undefined);
const monthOf = (text: string): number | undefined => nameOf(monthNames, 1)(text) ?? whole(text);

/** Days of a month; where one end is negative their order is judged in the shortest month. */
const daysOfMonth = parsed((text): Range => {
  const parts = text.split(':');
  const [from = 0, to = 0] = [whole(parts[0] ?? ''), whole(parts.at(-1) ?? '')];
  const isDay = (day: number): boolean => day !== 0 && day >= -31 && day <= 31;
  if (parts.length > 2 || !isDay(from) || !isDay(to)) throw new Error(`${JSON.stringify(text)} is not a range of days of the month`);
  if (from < 0 && to > 0) throw new Error(`${JSON.stringify(text)}: the end must be negative where the start is`);
  if ((from < 0 ? 28 + from : from) > (to < 0 ? 28 + to : to)) throw new Error(`${JSON.stringify(text)} ends before it starts`);
  return { from, to };
});

export const timeZone = parsed((text) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text === 'Local' ? undefined : text }).resolvedOptions().timeZone;
  } catch {
    throw new Error(`${JSON.stringify(text)} is not a time zone; write one of IANA's, such as Europe/Berlin`);
  }
});

export const timeInterval: z.ZodType<TimeInterval> = z.strictObject({
  times: list(timeRange).optional(),
  weekdays: list(rangeOf('weekdays such as monday:friday', nameOf(weekdayNames, 0), 0, 6)).optional(),
  days_of_month: list(daysOfMonth).optional(),
  months: list(rangeOf('months such as january:march', monthOf, 1, 12)).optional(),
  years: list(rangeOf('years such as 2026:2028', whole, 0, 9_999)).optional(),
  location: timeZone.optional(),
});

/** Whether a moment lies in the interval, on the clock of its location. */
export function containsTime(interval: TimeInterval, atMs: number): boolean {
  const at = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(interval.location ?? 'UTC');
  const minutes = at.hour * 60 + at.minute;
  const within = (ranges: readonly Range[] | undefined, value: number): boolean => ranges === undefined || ranges.some(({ from, to }) => value >= from && value <= to);
  return (
    (interval.times?.some(({ from, to }) => minutes >= from && minutes < to) ?? true) &&
    within(interval.days_of_month?.flatMap((range) => daysWithin(range, at.daysInMonth)), at.day) &&
    within(interval.months, at.month) &&
    within(interval.weekdays, at.dayOfWeek % 7) &&
    within(interval.years, at.year)
  );
}

/** The days a range means in a month of so many; none where it begins after the month's end. */
function daysWithin({ from, to }: Range, days: number): Range[] {
  const [first, last] = [from, to].map((day) => (day < 0 ? days + day + 1 : day)) as [number, number];
  return first > days ? [] : [{ from: Math.max(first, -days), to: Math.min(last, days) }];
}
