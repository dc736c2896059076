import { z } from 'zod';
import type { Prices } from '../../ops/core/config.ts';
import type { OperationSample } from '../swarm/measurement.ts';
import { generatorName } from './resources-meter.ts';
import type { MemoryPoint, ProcessUsage } from './resources-meter.ts';

const amount = z.number().min(0);
const count = z.int().min(0);

export const quantities = z
  .object({ cpuS: amount, gbS: amount, bytesSent: amount, bytesReceived: amount })
  .describe('CPU seconds, GB·s (10^9 bytes of memory for a second), bytes that the generator sent and received.');

export const money = z
  .object({ currency: z.string(), asOf: z.string(), cpu: amount, memory: amount, egress: amount, total: amount, perMillionOperations: amount.nullable() })
  .describe('By the configured price list: CPU and memory of the system under test, and the bytes it sent.');

/** What a run used; an optional part of `summary.json`. */
export const resourcesSchema = z
  .object({
    operations: count.describe('Of all phases, as all figures here are.'),
    planned: count.optional().describe('As they were announced: an iteration of a function counts as one, however much it does. Absent where the run ended early.'),
    used: quantities.describe('Generator and system together.'),
    perMillionOperations: quantities.nullable(),
    processes: z.array(z.object({ name: z.string(), cpuS: amount, gbS: amount })).describe('The generator first.'),
    systemMeasured: z.boolean().describe('false: the target is no stack of ours, and only the generator was measured.'),
    expected: quantities.extend({ fromRun: z.string(), money: z.object({ currency: z.string(), asOf: z.string(), total: amount }).nullable().default(null) }).nullable().describe('Said before the run, from what an earlier run of the scenario used; null without one.'),
    money: money.nullable().describe('null where no price list is configured, or the system was not measured.'),
    memory: z.array(z.object({ second: amount, bytes: z.record(z.string(), amount) })).describe('Resident memory by process over time, at most 240 points.'),
  })
  .describe('What the run used, and what that costs where a price list is configured.');

export type Resources = z.infer<typeof resourcesSchema>;
export type Quantities = z.infer<typeof quantities>;
export type ExpectedResources = NonNullable<Resources['expected']>;

export interface UsageMeasured {
  readonly generator: ProcessUsage;
  /** undefined where the target is no stack of ours. */
  readonly system: readonly ProcessUsage[] | undefined;
  readonly memory: readonly MemoryPoint[];
}

/** What was done, as far as it is priced: of all phases. */
export interface WorkDone {
  readonly operations: readonly Pick<OperationSample, 'total' | 'bytesSent' | 'bytesReceived'>[];
}

/**
 * Sums what a run used and prices it. Pure.
 * @param planned operations as they were announced, of a run that took its time
 */
export function sumResources(
  run: WorkDone, measured: UsageMeasured, expected: ExpectedResources | null, prices: Prices | undefined, planned?: number,
): Resources {
  const { generator, system } = measured;
  const sum = (pick: (sample: WorkDone['operations'][number]) => number): number => run.operations.reduce((total, sample) => total + pick(sample), 0);
  const operations = sum((sample) => sample.total);
  const bytes = { bytesSent: sum((sample) => sample.bytesSent), bytesReceived: sum((sample) => sample.bytesReceived) };
  const processes = [generator, ...(system ?? [])];
  const used = { ...sumUsage(processes), ...bytes };
  const cost = prices === undefined || system === undefined ? null : priceOf({ ...sumUsage(system), ...bytes }, prices, operations);
  return {
    operations, ...(planned === undefined ? {} : { planned }), used, perMillionOperations: operations === 0 ? null : scale(used, 1e6 / operations), processes: [...processes],
    systemMeasured: system !== undefined, expected, money: cost, memory: [...measured.memory],
  };
}

const sumUsage = (usage: readonly ProcessUsage[]): { cpuS: number; gbS: number } => ({
  cpuS: usage.reduce((total, one) => total + one.cpuS, 0),
  gbS: usage.reduce((total, one) => total + one.gbS, 0),
});

