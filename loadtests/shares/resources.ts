import { addUses } from '../report/generator-use.ts';
import type { GeneratorUse } from '../report/generator-use.ts';
import { generatorName } from '../report/resources-meter.ts';
import type { MemoryPoint, ProcessUsage } from '../report/resources-meter.ts';
import { sumResources } from '../report/resources.ts';
import type { Resources, WorkDone } from '../report/resources.ts';
import type { Share } from './share.ts';

/**
 * What all shares used, and what that costs: the generators of all of them, and the system once, as the first
 * share that could see it measured it. undefined where a share did not measure its own.
 * @param merged all shares' measurement
 */
export function mergeResources(shares: readonly Share[], merged: WorkDone): Resources | undefined {
  const known = shares.flatMap(({ facts }) => facts.resources ?? []);
  if (known.length < shares.length) return undefined;
  const seeing = known.find(({ systemMeasured }) => systemMeasured);
  const own = known.flatMap(({ processes }) => processes.filter(isGenerator));
  const generator: ProcessUsage = { name: generatorName, cpuS: sumOf(own, ({ cpuS }) => cpuS), gbS: sumOf(own, ({ gbS }) => gbS) };
  const system = seeing?.processes.filter((process) => !isGenerator(process));
  const expected = known.find((resources) => resources.expected !== null)?.expected ?? null;
  const prices = shares.find(({ facts }) => facts.prices !== undefined)?.facts.prices;
  return sumResources(merged, { generator, system, memory: mergeMemory(known, seeing) }, expected, prices);
}

/** The generators of all shares together; undefined where one was not measured. */
export function mergeUses(shares: readonly Share[]): GeneratorUse | undefined {
  return addUses(shares.map(({ facts }) => facts.generator), (share) => shares[share]?.measurement.users ?? 0);
}

const isGenerator = ({ name }: Pick<ProcessUsage, 'name'>): boolean => name === generatorName;
const sumOf = <T>(parts: readonly T[], pick: (part: T) => number): number => parts.reduce((sum, part) => sum + pick(part), 0);

/** The points of one share, with the memory of all generators: that of each other one at its nearest later point. */
function mergeMemory(all: readonly Resources[], seeing: Resources | undefined): MemoryPoint[] {
  const at = all.map(() => 0);
  return ((seeing ?? all[0])?.memory ?? []).map(({ second, bytes }) => {
    const together = all.reduce((sum, { memory }, share) => {
      while ((at[share] ?? 0) < memory.length - 1 && (memory[at[share] ?? 0]?.second ?? 0) < second) at[share] = (at[share] ?? 0) + 1;
      return sum + (memory[at[share] ?? 0]?.bytes[generatorName] ?? 0);
    }, 0);
    return { second, bytes: { ...bytes, [generatorName]: together } };
  });
}
