import { z } from 'zod';
import type { Prices } from '../../ops/core/config.ts';
import { generatorName } from './resources-meter.ts';
import { foreseeUse, money, priceOf, quantities } from './resources.ts';
import type { EarlierRun, Quantities, Resources } from './resources.ts';

const amount = z.number().min(0);

/** What several runs used together, such as those of a suite or of a search. */
export const spentSchema = quantities
  .extend({
    runs: z.int().min(0).describe('That were counted.'),
    operations: amount,
    system: z.object({ cpuS: amount, gbS: amount }).nullable().describe('Of that, the system under test, once for runs at the same time; null where it was not measured.'),
  })
  .describe('CPU seconds, GB·s and bytes of several runs together.');

export const plannedSpendingSchema = z
  .object({
    expected: spentSchema.nullable().describe('Said before the start, from what earlier runs used; null where none was known. A search counts with all its probes at its highest rate.'),
    unknown: z.array(z.string()).describe('Scenarios of which no earlier run on this machine says what they use: they are not in what was expected.'),
    used: spentSchema,
    money: money.nullable().describe('Of what was used; null where no price list is configured, or the system was not measured.'),
  })
  .describe('What the whole used, and what that costs where a price list is configured.');

export type Spent = z.infer<typeof spentSchema>;
export type PlannedSpending = z.infer<typeof plannedSpendingSchema>;
type Part = NonNullable<Spent['system']>;

const nothing: Spent = { runs: 0, operations: 0, cpuS: 0, gbS: 0, bytesSent: 0, bytesReceived: 0, system: null };
const sumOf = <T>(parts: readonly T[], pick: (part: T) => number): number => parts.reduce((sum, part) => sum + pick(part), 0);
const mostOf = <T>(parts: readonly T[], pick: (part: T) => number): number => parts.reduce((most, part) => Math.max(most, pick(part)), 0);

/** What runs at the same time used: each its own generator, and all the same system, of which the longest saw most. */
export function spentTogether(runs: readonly (Resources | undefined)[]): Spent {
  const known = runs.flatMap((run) => run ?? []);
  const seen = known.filter(({ systemMeasured }) => systemMeasured);
  const partOf = ({ processes }: Resources, isGenerator: boolean): Part => {
    const counted = processes.filter(({ name }) => (name === generatorName) === isGenerator);
    return { cpuS: sumOf(counted, ({ cpuS }) => cpuS), gbS: sumOf(counted, ({ gbS }) => gbS) };
  };
  const system = seen.length === 0 ? null : { cpuS: mostOf(seen, (run) => partOf(run, false).cpuS), gbS: mostOf(seen, (run) => partOf(run, false).gbS) };
  return {
    runs: known.length, operations: sumOf(known, ({ operations }) => operations), system,
    cpuS: sumOf(known, (run) => partOf(run, true).cpuS) + (system?.cpuS ?? 0), gbS: sumOf(known, (run) => partOf(run, true).gbS) + (system?.gbS ?? 0),
    bytesSent: sumOf(known, ({ used }) => used.bytesSent), bytesReceived: sumOf(known, ({ used }) => used.bytesReceived),
  };
}

/** What runs one after the other used. The system is known where it was of each. */
export function addSpent(all: readonly Spent[]): Spent {
  const counted = all.filter(({ runs }) => runs > 0);
  if (counted.length === 0) return nothing;
  const systems = counted.flatMap(({ system }) => system ?? []);
  const names = ['runs', 'operations', 'cpuS', 'gbS', 'bytesSent', 'bytesReceived'] as const;
  const sums = Object.fromEntries(names.map((name) => [name, sumOf(counted, (spent) => spent[name])])) as Record<(typeof names)[number], number>;
  return { ...sums, system: systems.length < counted.length ? null : { cpuS: sumOf(systems, ({ cpuS }) => cpuS), gbS: sumOf(systems, ({ gbS }) => gbS) } };
}

/** What the system's part of it costs; null without a list, and where the system was not measured. */
export function priceSpent(spent: Spent, prices: Prices | undefined): PlannedSpending['money'] {
  if (prices === undefined || spent.system === null) return null;
  return priceOf({ ...spent, ...spent.system }, prices, spent.operations);
}

/** A run that is planned. */
export interface PlannedRun {
  /** The scenario's name. */
  readonly scenario: string;
  readonly operations: number;
  readonly durationMs: number;
}

export interface Foreseen {
  readonly expected: Spent | null;
  readonly unknown: readonly string[];
}

/**
 * What a plan will use, from the newest run of each scenario on the same machine.
 * @param earlier newest first
 * @param parts one after the other; the runs of each at the same time
 * @param host name of the machine
 */
export function foreseeSpending(earlier: readonly EarlierRun[], parts: readonly (readonly PlannedRun[])[], host: string): Foreseen {
  const unknown = new Set<string>();
  const spent = parts.map((runs) => {
    const known = runs.flatMap((run) => {
      const use = foreseeUse(earlier, { scenario: run.scenario, host }, run);
      if (use === null) unknown.add(run.scenario);
      return use === null ? [] : [{ ...use, operations: run.operations }];
    });
    const systems = known.flatMap(({ system }) => system ?? []);
    // Its CPU time grows with what it has to do; its memory is there once, however many load it.
    const system = known.length === 0 || systems.length < known.length ? null : { cpuS: sumOf(systems, ({ cpuS }) => cpuS), gbS: mostOf(systems, ({ gbS }) => gbS) };
    const total = (name: keyof Quantities): number => sumOf(known, ({ all }) => all[name]);
    const gbS = system === null ? total('gbS') : total('gbS') - sumOf(systems, (each) => each.gbS) + system.gbS;
    return { runs: known.length, operations: sumOf(known, ({ operations }) => operations), cpuS: total('cpuS'), gbS, bytesSent: total('bytesSent'), bytesReceived: total('bytesReceived'), system };
  });
  const expected = addSpent(spent);
  return { expected: expected.runs === 0 ? null : expected, unknown: [...unknown] };
}
