/** Who is on call when: rotations on a local clock, layers over each other, overrides over all of them. */
import { Temporal } from 'temporal-polyfill';
import { containsTime } from '../routing/time-interval.ts';
import type { TimeInterval } from '../routing/time-interval.ts';

/** People who follow one another. */
export interface Layer {
  readonly name: string;
  readonly people: readonly [string, ...string[]];
  /** Length of a shift: 1 for daily, 7 for weekly rotations, or a multiple of them. */
  readonly shiftDays: number;
  /** Local date (`2026-01-05`) on which the first of the people takes over. */
  readonly startDate: string;
  /** Local time of handover, such as `09:00`. */
  readonly handoverTime: string;
  /** When the layer covers; always where there are none. Their location is the schedule's. */
  readonly hours: readonly TimeInterval[];
}

export interface Schedule {
  readonly name: string;
  /** IANA time zone. */
  readonly timeZone: string;
  /** Of those that cover a moment the last one counts. */
  readonly layers: readonly Layer[];
}

/** Somebody else is on call for a time. */
export interface Override {
  readonly id: string;
  readonly schedule: string;
  readonly person: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly createdAtMs: number;
}

/** One turn of one person, its end not included. */
export interface Shift {
  /** Counted from the layer's start; negative before it. */
  readonly index: number;
  readonly person: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface OnCall {
  readonly person: string;
  readonly via: { readonly kind: 'layer'; readonly layer: string } | { readonly kind: 'override'; readonly id: string };
}

const dayMs = 86_400_000;

/**
 * The turn a moment lies in. Handover is at the same local time the year round: a turn over a change to summer time
 * is an hour shorter. Where the clock skips the handover it is as much later as the clock skips (02:30 becomes 03:30), where
 * it strikes twice at the first.
 */
export function shiftAt(layer: Layer, timeZone: string, atMs: number): Shift {
  const start = Temporal.PlainDate.from(layer.startDate);
  const boundaryMs = (index: number): number =>
    start.add({ days: index * layer.shiftDays }).toZonedDateTime({ timeZone, plainTime: Temporal.PlainTime.from(layer.handoverTime) }).epochMilliseconds;
  let index = Math.floor((atMs - boundaryMs(0)) / (layer.shiftDays * dayMs));
  // Summer time moves boundaries by less than a shift, so that the estimate is off by one at most.
  while (boundaryMs(index) > atMs) index -= 1;
  while (boundaryMs(index + 1) <= atMs) index += 1;
  return { index, person: personOf(layer, index), fromMs: boundaryMs(index), toMs: boundaryMs(index + 1) };
}

function personOf({ people }: Layer, index: number): string {
  return people[((index % people.length) + people.length) % people.length] ?? people[0];
}

const covers = (layer: Layer, timeZone: string, atMs: number): boolean => layer.hours.length === 0 || layer.hours.some((hours) => containsTime({ ...hours, location: timeZone }, atMs));

/** Who is on call at a moment; undefined where no layer covers it. */
export function whoIsOnCall(schedule: Schedule, overrides: readonly Override[], atMs: number): OnCall | undefined {
  const [override] = overrides
    .filter(({ schedule: name, fromMs, toMs }) => name === schedule.name && fromMs <= atMs && atMs < toMs)
    .sort((one, other) => other.createdAtMs - one.createdAtMs || (one.id < other.id ? 1 : -1));
  if (override !== undefined) return { person: override.person, via: { kind: 'override', id: override.id } };
  const layer = schedule.layers.findLast((layer) => covers(layer, schedule.timeZone, atMs));
  return layer === undefined ? undefined : { person: shiftAt(layer, schedule.timeZone, atMs).person, via: { kind: 'layer', layer: layer.name } };
}

/**
 * Who follows whoever is on call, in the rotation that covers the moment.
 * @param ahead how many places
 */
export function whoIsNext(schedule: Schedule, overrides: readonly Override[], atMs: number, ahead: number): string | undefined {
  const now = whoIsOnCall(schedule, overrides, atMs)?.person;
  const layer = schedule.layers.findLast((layer) => covers(layer, schedule.timeZone, atMs));
  if (layer === undefined || ahead === 0) return now;
  const { index } = shiftAt(layer, schedule.timeZone, atMs);
  const following = layer.people.map((_, place) => personOf(layer, index + 1 + place)).filter((person) => person !== now);
  return following[(ahead - 1) % Math.max(1, following.length)] ?? now;
}

/** Days for which a change is looked for where layers have hours. */
const searchDays = 9;

/** When somebody else takes over, or nobody; undefined where that is not within the next shifts. */
export function nextChangeMs(schedule: Schedule, overrides: readonly Override[], atMs: number): number | undefined {
  const now = whoIsOnCall(schedule, overrides, atMs)?.person;
  const moments = [
    ...overrides.filter(({ schedule: name }) => name === schedule.name).flatMap(({ fromMs, toMs }) => [fromMs, toMs]),
    ...schedule.layers.flatMap((layer) => [...shiftEnds(layer, schedule.timeZone, atMs), ...hourEdges(layer, schedule.timeZone, atMs)]),
  ];
  return moments.filter((moment) => moment > atMs).sort((one, other) => one - other).find((moment) => whoIsOnCall(schedule, overrides, moment)?.person !== now);
}

function shiftEnds(layer: Layer, timeZone: string, atMs: number): number[] {
  const ends: number[] = [];
  for (let [place, moment] = [0, atMs]; place <= layer.people.length; place++) {
    moment = shiftAt(layer, timeZone, moment).toMs;
    ends.push(moment);
  }
  return ends;
}

function hourEdges(layer: Layer, timeZone: string, atMs: number): number[] {
  const today = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone).toPlainDate();
  const minutes = new Set([0, ...layer.hours.flatMap(({ times }) => (times ?? []).flatMap(({ from, to }) => [from, to]))]);
  if (layer.hours.length === 0) return [];
  return Array.from({ length: searchDays }, (_, day) => today.add({ days: day })).flatMap((date) =>
    [...minutes].map((minute) => date.toZonedDateTime({ timeZone, plainTime: Temporal.PlainTime.from({ hour: Math.floor(minute / 60) % 24, minute: minute % 60 }) }).epochMilliseconds),
  );
}