const scale = ({ cpuS, gbS, bytesSent, bytesReceived }: Quantities, factor: number): Quantities => ({
  cpuS: cpuS * factor, gbS: gbS * factor, bytesSent: bytesSent * factor, bytesReceived: bytesReceived * factor,
});

/** What quantities cost: what the generator received is what the system sent. */
export function priceOf(used: Quantities, prices: Prices, operations: number): NonNullable<Resources['money']> {
  const cpu = used.cpuS * prices.cpuSecond;
  const memory = used.gbS * prices.gbSecond;
  const egress = (used.bytesReceived / 1e9) * prices.egressGb;
  const total = cpu + memory + egress;
  const { currency, asOf } = prices;
  return { currency, asOf, cpu, memory, egress, total, perMillionOperations: operations === 0 ? null : (total / operations) * 1e6 };
}

/** An earlier run, as far as an expectation needs it. */
export interface EarlierRun {
  readonly runId: string;
  readonly scenario: string;
  /** Name of the machine. */
  readonly host: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly resources?: Resources | undefined;
  /** Of one share of a run: which of how many. */
  readonly partition?: { readonly count: number } | undefined;
}

/**
 * What a run will use, from the newest run of the same scenario on the same machine: CPU and bytes
 * grow with operations, memory with time. Without such a run nothing is known, and nothing is said.
 * @param earlier newest first
 * @param load operations expected, and how long it will take
 * @param prices what the system's part of it will cost; without them no money is told
 */
export function expectResources(
  earlier: Iterable<EarlierRun>, run: { readonly scenario: string; readonly host: string }, load: { readonly operations: number; readonly durationMs: number },
  prices?: Prices,
): ExpectedResources | null {
  const use = foreseeUse(earlier, run, load);
  if (use === null) return null;
  const { fromRun, all, system } = use;
  const cost = prices === undefined || system === null ? undefined : priceOf(system, prices, load.operations);
  return { ...all, fromRun, money: cost === undefined ? null : { currency: cost.currency, asOf: cost.asOf, total: cost.total } };
}

/** What a run will use in all, and the system's part of it; null where no earlier run says, the part where none was measured. */
export function foreseeUse(
  earlier: Iterable<EarlierRun>, run: { readonly scenario: string; readonly host: string }, load: { readonly operations: number; readonly durationMs: number },
): { readonly fromRun: string; readonly all: Quantities; readonly system: Quantities | null } | null {
  // A share saw the system work for all shares, but only its own operations.
  const basis = Iterator.from(earlier).find((one) => (one.partition?.count ?? 1) === 1 && one.scenario === run.scenario && one.host === run.host && (one.resources?.operations ?? 0) >= operationsMin);
  const resources = basis?.resources;
  if (basis === undefined || resources === undefined) return null;
  const lastedS = Math.max(1, (Date.parse(basis.endedAt) - Date.parse(basis.startedAt)) / 1_000);
  // What was planned of the one stands to what is planned of the other as their uses do, also where journeys make many operations.
  const grow = (used: Quantities): Quantities => ({ ...scale(used, load.operations / (resources.planned || resources.operations)), gbS: (used.gbS / lastedS) * (load.durationMs / 1_000) });
  const system = { ...resources.used, ...sumUsage(resources.processes.filter(({ name }) => name !== generatorName)) };
  return { fromRun: basis.runId, all: grow(resources.used), system: resources.systemMeasured ? grow(system) : null };
}

/** A run of fewer operations is mostly start-up, and says little about a larger one. */
const operationsMin = 1_000;

/** Joins the memory of generator and system, each point of the one with the nearest later of the other. */
export function joinMemory(system: readonly MemoryPoint[], generator: readonly MemoryPoint[]): MemoryPoint[] {
  if (system.length === 0) return [...generator];
  let at = 0;
  return system.map(({ second, bytes }) => {
    while (at < generator.length - 1 && (generator[at]?.second ?? 0) < second) at += 1;
    return { second, bytes: { ...generator[at]?.bytes, ...bytes } };
  });
}
