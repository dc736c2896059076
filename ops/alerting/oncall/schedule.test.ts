import * as fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, test } from 'vitest';
import { parseOncall } from './config.ts';
import { nextChangeMs, shiftAt, whoIsNext, whoIsOnCall } from './schedule.ts';
import type { Layer, Override, Schedule } from './schedule.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'UTC', 'America/Sao_Paulo', 'Africa/Casablanca'];
const at = (text: string): number => Temporal.ZonedDateTime.from(text).epochMilliseconds;

const layer: fc.Arbitrary<Layer> = fc.record({
  name: fc.constant('layer'),
  people: fc.integer({ min: 1, max: 5 }).map((count) => Array.from({ length: count }, (_, index) => `p${index}`) as [string, ...string[]]),
  shiftDays: fc.constantFrom(1, 2, 7, 14),
  startDate: fc.integer({ min: 0, max: 2_000 }).map((day) => Temporal.PlainDate.from('2024-01-01').add({ days: day }).toString()),
  handoverTime: fc.tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom('00', '15', '30')).map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${minute}`),
  hours: fc.constant([]),
});
const zone = fc.constantFrom(...zones);
const moment = fc.integer({ min: Date.UTC(2023, 0, 1), max: Date.UTC(2031, 0, 1) });

describe('a rotation', () => {
  test('has no gap and no overlap: each turn ends where the next begins, and everybody has theirs in order', () => {
    fc.assert(fc.property(layer, zone, moment, (layer, zone, moment) => {
      const shift = shiftAt(layer, zone, moment);
      expect(shift.fromMs).toBeLessThanOrEqual(moment);
      expect(moment).toBeLessThan(shift.toMs);
      const next = shiftAt(layer, zone, shift.toMs);
      expect(next.fromMs).toBe(shift.toMs);
      expect(next.index).toBe(shift.index + 1);
      expect(layer.people.indexOf(next.person)).toBe((layer.people.indexOf(shift.person) + 1) % layer.people.length);
      expect(shiftAt(layer, zone, shift.toMs - 1)).toEqual(shift);
    }), { numRuns: 300 });
  });

  test('hands over at the same local time the year round, unless the clock skips it', () => {
    fc.assert(fc.property(layer, zone, moment, (layer, zone, moment) => {
      const { fromMs } = shiftAt(layer, zone, moment);
      const local = Temporal.Instant.fromEpochMilliseconds(fromMs).toZonedDateTimeISO(zone);
      const wanted = local.toPlainDate().toPlainDateTime(Temporal.PlainTime.from(layer.handoverTime));
      // A skipped time is the only one that does not come back as itself.
      const isSkipped = !wanted.toZonedDateTime(zone).toPlainDateTime().equals(wanted);
      if (!isSkipped) expect(local.toPlainTime().toString().slice(0, 5)).toBe(layer.handoverTime);
    }), { numRuns: 300 });
  });

  test('hands over as much later as the clock skips, and at the first of two', () => {
    const nightly: Layer = { name: 'night', people: ['a', 'b'], shiftDays: 1, startDate: '2026-01-01', handoverTime: '02:30', hours: [] };
    const begins = (text: string): string => new Date(shiftAt(nightly, 'Europe/Berlin', at(text)).fromMs).toISOString();
    expect(begins('2026-03-29T12:00[Europe/Berlin]')).toBe('2026-03-29T01:30:00.000Z');
    expect(begins('2026-10-25T12:00[Europe/Berlin]')).toBe('2026-10-25T00:30:00.000Z');
  });

  test('has a turn of 23 hours when summer time begins and of 25 when it ends', () => {
    const daily: Layer = { name: 'day', people: ['a', 'b'], shiftDays: 1, startDate: '2026-01-01', handoverTime: '09:00', hours: [] };
    const lengthAt = (text: string): number => {
      const { fromMs, toMs } = shiftAt(daily, 'Europe/Berlin', at(text));
      return (toMs - fromMs) / hourMs;
    };
    expect(lengthAt('2026-03-28T12:00[Europe/Berlin]')).toBe(23);
    expect(lengthAt('2026-10-24T12:00[Europe/Berlin]')).toBe(25);
    expect(lengthAt('2026-06-24T12:00[Europe/Berlin]')).toBe(24);
  });
});

const week: Layer = { name: 'week', people: ['ada', 'bob', 'cy'], shiftDays: 7, startDate: '2026-01-05', handoverTime: '09:00', hours: [] };
const office: Layer = { ...week, name: 'office', people: ['dee'], hours: [{ weekdays: [{ from: 1, to: 5 }], times: [{ from: 540, to: 1_020 }] }] };
const schedule: Schedule = { name: 'primary', timeZone: 'Europe/Berlin', layers: [week, office] };
const stand: Override = { id: 'o1', schedule: 'primary', person: 'eve', fromMs: at('2026-01-06T12:00[Europe/Berlin]'), toMs: at('2026-01-06T20:00[Europe/Berlin]'), createdAtMs: 1 };

describe('a schedule', () => {
  const who = (text: string, overrides: readonly Override[] = []): string | undefined => whoIsOnCall(schedule, overrides, at(`${text}[Europe/Berlin]`))?.person;

  test('asks the last layer that covers the moment, and overrides before all', () => {
    expect(who('2026-01-06T08:59')).toBe('ada');
    expect(who('2026-01-06T09:00')).toBe('dee');
    expect(who('2026-01-06T13:00', [stand])).toBe('eve');
    expect(who('2026-01-06T13:00', [stand, { ...stand, id: 'o2', person: 'bob', createdAtMs: 2 }])).toBe('bob');
    expect(who('2026-01-06T17:00')).toBe('ada');
    expect(who('2026-01-12T08:59')).toBe('ada');
    expect(who('2026-01-10T10:00')).toBe('ada');
    expect(who('2026-01-17T10:00')).toBe('bob');
  });

  test('knows when somebody else takes over', () => {
    const change = (text: string, overrides: readonly Override[] = []): string =>
      Temporal.Instant.fromEpochMilliseconds(nextChangeMs(schedule, overrides, at(`${text}[Europe/Berlin]`)) ?? 0).toZonedDateTimeISO('Europe/Berlin').toPlainDateTime().toString();
    expect(change('2026-01-06T09:30')).toBe('2026-01-06T17:00:00');
    expect(change('2026-01-06T09:30', [stand])).toBe('2026-01-06T12:00:00');
    expect(change('2026-01-09T18:00')).toBe('2026-01-12T09:00:00');
  });

  test('names who follows: the next in the rotation who is not on call already', () => {
    const single: Schedule = { ...schedule, layers: [week] };
    const moment = at('2026-01-06T13:00[Europe/Berlin]');
    expect([1, 2, 3].map((ahead) => whoIsNext(single, [], moment, ahead))).toEqual(['bob', 'cy', 'bob']);
    expect(whoIsNext(single, [{ ...stand, person: 'bob' }], moment, 1)).toBe('cy');
    expect(whoIsNext({ ...single, layers: [office] }, [], moment, 1)).toBe('dee');
  });

  test('has somebody on call at every moment where one of its layers has no hours', () => {
    fc.assert(fc.property(layer, zone, moment, (layer, zone, moment) => {
      expect(whoIsOnCall({ name: 's', timeZone: zone, layers: [layer, { ...office, startDate: layer.startDate }] }, [], moment)).toBeDefined();
    }), { numRuns: 100 });
  });

  test('changes hands when it says it will, and not before', () => {
    fc.assert(fc.property(fc.integer({ min: at('2026-01-05T00:00[UTC]'), max: at('2026-12-31T00:00[UTC]') }), (moment) => {
      const changeMs = nextChangeMs(schedule, [], moment) ?? moment + dayMs;
      const person = whoIsOnCall(schedule, [], moment)?.person;
      expect(whoIsOnCall(schedule, [], changeMs)?.person).not.toBe(person);
      expect(whoIsOnCall(schedule, [], changeMs - 1)?.person).toBe(person);
      expect(whoIsOnCall(schedule, [], moment + Math.floor((changeMs - moment) / 2))?.person).toBe(person);
    }), { numRuns: 100 });
  });
});

describe('the on-call file', () => {
  test('is refused with everything that is wrong in it', () => {
    const parse = (): unknown => parseOncall('oncall.yaml', `
people: { ada: {} }
schedules:
  primary: { time_zone: Europe/Berlin, layers: [{ rotation: weekly, start: 2026-01-05, handover: '09:00', people: [ada, bob] }] }
policies:
  page: { steps: [{ schedule: secondary }, { person: cy }] }
`, {});
    expect(parse).toThrow(/4: .*people\[1\]: "bob" is not one of people \(ada\)[^]*6: .*"secondary" is not one of schedules \(primary\)[^]*6: .*"cy" is not one of people/);
  });
});
